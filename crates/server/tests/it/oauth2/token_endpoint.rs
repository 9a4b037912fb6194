//! Client authentication and `client_credentials` at the token endpoint, and what becomes of the tokens.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use josekit::jwk::Jwk;
use josekit::jws::{ES256, HS256, JwsHeader, JwsSigner};
use josekit::jwt::{self, JwtPayload};
use orrery_testkit::{Backend, Call, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::{create, refusal};
use crate::stage::{Answer, Stage, jwt_part, merge, send};

on_both_databases!(
    a_client_gets_a_token_that_lives_until_it_is_revoked,
    each_client_authenticates_as_registered_and_in_no_other_way,
    a_client_gets_no_more_than_it_is_registered_for,
    malformed_requests_are_told_what_is_wrong,
    a_jwt_says_what_introspection_says,
    a_stateless_token_needs_no_row,
    an_assertion_authenticates_once,
    assertions_of_others_are_refused,
    an_address_that_clients_are_told_is_ours_too,
    tokens_of_a_client_can_be_deleted,
    a_rotated_secret_goes_on_working,
    introspection_can_be_signed,
    scripts_read_what_their_client_gets,
    guessing_at_a_client_is_slowed_down_where_it_comes_from,
    only_guesses_are_slowed_down,
);

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub(super) fn post(stage: &Stage, path: &str, pairs: &[(&str, &str)]) -> Call {
    stage.public(Method::POST, path).form(pairs)
}

pub(super) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

async fn token(stage: &Stage, id: &str, secret: &str, pairs: &[(&str, &str)]) -> Answer {
    let mut sent = vec![("grant_type", "client_credentials")];
    sent.extend(pairs);
    send(post(stage, "/oauth2/token", &sent).header("authorization", basic(id, secret))).await
}

pub(super) async fn introspect(stage: &Stage, token: &str) -> Value {
    send(stage.admin(Method::POST, "/admin/oauth2/introspect").form(&[("token", token)])).await.expect(200).body
}

/// A client for `client_credentials`, and its secret.
pub(super) async fn machine(stage: &Stage, changes: Value) -> (String, String) {
    let mut body = json!({
        "grant_types": ["client_credentials"], "scope": "read write api.*", "audience": ["https://api.example/v1"],
    });
    merge(&mut body, &changes);
    let made = create(stage, body).await;
    let text = |name: &str| made.body[name].as_str().unwrap_or_default().to_owned();
    (text("client_id"), text("client_secret"))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn a_client_gets_a_token_that_lives_until_it_is_revoked(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let sent = [("scope", "read api.users"), ("audience", "https://api.example/v1/users")];
    let answer = token(&stage, &id, &secret, &sent).await.expect(200);
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    let value = text(&answer.body["access_token"]).to_owned();
    assert!(value.starts_with("ory_at_") && value.len() == 50, "{value}");
    let rest = json!({"token_type": "bearer", "expires_in": 3600, "scope": "read api.users", "access_token": value});
    assert_eq!(answer.body, rest);

    let expected = json!({
        "active": true, "scope": "read api.users", "client_id": id, "sub": id, "aud": ["https://api.example/v1/users"],
        "iat": 1_767_225_600, "nbf": 1_767_225_600, "exp": 1_767_229_200, "token_type": "Bearer",
        "token_use": "access_token",
    });
    let mut seen = introspect(&stage, &value).await;
    let issuer = seen.as_object_mut().and_then(|seen| seen.remove("iss")).expect("an issuer");
    assert!(text(&issuer).starts_with("http://"));
    assert_eq!(seen, expected);
    let wrong = stage.admin(Method::POST, "/admin/oauth2/introspect");
    let wrong = wrong.form(&[("token", value.as_str()), ("scope", "read admin")]);
    assert_eq!(send(wrong).await.expect(200).body, json!({"active": false}), "without that scope");

    let (other, theirs) = machine(&stage, json!({})).await;
    let revoke = |id: &str, secret: &str, token: &str| {
        post(&stage, "/oauth2/revoke", &[("token", token)]).header("authorization", basic(id, secret))
    };
    send(revoke(&other, &theirs, &value)).await.expect(200);
    assert_eq!(introspect(&stage, &value).await["active"], true, "it is not theirs to revoke");
    assert_eq!(send(revoke(&id, "wrong", &value)).await.status, 401);
    assert_eq!(introspect(&stage, &value).await["active"], true);
    send(revoke(&id, &secret, &value)).await.expect(200);
    assert_eq!(introspect(&stage, &value).await, json!({"active": false}));
    send(revoke(&id, &secret, "unknown")).await.expect(200);

    let late = token(&stage, &id, &secret, &[]).await.expect(200);
    stage.advance(Duration::from_secs(3600));
    assert_eq!(introspect(&stage, text(&late.body["access_token"])).await, json!({"active": false}));
    for nothing in ["", "x", "ory_rt_x.y", "eyJ.x.y", "a.b.c"] {
        assert_eq!(introspect(&stage, nothing).await, json!({"active": false}), "{nothing}");
    }
}

async fn each_client_authenticates_as_registered_and_in_no_other_way(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (basic_id, basic_secret) = machine(&stage, json!({})).await;
    let (post_id, post_secret) = machine(&stage, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let chosen = "a secret % that: somebody+chose";
    let by_post = |id: &str, secret: &str| {
        let sent = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        send(post(&stage, "/oauth2/token", &sent))
    };
    token(&stage, &basic_id, &basic_secret, &[]).await.expect(200);
    by_post(&post_id, &post_secret).await.expect(200);
    for answer in [
        by_post(&basic_id, &basic_secret).await,
        token(&stage, &post_id, &post_secret, &[]).await,
        token(&stage, &basic_id, "wrong", &[]).await,
        token(&stage, "unknown", &basic_secret, &[]).await,
        token(&stage, &basic_id, &post_secret, &[]).await,
        send(post(&stage, "/oauth2/token", &[("grant_type", "client_credentials"), ("client_id", &basic_id)])).await,
        send(post(&stage, "/oauth2/token", &[("grant_type", "client_credentials")])).await,
    ] {
        let (status, error, _) = refusal(&answer);
        assert_eq!((status, error.as_str()), (401, "invalid_client"));
    }
    let unknown = token(&stage, "unknown", "x", &[]).await;
    assert_eq!(unknown.header("www-authenticate"), Some("Basic realm=\"oauth2\""));
    let wrong = token(&stage, &basic_id, "x", &[]).await;
    assert_eq!(refusal(&unknown), refusal(&wrong), "nobody learns which clients there are");

    let (id, _) = machine(&stage, json!({"client_id": "chosen", "client_secret": chosen})).await;
    let encoded: String = url::form_urlencoded::byte_serialize(chosen.as_bytes()).collect();
    token(&stage, &id, &encoded, &[]).await.expect(200);
    token(&stage, &id, &encoded, &[]).await.expect(200);
    assert_eq!(token(&stage, &id, "something else", &[]).await.status, 401);

    let (public, _) = machine(&stage, json!({"token_endpoint_auth_method": "none"})).await;
    let sent = [("grant_type", "client_credentials"), ("client_id", public.as_str())];
    let (status, error, _) = refusal(&send(post(&stage, "/oauth2/token", &sent)).await);
    assert_eq!((status, error.as_str()), (400, "invalid_grant"), "a public client is nobody by itself");
}

async fn a_client_gets_no_more_than_it_is_registered_for(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    for (sent, code) in [
        (("scope", "admin"), "invalid_scope"),
        (("scope", "read api"), "invalid_scope"),
        (("audience", "https://other.example"), "invalid_request"),
        (("resource", "not a uri"), "invalid_target"),
    ] {
        let (status, error, _) = refusal(&token(&stage, &id, &secret, &[sent]).await);
        assert_eq!((status, error.as_str()), (400, code), "{sent:?}");
    }
    let none = token(&stage, &id, &secret, &[]).await.expect(200);
    assert_eq!(none.body["scope"], "");
    let (browser, secret) = machine(&stage, json!({"grant_types": ["authorization_code"]})).await;
    let (status, error, _) = refusal(&token(&stage, &browser, &secret, &[]).await);
    assert_eq!((status, error.as_str()), (400, "unauthorized_client"));
}

async fn malformed_requests_are_told_what_is_wrong(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let with = |body: &str, kind: &str| {
        let call = stage.public(Method::POST, "/oauth2/token").header("content-type", kind);
        send(call.header("authorization", basic(&id, &secret)).body(body.to_owned()))
    };
    let urlencoded = "application/x-www-form-urlencoded";
    for (body, kind, code) in [
        ("", urlencoded, "invalid_request"),
        ("{}", "application/json", "invalid_request"),
        ("scope=read", urlencoded, "invalid_request"),
        ("grant_type=password", urlencoded, "unsupported_grant_type"),
        ("grant_type=client_credentials+refresh_token", urlencoded, "unsupported_grant_type"),
        ("grant_type=client_credentials&grant_type=client_credentials", urlencoded, "invalid_request"),
        ("grant_type=client_credentials&client_id=other", urlencoded, "invalid_request"),
        ("grant_type=client_credentials&client_secret=x", urlencoded, "invalid_request"),
        ("grant_type=client_credentials&client_assertion_type=x&client_assertion=y", urlencoded, "invalid_request"),
        ("grant_type=%ff", urlencoded, "invalid_request"),
        ("grant_type=refresh_token", urlencoded, "unauthorized_client"),
    ] {
        let answer = with(body, kind).await;
        let (status, error, _) = refusal(&answer);
        assert_eq!((status, error.as_str()), (400, code), "{body}");
    }
    let query = stage.public(Method::POST, "/oauth2/token?grant_type=client_credentials");
    assert_eq!(send(query).await.status, 400, "the query does not count");
}

async fn a_jwt_says_what_introspection_says(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({"access_token_strategy": "jwt"})).await;
    let answer = token(&stage, &id, &secret, &[("scope", "read"), ("audience", "https://api.example/v1")]).await;
    let value = text(&answer.expect(200).body["access_token"]).to_owned();
    let header = jwt::decode_header(&value).expect("a header");
    assert_eq!((header.claim("typ"), header.claim("alg")), (Some(&json!("at+jwt")), Some(&json!("ES256"))));
    let jwks = send(stage.public(Method::GET, "/.well-known/jwks.json")).await.expect(200).body;
    let kid = header.claim("kid").expect("a kid");
    let key = jwks["keys"].as_array().expect("keys").iter().find(|key| key["kid"] == *kid).expect("published");
    let key = Jwk::from_map(key.as_object().cloned().expect("an object")).expect("a key");
    jwt::decode_with_verifier(&value, &ES256.verifier_from_jwk(&key).expect("a verifier")).expect("verifies");
    let (claims, seen) = (jwt_part(&value, 1), introspect(&stage, &value).await);
    for name in ["iss", "sub", "aud", "client_id", "iat", "nbf", "exp", "jti", "scope"] {
        assert_eq!(claims[name], seen[name], "{name}");
    }
    assert_eq!(claims["scp"], json!(["read"]));
    let forged = format!("{}x", &value[..value.len() - 1]);
    assert_eq!(introspect(&stage, &forged).await, json!({"active": false}));
    let revoke = post(&stage, "/oauth2/revoke", &[("token", &value)]).header("authorization", basic(&id, &secret));
    send(revoke).await.expect(200);
    assert_eq!(introspect(&stage, &value).await, json!({"active": false}), "a JWT can be revoked");
}

async fn a_stateless_token_needs_no_row(backend: Backend) {
    let config = json!({"oauth2": {"strategies": {"access_token": "stateless_jwt"}}});
    let stage = Stage::with(backend, config).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let answer = token(&stage, &id, &secret, &[("scope", "read write")]).await.expect(200);
    let value = text(&answer.body["access_token"]).to_owned();
    let seen = introspect(&stage, &value).await;
    let shown = (&seen["active"], &seen["scope"], &seen["sub"], &seen["exp"]);
    assert_eq!(shown, (&json!(true), &json!("read write"), &json!(id), &json!(1_767_229_200)));
    send(stage.admin(Method::DELETE, &format!("/admin/clients/{id}"))).await.expect(204);
    assert_eq!(introspect(&stage, &value).await, json!({"active": false}), "its client is gone");
}

fn assertion(signer: &dyn JwsSigner, changes: &Value) -> String {
    let mut claims = json!({
        "iss": "keyed", "sub": "keyed", "aud": "ISSUER", "jti": "1", "iat": 1_767_225_600, "exp": 1_767_225_660,
    });
    merge(&mut claims, changes);
    claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    let payload = JwtPayload::from_map(claims.as_object().cloned().expect("an object")).expect("claims");
    let mut header = JwsHeader::new();
    header.set_token_type("JWT");
    jwt::encode_with_signer(&payload, &header, signer).expect("signs")
}

async fn with_assertion(stage: &Stage, assertion: &str) -> Answer {
    let sent =
        [("grant_type", "client_credentials"), ("client_assertion_type", ASSERTION), ("client_assertion", assertion)];
    send(post(stage, "/oauth2/token", &sent)).await
}

async fn keyed(stage: &Stage) -> (Jwk, Value) {
    let key = Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).expect("a key");
    let mut public = json!(key.to_public_key().expect("a public key").as_ref());
    public["kid"] = json!("1");
    public["use"] = json!("sig");
    public["alg"] = json!("ES256");
    let client = json!({
        "client_id": "keyed", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [public]},
        "token_endpoint_auth_signing_alg": "ES256",
    });
    machine(stage, client).await;
    let issuer = stage.public_url().trim_end_matches('/').to_owned();
    let own = json!({"token_endpoint": format!("{issuer}/oauth2/token"), "issuer": issuer});
    (key, own)
}

