//! Sessions as JSON Web Tokens.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use serde_json::{Value, json};

use super::client::Client;
use super::world::World;

on_both_databases!(a_session_becomes_a_token, a_program_adds_claims, what_cannot_be_made_is_said,);

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";
/// RFC 8037, appendix A.1.
const KEYS: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "first", "alg": "EdDSA",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn reference(document: &str) -> String {
    format!("base64://{}", STANDARD.encode(document))
}

async fn world(backend: Backend, template: Value) -> World {
    let mut template = template;
    template["jwks_url"] = json!(reference(KEYS));
    let session = json!({"whoami": {"tokenizer": {"templates": {"edge": template}}}});
    let flags = json!({"cacheable_sessions": true});
    World::with(backend, json!({"identity": {"session": session, "feature_flags": flags}})).await
}

async fn signed_in(world: &World) -> Client<'_> {
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    script.submit(&flow, json!({"method": "password", "identifier": EMAIL, "password": PASSWORD})).await.expect(200);
    script
}

/// Header and claims of a token.
fn parts(token: &Value) -> (Value, Value) {
    let parts: Vec<_> = token.as_str().expect("a token").split('.').collect();
    assert_eq!(parts.len(), 3);
    let part = |index: usize| {
        let bytes = URL_SAFE_NO_PAD.decode(parts[index]).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    };
    (part(0), part(1))
}

async fn a_session_becomes_a_token(backend: Backend) {
    let world = world(backend, json!({"ttl": "10s"})).await;
    let script = signed_in(&world).await;
    let plain = script.get("/sessions/whoami").await;
    assert!(plain.headers.contains_key("ory-session-cache-for"));
    let plain = plain.expect(200);
    let answer = script.get("/sessions/whoami?tokenize_as=edge").await;
    assert!(!answer.headers.contains_key("ory-session-cache-for"), "a token ends sooner than its session");
    let mut shown = answer.expect(200);
    let token = shown["tokenized"].take();
    shown.as_object_mut().expect("an object").remove("tokenized");
    assert_eq!(shown, plain);
    let (header, claims) = parts(&token);
    assert_eq!(header, json!({"alg": "EdDSA", "kid": "first", "typ": "JWT"}));
    let now = world.server.now().as_seconds();
    assert_eq!((&claims["iat"], &claims["nbf"], &claims["exp"]), (&json!(now), &json!(now), &json!(now + 10)));
    assert_eq!((&claims["sub"], &claims["sid"]), (&plain["identity"]["id"], &plain["id"]));
    assert_eq!(claims["iss"], world.server.public("/"));
    let again = script.get("/sessions/whoami?tokenize_as=edge").await.expect(200);
    assert_ne!(parts(&again["tokenized"]).1["jti"], claims["jti"]);
    let verifier = josekit::jws::EdDSA.verifier_from_jwk(&public()).expect("a verifier");
    josekit::jws::deserialize_compact(token.as_str().expect("a token"), &verifier).expect("the signature is right");
}

fn public() -> josekit::jwk::Jwk {
    let set: Value = serde_json::from_str(KEYS).expect("JSON");
    let mut key = set["keys"][0].as_object().expect("a key").clone();
    key.remove("d");
    josekit::jwk::Jwk::from_map(key).expect("a key")
}

async fn a_program_adds_claims(backend: Backend) {
    let source = "local session = std.extVar('session'); local claims = std.extVar('claims');
        {claims: {email: session.identity.traits.email, aal: session.authenticator_assurance_level,
                  iss: claims.iss + 'edge', sub: 'somebody else'}}";
    let world = world(backend, json!({"claims_mapper_url": reference(source)})).await;
    let script = signed_in(&world).await;
    let shown = script.get("/sessions/whoami?tokenize_as=edge").await.expect(200);
    let (_, claims) = parts(&shown["tokenized"]);
    assert_eq!((&claims["email"], &claims["aal"]), (&json!(EMAIL), &json!("aal1")));
    assert_eq!(claims["iss"], world.server.public("/edge"));
    assert_eq!(claims["sub"], shown["identity"]["id"], "whose token it is, is not for a program to say");
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(60));
}

async fn what_cannot_be_made_is_said(backend: Backend) {
    let world = world(backend, json!({"subject_source": "external_id"})).await;
    let script = signed_in(&world).await;
    script.get("/sessions/whoami?tokenize_as=edge").await.expect(400);
    script.get("/sessions/whoami?tokenize_as=unknown").await.expect(400);
    script.get("/sessions/whoami?tokenize_as=").await.expect(200);
    world.browser().get("/sessions/whoami?tokenize_as=edge").await.expect(401);
    for source in ["{claims: 7}", "{}", "error 'no'", "local f(n) = f(n + 1) tailstrict; f(0)"] {
        let template = json!({"jwks_url": reference(KEYS), "claims_mapper_url": reference(source)});
        world.reconfigure(json!({"session": {"whoami": {"tokenizer": {"templates": {"edge": template}}}}})).await;
        assert_eq!(script.get("/sessions/whoami?tokenize_as=edge").await.error_id(500), "invalid_configuration");
    }
}

#[tokio::test]
async fn a_template_that_cannot_sign_is_refused_at_start() {
    for keys in ["{}", r#"{"keys": []}"#, &KEYS.replace("\"d\"", "\"q\""), "no JSON"] {
        let templates = json!({"edge": {"jwks_url": reference(keys)}});
        let config = json!({"identity": {"session": {"whoami": {"tokenizer": {"templates": templates}}}}});
        let refused = TestServer::try_start(TestOptions::with(Backend::Sqlite, config)).await;
        let why = refused.err().unwrap_or_else(|| panic!("{keys} is accepted"));
        assert!(why.contains("templates.edge") && !why.contains("nWGxne"), "{why}");
    }
}
