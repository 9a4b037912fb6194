//! `jwt-bearer`: a trusted issuer vouches for somebody.

use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{ES256, JwsHeader};
use josekit::jwt::{self, JwtPayload};
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::token_endpoint::{introspect, post};
use super::{call, create, refusal};
use crate::stage::{Answer, Stage, merge, send};

on_both_databases!(a_trusted_issuer_vouches_for_its_subject, assertions_that_are_not_good_are_refused);

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Somebody whose assertions count.
pub(super) struct Issuer {
    key: Jwk,
    subject: &'static str,
    audience: String,
}

impl Issuer {
    /// Trusted for one subject and these scopes.
    pub(super) async fn trusted(stage: &Stage, subject: &'static str, scope: &[&str]) -> Self {
        let key = Jwk::generate_ec_key(EcCurve::P256).expect("a key");
        let mut public = json!(key.to_public_key().expect("a public key").as_ref());
        public["kid"] = json!("first");
        let trust = json!({
            "issuer": "https://issuer.example", "subject": subject, "scope": scope, "jwk": public,
            "expires_at": "2026-06-01T00:00:00Z",
        });
        call(stage, Method::POST, "/admin/trust/grants/jwt-bearer/issuers", &trust).await.expect(201);
        Self { key, subject, audience: format!("{}/oauth2/token", stage.public_url().trim_end_matches('/')) }
    }

    /// What it says, with some claims changed or (when null) left out.
    pub(super) fn assertion(&self, changes: &Value) -> String {
        let mut claims = json!({
            "iss": "https://issuer.example", "sub": self.subject, "aud": self.audience, "jti": "1",
            "iat": 1_767_225_600, "exp": 1_767_225_660,
        });
        merge(&mut claims, changes);
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        let payload = JwtPayload::from_map(claims.as_object().cloned().expect("an object")).expect("claims");
        let mut header = JwsHeader::new();
        header.set_key_id("first");
        jwt::encode_with_signer(&payload, &header, &ES256.signer_from_jwk(&self.key).expect("a signer")).expect("signs")
    }
}

/// A trusted issuer, and a public client that may use the grant.
async fn trusted(backend: Backend) -> (Stage, Issuer) {
    let stage = Stage::start(backend).await;
    let client = json!({
        "client_id": "app", "grant_types": [GRANT], "token_endpoint_auth_method": "none", "scope": "read write",
        "audience": ["https://api.example"],
    });
    create(&stage, client).await;
    let issuer = Issuer::trusted(&stage, "ada", &["read", "more"]).await;
    (stage, issuer)
}

async fn present(stage: &Stage, assertion: &str, scope: &str) -> Answer {
    let sent = [("grant_type", GRANT), ("client_id", "app"), ("assertion", assertion), ("scope", scope)];
    send(post(stage, "/oauth2/token", &sent)).await
}

async fn a_trusted_issuer_vouches_for_its_subject(backend: Backend) {
    let (stage, issuer) = trusted(backend).await;
    let assertion = issuer.assertion(&json!({}));
    let answer = present(&stage, &assertion, "read").await.expect(200);
    let seen = introspect(&stage, answer.body["access_token"].as_str().expect("a token")).await;
    assert_eq!((&seen["sub"], &seen["scope"], &seen["aud"]), (&json!("ada"), &json!("read"), &json!([])));
    assert_eq!((answer.body.get("refresh_token"), answer.body.get("id_token")), (None, None));
    let (status, error, _) = refusal(&present(&stage, &assertion, "read").await);
    assert_eq!((status, error.as_str()), (400, "jti_known"));
}

async fn assertions_that_are_not_good_are_refused(backend: Backend) {
    let (stage, issuer) = trusted(backend).await;
    for changes in [
        json!({"iss": "https://other.example"}),
        json!({"iss": null}),
        json!({"sub": "bob"}),
        json!({"sub": null}),
        json!({"aud": "https://other.example"}),
        json!({"aud": null}),
        json!({"exp": 1_767_225_000}),
        json!({"exp": null}),
        json!({"exp": 1_800_000_000}),
        json!({"nbf": 1_767_300_000}),
        json!({"iat": null}),
        json!({"jti": null}),
    ] {
        let (status, error, _) = refusal(&present(&stage, &issuer.assertion(&changes), "read").await);
        assert_eq!((status, error.as_str()), (400, "invalid_grant"), "{changes}");
    }
    let audience = issuer.audience.clone();
    let stranger = Issuer { key: Jwk::generate_ec_key(EcCurve::P256).expect("a key"), subject: "ada", audience };
    assert_eq!(present(&stage, &stranger.assertion(&json!({})), "read").await.body["error"], "invalid_grant");
    assert_eq!(present(&stage, "a.b.c", "read").await.body["error"], "invalid_grant");
    let good = issuer.assertion(&json!({}));
    for scope in ["write", "more", "admin"] {
        assert_eq!(present(&stage, &good, scope).await.body["error"], "invalid_scope", "{scope}");
    }
    present(&stage, &good, "read").await.expect(200);
    stage.advance(std::time::Duration::from_secs(200 * 24 * 3600));
    let late = issuer.assertion(&json!({"iat": 1_784_505_600, "exp": 1_784_505_660, "jti": "2"}));
    assert_eq!(present(&stage, &late, "read").await.body["error"], "invalid_grant", "the trust has ended");
}