async fn an_assertion_authenticates_once(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (key, own) = keyed(&stage).await;
    let signer = ES256.signer_from_jwk(&key).expect("a signer");
    for (jti, aud) in [("1", &own["issuer"]), ("2", &own["token_endpoint"])] {
        let token = assertion(&signer, &json!({"aud": aud, "jti": jti}));
        with_assertion(&stage, &token).await.expect(200);
        let (status, error, _) = refusal(&with_assertion(&stage, &token).await);
        assert_eq!((status, error.as_str()), (400, "jti_known"));
    }
    let secret = "a shared secret of at least thirty-two bytes";
    let client = json!({
        "client_id": "shared", "client_secret": secret, "token_endpoint_auth_method": "client_secret_jwt",
    });
    machine(&stage, client).await;
    let signer = HS256.signer_from_bytes(secret).expect("a signer");
    let changes = json!({"iss": "shared", "sub": "shared", "aud": own["issuer"]});
    with_assertion(&stage, &assertion(&signer, &changes)).await.expect(200);
}

async fn assertions_of_others_are_refused(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (key, own) = keyed(&stage).await;
    let signer = ES256.signer_from_jwk(&key).expect("a signer");
    let aud = &own["issuer"];
    for changes in [
        json!({"aud": "https://other.example"}),
        json!({"aud": aud, "iss": "somebody"}),
        json!({"aud": aud, "exp": 1_767_225_000}),
        json!({"aud": aud, "exp": null}),
        json!({"aud": aud, "exp": 1_800_000_000}),
        json!({"aud": aud, "jti": null}),
    ] {
        let (status, error, _) = refusal(&with_assertion(&stage, &assertion(&signer, &changes)).await);
        assert_eq!((status, error.as_str()), (401, "invalid_client"), "{changes}");
    }
    let good = json!({"aud": aud});
    let thief = Jwk::generate_ec_key(josekit::jwk::alg::ec::EcCurve::P256).expect("a key");
    let forged = assertion(&ES256.signer_from_jwk(&thief).expect("a signer"), &good);
    assert_eq!(with_assertion(&stage, &forged).await.status, 401);
    // A public key is known to everybody: it must not pass for a shared secret.
    let public = key.to_public_key().expect("a public key").to_string();
    let confused = assertion(&HS256.signer_from_bytes(public).expect("a signer"), &good);
    assert_eq!(with_assertion(&stage, &confused).await.status, 401);
    let unsigned = assertion(&signer, &good);
    let parts: Vec<_> = unsigned.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}");
    assert_eq!(with_assertion(&stage, &format!("{none}.{}.", parts[1])).await.status, 401);
    // None of these used up the `jti`.
    with_assertion(&stage, &unsigned).await.expect(200);
}

