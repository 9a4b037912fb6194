//! Verifiable credentials of who signed in.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{ES256, JwsHeader};
use josekit::jwt::{self, JwtPayload};
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::world::{CONSENT_APP, LOGIN_APP, World};
use crate::stage::{jwt_part, merge, send};

on_both_databases!(
    a_credential_is_bound_to_the_key_that_was_shown,
    what_is_no_good_proof_brings_no_credential,
    a_nonce_is_good_for_its_token_and_not_for_long,
);

const SCOPE: &str = "openid userinfo_credential_draft_00";

/// What Ada's tokens come with.
async fn tokens(world: &World, scope: &str) -> Value {
    let session = json!({"id_token": {"email": "ada@example.org"}});
    let code = world.code(&world.server.browser(), scope, session).await;
    send(world.redeem(&code, &[])).await.expect(200).body
}

/// A server whose access tokens live this long.
async fn world(backend: Backend, life: &str) -> World {
    let urls = json!({"login": LOGIN_APP, "consent": CONSENT_APP});
    let mut world = World::with(backend, json!({"oauth2": {"urls": urls, "ttl": {"access_token": life}}})).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none", "scope": SCOPE})).await;
    world
}

fn proof(key: &Jwk, nonce: &str) -> Value {
    let claims = json!({"nonce": nonce}).as_object().cloned().expect("an object");
    let mut header = JwsHeader::new();
    header.set_jwk(key.to_public_key().expect("a public key"));
    let payload = JwtPayload::from_map(claims).expect("claims");
    let signer = ES256.signer_from_jwk(key).expect("a signer");
    json!({"proof_type": "jwt", "jwt": jwt::encode_with_signer(&payload, &header, &signer).expect("signs")})
}

async fn ask(world: &World, token: &Value, changes: Value) -> (u16, Value) {
    let mut body = json!({"format": "jwt_vc_json", "types": ["VerifiableCredential", "UserInfoCredential"]});
    merge(&mut body, &changes);
    let call = world.server.api().post(world.server.public("/credentials")).json(&body);
    let answer = call.bearer_auth(token.as_str().unwrap_or_default()).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn a_credential_is_bound_to_the_key_that_was_shown(backend: Backend) {
    let world = world(backend, "1h").await;
    let tokens = tokens(&world, SCOPE).await;
    assert_eq!(tokens["c_nonce_expires_in_draft_00"], 3600);
    let (status, priming) = ask(&world, &tokens["access_token"], json!({})).await;
    assert_eq!((status, &priming["error"], &priming["format"]), (400, &json!("missing_proof"), &json!("jwt_vc")));
    assert_eq!(priming["c_nonce"], tokens["c_nonce_draft_00"]);

    let key = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
    let proof = proof(&key, priming["c_nonce"].as_str().expect("a nonce"));
    let (status, answer) = ask(&world, &tokens["access_token"], json!({"proof": proof})).await;
    assert_eq!((status, &answer["format"]), (200, &json!("jwt_vc_json")), "{answer}");
    let credential = answer["credential_draft_00"].as_str().expect("a JWT");
    let claims = jwt_part(credential, 1);
    let holder = claims["sub"].as_str().and_then(|sub| sub.strip_prefix("did:jwk:")).expect("a did");
    let holder: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(holder).expect("base64url")).expect("JSON");
    assert_eq!((&holder["x"], holder.get("d")), (&json!(key.as_ref())["x"], None));
    let about = &claims["vc"]["credentialSubject"];
    assert_eq!(
        (&about["sub"], &about["email"], &about["id"]),
        (&json!("ada"), &json!("ada@example.org"), &claims["sub"])
    );
    assert_eq!(claims["exp"].as_i64().expect("seconds") - claims["iat"].as_i64().expect("seconds"), 3600);
}

async fn what_is_no_good_proof_brings_no_credential(backend: Backend) {
    let world = world(backend, "1h").await;
    let tokens = tokens(&world, SCOPE).await;
    let key = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
    let nonce = tokens["c_nonce_draft_00"].as_str().expect("a nonce").to_owned();
    for wrong in [
        json!({"format": "ldp_vc"}),
        json!({"types": ["VerifiableCredential"]}),
        json!({"proof": {"proof_type": "cwt", "jwt": "x"}}),
        json!({"proof": {"proof_type": "jwt", "jwt": "x.y.z"}}),
        json!({"proof": proof(&key, "a nonce of ours")}),
        json!({"proof": 7}),
    ] {
        let (status, answer) = ask(&world, &tokens["access_token"], wrong.clone()).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{wrong}: {answer}");
    }
    let good = json!({"proof": proof(&key, &nonce)});
    assert_eq!(ask(&world, &json!("ory_at_x"), good.clone()).await.0, 401);
    let narrower = self::tokens(&world, "openid").await;
    assert!(narrower.get("c_nonce_draft_00").is_none());
    let (status, answer) = ask(&world, &narrower["access_token"], good.clone()).await;
    assert_eq!((status, &answer["error"]), (403, &json!("insufficient_scope")));
    world.server.advance(Duration::from_secs(7200));
    assert_eq!(ask(&world, &tokens["access_token"], good).await.0, 401, "token and nonce have expired");
}

async fn a_nonce_is_good_for_its_token_and_not_for_long(backend: Backend) {
    let world = world(backend, "4h").await;
    let (tokens, others) = (tokens(&world, SCOPE).await, tokens(&world, SCOPE).await);
    let key = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
    let ask = async |nonce: &Value| {
        let proof = proof(&key, nonce.as_str().expect("a nonce"));
        let (status, answer) = ask(&world, &tokens["access_token"], json!({"proof": proof})).await;
        (status, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    let (good, refused) = ((200, String::new()), (400, "invalid_request".to_owned()));
    assert_eq!(ask(&others["c_nonce_draft_00"]).await, refused, "of another token");
    let nonce = &tokens["c_nonce_draft_00"];
    assert_eq!(ask(nonce).await, good);
    world.server.advance(Duration::from_secs(3600));
    assert_eq!(ask(nonce).await, good, "in the hour after the one that it was made in");
    world.server.advance(Duration::from_secs(3600));
    assert_eq!(ask(nonce).await, refused, "two hours old");
}
