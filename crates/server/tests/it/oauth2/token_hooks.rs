//! The token hook where nobody signed in: it is told whom the token speaks for.

use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::assertion_grant::Issuer;
use super::token_endpoint::{machine, post};
use crate::flows::hooks::target::Target;
use crate::stage::{Stage, jwt_part, send};

on_both_databases!(a_hook_of_a_machine_is_told_whom_the_token_speaks_for);

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const NEVER: &str = "0001-01-01T00:00:00Z";

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn a_hook_of_a_machine_is_told_whom_the_token_speaks_for(backend: Backend) {
    let target = Target::start().await;
    let oauth2 = json!({"token_hook": target.url, "strategies": {"access_token": "jwt"}});
    let stage = Stage::with(backend, json!({"oauth2": oauth2})).await;
    let members = json!({
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials", JWT_BEARER, EXCHANGE],
    });
    let (id, secret) = machine(&stage, members).await;
    let issuer = Issuer::trusted(&stage, "grace", &["read", "write"]).await;
    let ask = async |pairs: &[(&str, &str)]| {
        let mut sent = vec![("client_id", id.as_str()), ("client_secret", secret.as_str())];
        sent.extend(pairs);
        let tokens = send(post(&stage, "/oauth2/token", &sent)).await.expect(200).body;
        let call = target.calls().pop().expect("a call");
        assert!(!call.body.contains(&secret), "secrets stay here");
        let told = call.json();
        let session = &told["session"];
        assert_eq!(session["kid"], jwt_part(text(&tokens["access_token"]), 0)["kid"]);
        assert_eq!(
            (&session["id_token"]["headers"], &session["consent_challenge"]),
            (&json!({"extra": {}}), &json!(""))
        );
        assert_eq!(session["id_token"]["id_token_claims"]["auth_time"], NEVER, "nobody signed in");
        told
    };
    let sent = [("grant_type", "client_credentials"), ("scope", "read"), ("audience", "https://api.example/v1")];
    let told = ask(&sent).await;
    let (session, request) = (&told["session"]["id_token"], &told["request"]);
    assert_eq!(session["subject"], json!(id));
    assert_eq!(session["expires_at"], json!({"access_token": "2026-01-01T01:00:00Z"}));
    assert_eq!((&request["requested_scopes"], &request["granted_scopes"]), (&json!(["read"]), &json!(["read"])));
    assert_eq!(request["granted_audience"], json!(["https://api.example/v1"]));
    assert_eq!(request["payload"], json!({"grant_type": ["client_credentials"], "scope": ["read"], "client_id": [id]}));

    let assertion = issuer.assertion(&json!({}));
    let told = ask(&[("grant_type", JWT_BEARER), ("assertion", &assertion), ("scope", "read")]).await;
    assert_eq!(told["session"]["id_token"]["subject"], "grace");
    assert_eq!(told["request"]["payload"]["assertion"], json!([assertion]));

    let assertion = issuer.assertion(&json!({"jti": "2"}));
    let sent = [
        ("grant_type", EXCHANGE),
        ("subject_token", assertion.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    let told = ask(&sent).await;
    let (session, request) = (&told["session"]["id_token"], &told["request"]);
    assert_eq!(session["subject"], "grace");
    assert_eq!((&request["requested_scopes"], &request["granted_scopes"]), (&json!([]), &json!(["read", "write"])));
    assert_eq!(
        session["expires_at"],
        json!({"access_token": "2026-01-01T00:01:00Z"}),
        "with what it was exchanged for"
    );
    assert!(!told.to_string().contains(&assertion), "what is exchanged stays here");
}