async fn an_address_that_clients_are_told_is_ours_too(backend: Backend) {
    let discovery = json!({"token_url": "https://tokens.example/oauth2/token"});
    let config = json!({"oauth2": {"webfinger": {"oidc_discovery": discovery}}});
    let stage = Stage::with(backend, config).await;
    let (key, own) = keyed(&stage).await;
    let signer = ES256.signer_from_jwk(&key).expect("a signer");
    for (jti, aud) in [("1", &discovery["token_url"]), ("2", &own["token_endpoint"])] {
        with_assertion(&stage, &assertion(&signer, &json!({"aud": aud, "jti": jti}))).await.expect(200);
    }
    let elsewhere = assertion(&signer, &json!({"aud": "https://tokens.example/", "jti": "3"}));
    with_assertion(&stage, &elsewhere).await.expect(401);
}

async fn tokens_of_a_client_can_be_deleted(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let value = token(&stage, &id, &secret, &[]).await.expect(200).body["access_token"].clone();
    for (query, status) in
        [("", 400), ("?client_id=", 400), ("?client_id=unknown", 204), ("?client_id=x&token_type=y", 400)]
    {
        assert_eq!(send(stage.admin(Method::DELETE, &format!("/admin/oauth2/tokens{query}"))).await.status, status);
    }
    assert_eq!(introspect(&stage, text(&value)).await["active"], true);
    send(stage.admin(Method::DELETE, &format!("/admin/oauth2/tokens?client_id={id}"))).await.expect(204);
    assert_eq!(introspect(&stage, text(&value)).await, json!({"active": false}));
}

