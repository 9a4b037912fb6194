//! What cannot be registered, and how that is said.

use orrery_testkit::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use super::{call, create, get, refusal};
use crate::stage::Stage;

/// Each body is refused with this code, and the description names the member.
async fn assert_refused(stage: &Stage, code: &str, cases: &[(&str, Value)]) {
    for (member, body) in cases {
        let answer = call(stage, Method::POST, "/admin/clients", body).await;
        let (status, error, description) = refusal(&answer);
        assert_eq!((status, error.as_str()), (400, code), "{body}: {description}");
        assert!(description.contains(member), "{body}: {description}");
    }
    assert_eq!(get(stage, "/admin/clients").await.expect(200).body, json!([]), "nothing was written");
}

#[tokio::test]
async fn sqlite_wrong_metadata_is_refused_and_named() {
    let stage = Stage::start(Backend::Sqlite).await;
    let key = json!({"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
    let mut private = key.clone();
    private["d"] = json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
    let signing = |more: Value| {
        let mut body = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key]}});
        body.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
        body
    };
    let cases = [
        ("client_id", json!({"client_id": "ünï"})),
        ("client_id", json!({"client_id": "x".repeat(256)})),
        ("client_name", json!({"client_name": "x".repeat(513)})),
        ("owner", json!({"owner": "x".repeat(513)})),
        ("scope", json!({"scope": "x".repeat(4097)})),
        ("audience", json!({"audience": vec!["x"; 501]})),
        ("metadata", json!({"metadata": {"x": "x".repeat(65_536)}})),
        ("token_endpoint_auth_method", json!({"token_endpoint_auth_method": "tls_client_auth"})),
        ("jwks", json!({"token_endpoint_auth_method": "private_key_jwt"})),
        ("jwks", json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}})),
        ("exclude", signing(json!({"jwks_uri": "https://app.example.org/jwks"}))),
        ("jwks", json!({"jwks": {"key": []}})),
        ("jwks.keys.0", json!({"jwks": {"keys": [7]}})),
        ("jwks.keys.1.x", json!({"jwks": {"keys": [key, {"kty": "EC", "crv": "P-256", "y": key["y"]}]}})),
        ("jwks.keys.0 holds a secret", json!({"jwks": {"keys": [private]}})),
        ("jwks.keys.0 holds a secret", json!({"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}})),
        ("token_endpoint_auth_signing_alg", signing(json!({"token_endpoint_auth_signing_alg": "HS256"}))),
        ("token_endpoint_auth_signing_alg", signing(json!({"token_endpoint_auth_signing_alg": "none"}))),
        (
            "token_endpoint_auth_signing_alg",
            json!({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"}),
        ),
        ("jwks_uri", json!({"jwks_uri": "file:///etc/passwd"})),
        ("backchannel_logout_uri", json!({"backchannel_logout_uri": "app.example.org"})),
        ("backchannel_logout_uri", json!({"backchannel_logout_uri": "https://app.example.org/#x"})),
        ("frontchannel_logout_uri", json!({"frontchannel_logout_uri": "ftp://app.example.org"})),
        ("request_uris", json!({"request_uris": ["urn:x"]})),
        ("policy_uri", json!({"policy_uri": "javascript:alert(1)"})),
        ("tos_uri", json!({"tos_uri": "javascript:alert(1)"})),
        ("client_uri", json!({"client_uri": "data:text/html,x"})),
        ("logo_uri", json!({"logo_uri": "data:image/svg+xml,x"})),
        ("client_secret", json!({"client_secret": "short"})),
        ("client_secret", json!({"client_secret": "x".repeat(513)})),
        ("client_secret", json!({"client_secret": "long enough", "token_endpoint_auth_method": "none"})),
        (
            "client_secret",
            json!({"client_secret": "too short to sign", "token_endpoint_auth_method": "client_secret_jwt"}),
        ),
        ("allowed_cors_origins", json!({"allowed_cors_origins": ["https://app.example.org/path"]})),
        ("allowed_cors_origins", json!({"allowed_cors_origins": ["*"]})),
        ("allowed_cors_origins", json!({"allowed_cors_origins": ["https://*example.org"]})),
        ("userinfo_signed_response_alg", json!({"userinfo_signed_response_alg": "HS256"})),
        ("id_token_signed_response_alg", json!({"id_token_signed_response_alg": "RS1"})),
        ("introspection_signed_response_alg", json!({"introspection_signed_response_alg": "RS1"})),
        ("request_object_signing_alg", json!({"request_object_signing_alg": "RS1"})),
        ("subject_type", json!({"subject_type": "pairwise"})),
        ("subject_type", json!({"subject_type": "bogus"})),
        (
            "post_logout_redirect_uris",
            json!({"redirect_uris": ["https://a.example"], "post_logout_redirect_uris": ["https://b.example"]}),
        ),
        ("access_token_strategy", json!({"access_token_strategy": "paseto"})),
        ("implicit_grant_access_token_lifespan", json!({"implicit_grant_access_token_lifespan": "1 hour"})),
        ("implicit_grant_access_token_lifespan", json!({"implicit_grant_access_token_lifespan": 3600})),
    ];
    assert_refused(&stage, "invalid_client_metadata", &cases).await;
}

#[tokio::test]
async fn sqlite_wrong_redirect_addresses_have_a_code_of_their_own() {
    let stage = Stage::start(Backend::Sqlite).await;
    let bad = ["/relative", "app.example.org", "https://app.example.org/#fragment", "javascript:alert(1)", ""];
    let cases = bad.map(|uri| ("redirect_uris", json!({"redirect_uris": ["https://fine.example", uri]})));
    assert_refused(&stage, "invalid_redirect_uri", &cases).await;
}

#[tokio::test]
async fn sqlite_a_body_of_the_wrong_shape_is_an_invalid_request() {
    let stage = Stage::start(Backend::Sqlite).await;
    let cases = [
        ("redirect_uris", json!({"redirect_uris": "https://app.example.org"})),
        ("skip_consent", json!({"skip_consent": "yes"})),
        ("metadata", json!({"metadata": [1]})),
        ("U+0000", json!({"client_name": "a\u{0}b"})),
    ];
    assert_refused(&stage, "invalid_request", &cases).await;
}

/// The address of a sector document is the caller's choice: it must not reach what only this machine can reach.
#[tokio::test]
async fn sqlite_a_sector_document_is_not_fetched_from_inside() {
    let stage = Stage::start(Backend::Sqlite).await;
    let inside = [
        "https://127.0.0.1:1/sector",
        "https://[::1]:1/sector",
        "https://localhost:1/sector",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/sector",
        "https://[::ffff:127.0.0.1]/sector",
        "http://app.example.org/sector",
        "file:///etc/passwd",
    ];
    let cases = inside.map(|uri| ("sector_identifier_uri", json!({"sector_identifier_uri": uri})));
    assert_refused(&stage, "invalid_client_metadata", &cases).await;
}

/// The same for what is called later: it is judged when it is saved, and again whenever it is called.
#[tokio::test]
async fn sqlite_what_this_server_calls_is_not_inside() {
    let stage = Stage::start(Backend::Sqlite).await;
    for inside in [
        "http://127.0.0.1:1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/x",
        "https://[::ffff:192.168.0.1]/x",
        "http://2130706433/x",
        "http://0x7f.1/x",
    ] {
        let cases = [
            ("jwks_uri", json!({"jwks_uri": inside})),
            ("backchannel_logout_uri", json!({"backchannel_logout_uri": inside})),
            ("request_uris", json!({"request_uris": ["https://app.example.org/request", inside]})),
        ];
        assert_refused(&stage, "invalid_client_metadata", &cases).await;
    }
    // Browsers load this one.
    create(&stage, json!({"frontchannel_logout_uri": "http://127.0.0.1:3000/out"})).await;
}

#[tokio::test]
async fn sqlite_a_pairwise_client_needs_one_sector() {
    let subjects = json!({"supported_types": ["pairwise", "public"], "pairwise": {"salt": "a salt of tests"}});
    let stage = Stage::with(Backend::Sqlite, json!({"oauth2": {"oidc": {"subject_identifiers": subjects}}})).await;
    let two = json!({"redirect_uris": ["https://a.example/cb", "https://b.example/cb"]});
    let native = json!({"redirect_uris": ["com.example.app:/cb"]});
    let cases = [("sector_identifier_uri", two), ("sector_identifier_uri", native)];
    assert_refused(&stage, "invalid_client_metadata", &cases).await;
    create(&stage, json!({"grant_types": ["client_credentials"]})).await;
    create(&stage, json!({"redirect_uris": ["https://a.example/cb", "com.example.app:/cb"]})).await;
    let one = create(&stage, json!({"redirect_uris": ["https://a.example/1", "https://a.example/2"]})).await;
    assert_eq!(one.body["subject_type"], "pairwise", "the first of the configured types is the default");
    let public =
        create(&stage, json!({"subject_type": "public", "redirect_uris": ["https://a.example", "https://b.example"]}));
    assert_eq!(public.await.body["subject_type"], "public");
}