async fn a_rotated_secret_goes_on_working(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let path = format!("/admin/clients/{id}/secrets/rotate");
    let rotated = send(stage.admin(Method::POST, &path)).await.expect(200);
    token(&stage, &id, text(&rotated.body["client_secret"]), &[]).await.expect(200);
    token(&stage, &id, &secret, &[]).await.expect(200);
    send(stage.admin(Method::DELETE, &path)).await.expect(200);
    assert_eq!(token(&stage, &id, &secret, &[]).await.status, 401);
}

/// RFC 9701.
async fn introspection_can_be_signed(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let made = token(&stage, &id, &secret, &[("scope", "read")]).await.expect(200);
    let value = text(&made.body["access_token"]);
    let ask = |accept: &'static str| {
        let call = post(&stage, "/oauth2/introspect", &[("token", value)]);
        send(call.header("authorization", basic(&id, &secret)).header("accept", accept))
    };
    let plain = ask("*/*").await.expect(200);
    let signed = ask("application/json;q=0.5, application/token-introspection+jwt").await.expect(200);
    assert_eq!(signed.header("content-type"), Some("application/token-introspection+jwt"));
    let token = text(&signed.body);
    assert_eq!(jwt_part(token, 0)["typ"], "token-introspection+jwt");
    let claims = jwt_part(token, 1);
    assert_eq!((&claims["aud"], &claims["token_introspection"]), (&json!(id), &plain.body));
    assert!(claims["iss"].is_string() && claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
    for algorithm in ["PS256", "EdDSA"] {
        let (id, secret) = machine(&stage, json!({"introspection_signed_response_alg": algorithm})).await;
        let call = post(&stage, "/oauth2/introspect", &[("token", value)]).header("authorization", basic(&id, &secret));
        let signed = send(call.header("accept", "application/token-introspection+jwt")).await.expect(200);
        assert_eq!(jwt_part(text(&signed.body), 0)["alg"], algorithm);
        assert_eq!(
            jwt_part(text(&signed.body), 1)["token_introspection"],
            json!({"active": false}),
            "it is not its own"
        );
    }
}

async fn guessing_at_a_client_is_slowed_down_where_it_comes_from(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_client_authentications_per_minute": 3}})).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let (other, its_secret) = machine(&stage, json!({})).await;
    for _ in 0..3 {
        token(&stage, &id, "a guess", &[]).await.expect(401);
    }
    let refused = token(&stage, &id, &secret, &[]).await.expect(429);
    assert_eq!((refused.header("retry-after"), &refused.body["error"]), (Some("20"), &json!("too_many_requests")));
    token(&stage, &other, &its_secret, &[]).await.expect(200);
    stage.advance(Duration::from_secs(20));
    token(&stage, &id, &secret, &[]).await.expect(200);
    token(&stage, &id, &secret, &[]).await.expect(200);
}

/// What tells nothing about a secret may be repeated: a service that is set up in the wrong way must not lock out the others of
/// its network.
async fn only_guesses_are_slowed_down(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"failed_client_authentications_per_minute": 3}})).await;
    let (id, secret) = machine(&stage, json!({})).await;
    let signing =
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://keys.example.invalid/jwks"});
    let (signing, _) = machine(&stage, signing).await;
    for _ in 0..6 {
        let form = [("grant_type", "client_credentials"), ("client_id", id.as_str()), ("client_secret", "a guess")];
        let refused = send(post(&stage, "/oauth2/token", &form)).await.expect(401);
        assert_eq!(refused.body["error"], "invalid_client", "not its method");
        let parts = [json!({"alg": "RS256", "kid": "k"}), json!({"sub": signing, "iss": signing})];
        let [header, claims] = parts.map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let assertion = format!("{header}.{claims}.c2lnbmF0dXJl");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
        ];
        let refused = send(post(&stage, "/oauth2/token", &form)).await.expect(401);
        let why = refused.body["error_description"].as_str().expect("a text");
        assert!(why.contains("could not be fetched"), "{why}");
    }
    token(&stage, &id, &secret, &[]).await.expect(200);
}

/// Where an operator allows some origins, a client adds its own, for what it gets and for nothing else.
async fn scripts_read_what_their_client_gets(backend: Backend) {
    let cors = json!({"enabled": true, "allowed_origins": ["https://portal.example"]});
    let stage = Stage::with(backend, json!({"serve": {"public": {"cors": cors}}})).await;
    let public =
        json!({"token_endpoint_auth_method": "client_secret_post", "allowed_cors_origins": ["https://app.example"]});
    let (id, secret) = machine(&stage, public).await;
    let (other, its_secret) = machine(&stage, json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let read = async |origin: &'static str, id: &str, secret: &str, status| {
        let sent = [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)];
        let answer = send(post(&stage, "/oauth2/token", &sent).header("origin", origin)).await.expect(status);
        answer.header("access-control-allow-origin") == Some(origin)
    };
    assert!(read("https://app.example", &id, &secret, 200).await);
    assert!(read("https://app.example", &id, "a guess", 401).await, "a script is told why");
    assert!(!read("https://app.example", &other, &its_secret, 200).await, "another client has not registered it");
    assert!(read("https://portal.example", &other, &its_secret, 200).await);
    assert!(!read("https://evil.example", &id, &secret, 200).await);
    let preflight = stage.public(Method::OPTIONS, "/oauth2/token").header("origin", "https://app.example");
    let preflight = preflight.header("access-control-request-method", "POST");
    let preflight = send(preflight.header("access-control-request-headers", "authorization,dpop")).await.expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://app.example"));
    let elsewhere = stage.public(Method::GET, "/sessions/whoami").header("origin", "https://app.example");
    assert_eq!(send(elsewhere).await.header("access-control-allow-origin"), None, "what is not a client's");
}
