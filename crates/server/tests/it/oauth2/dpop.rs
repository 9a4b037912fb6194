//! Tokens that are bound to a key (RFC 9449).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use josekit::jws::{ES256, JwsHeader};
use josekit::jwt::{self, JwtPayload};
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::refusal;
use super::token_endpoint::{basic, introspect, machine, post};
use crate::stage::{Answer, Stage, merge, send};

on_both_databases!(
    a_token_is_bound_to_the_key_of_its_proof,
    proofs_that_are_not_good_are_refused,
    a_proof_cannot_be_made_long_before_it_is_used,
    a_proof_may_name_the_address_that_clients_are_told,
    userinfo_says_how_to_prove,
    a_bound_token_is_exchanged_by_the_holder_of_its_key,
);

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Somebody with a key.
pub(crate) struct Holder {
    key: Jwk,
    url: String,
}

impl Holder {
    fn new(stage: &Stage) -> Self {
        Self::at(format!("{}/oauth2/token", stage.public_url().trim_end_matches('/')))
    }

    /// Somebody who calls this address.
    pub(crate) fn at(url: String) -> Self {
        Self { key: Jwk::generate_ec_key(EcCurve::P256).expect("a key"), url }
    }

    /// The proof of a `POST`, with some claims changed or (when null) left out.
    pub(crate) fn proof(&self, changes: &Value) -> String {
        let mut claims = json!({"htm": "POST", "htu": self.url, "iat": 1_767_225_600, "jti": "1"});
        merge(&mut claims, changes);
        claims.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
        let payload = JwtPayload::from_map(claims.as_object().cloned().expect("an object")).expect("claims");
        let mut header = JwsHeader::new();
        header.set_token_type("dpop+jwt");
        header.set_jwk(self.key.to_public_key().expect("a public key"));
        jwt::encode_with_signer(&payload, &header, &ES256.signer_from_jwk(&self.key).expect("a signer")).expect("signs")
    }

    /// RFC 7638, written once more.
    pub(crate) fn thumbprint(&self) -> String {
        let public = json!(self.key.as_ref());
        let text = format!("{{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":{},\"y\":{}}}", public["x"], public["y"]);
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }
}

/// A client whose tokens have to be bound to a key.
async fn bound(stage: &Stage) -> (String, String) {
    machine(stage, json!({"dpop_bound_access_tokens": true})).await
}

async fn token(stage: &Stage, client: &(String, String), proof: Option<&str>) -> Answer {
    ask(stage, client, &[("grant_type", "client_credentials")], proof).await
}

async fn ask(stage: &Stage, (id, secret): &(String, String), pairs: &[(&str, &str)], proof: Option<&str>) -> Answer {
    let call = post(stage, "/oauth2/token", pairs).header("authorization", basic(id, secret));
    send(if let Some(proof) = proof { call.header("dpop", proof) } else { call }).await
}

async fn a_token_is_bound_to_the_key_of_its_proof(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (holder, client) = (Holder::new(&stage), bound(&stage).await);
    let proof = holder.proof(&json!({}));
    let answer = token(&stage, &client, Some(&proof)).await.expect(200);
    assert_eq!(answer.body["token_type"], "DPoP");
    let seen = introspect(&stage, answer.body["access_token"].as_str().expect("a token")).await;
    assert_eq!((&seen["token_type"], &seen["cnf"]), (&json!("DPoP"), &json!({"jkt": holder.thumbprint()})));
    let (status, error, _) = refusal(&token(&stage, &client, Some(&proof)).await);
    assert_eq!((status, error.as_str()), (400, "invalid_dpop_proof"), "a proof is good once");
    let (status, error, _) = refusal(&token(&stage, &client, None).await);
    assert_eq!((status, error.as_str()), (400, "invalid_dpop_proof"), "this client needs one");
    let free = machine(&stage, json!({})).await;
    assert_eq!(token(&stage, &free, None).await.expect(200).body["token_type"], "bearer");
}

async fn proofs_that_are_not_good_are_refused(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (holder, client) = (Holder::new(&stage), bound(&stage).await);
    for changes in [
        json!({"htm": "GET"}),
        json!({"htu": "https://other.example/oauth2/token"}),
        json!({"htu": null}),
        json!({"iat": 1_767_225_539}),
        json!({"iat": 1_767_225_661}),
        json!({"iat": null}),
        json!({"jti": null}),
        json!({"jti": "x".repeat(257)}),
    ] {
        let (status, error, _) = refusal(&token(&stage, &client, Some(&holder.proof(&changes))).await);
        assert_eq!((status, error.as_str()), (400, "invalid_dpop_proof"), "{changes}");
    }
    assert_eq!(token(&stage, &client, Some("a.b.c")).await.body["error"], "invalid_dpop_proof");
    let good = holder.proof(&json!({}));
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    assert_eq!(token(&stage, &client, Some(&forged)).await.body["error"], "invalid_dpop_proof");
    // None of these used it up.
    token(&stage, &client, Some(&good)).await.expect(200);
}

async fn a_proof_cannot_be_made_long_before_it_is_used(backend: Backend) {
    let stage = Stage::with(backend, json!({"oauth2": {"dpop": {"require_nonce": true}}})).await;
    let (holder, client) = (Holder::new(&stage), bound(&stage).await);
    let refused = token(&stage, &client, Some(&holder.proof(&json!({})))).await;
    let (status, error, _) = refusal(&refused);
    assert_eq!((status, error.as_str()), (400, "use_dpop_nonce"));
    let nonce = refused.header("dpop-nonce").expect("a nonce").to_owned();
    let answer = token(&stage, &client, Some(&holder.proof(&json!({"nonce": nonce})))).await.expect(200);
    assert_eq!(answer.header("dpop-nonce"), Some(nonce.as_str()), "for the next proof");

    stage.advance(Duration::from_secs(240));
    let made_before = holder.proof(&json!({"nonce": nonce, "iat": 1_767_225_840, "jti": "2"}));
    let refused = token(&stage, &client, Some(&made_before)).await;
    assert_eq!(refusal(&refused).1, "use_dpop_nonce");
    let fresh = refused.header("dpop-nonce").expect("a nonce");
    assert_ne!(fresh, nonce);
    let invented = holder.proof(&json!({"nonce": "AAAAAAAAAAAAAAAAAAAAAA", "iat": 1_767_225_840, "jti": "3"}));
    assert_eq!(refusal(&token(&stage, &client, Some(&invented)).await).1, "use_dpop_nonce");
    let good = holder.proof(&json!({"nonce": fresh, "iat": 1_767_225_840, "jti": "4"}));
    token(&stage, &client, Some(&good)).await.expect(200);
}

async fn a_proof_may_name_the_address_that_clients_are_told(backend: Backend) {
    let (token_url, userinfo_url) = ("https://tokens.example/oauth2/token", "https://people.example/userinfo");
    let discovery = json!({"token_url": token_url, "userinfo_url": userinfo_url});
    let config = json!({"oauth2": {"webfinger": {"oidc_discovery": discovery}}});
    let stage = Stage::with(backend, config).await;
    let (holder, client) = (Holder::new(&stage), bound(&stage).await);
    let mut access = Value::Null;
    for (jti, htu) in [("1", token_url), ("2", &holder.url)] {
        let proof = holder.proof(&json!({"htu": htu, "jti": jti}));
        access = token(&stage, &client, Some(&proof)).await.expect(200).body["access_token"].take();
    }
    let proof = holder.proof(&json!({"htu": "https://tokens.example/", "jti": "3"}));
    assert_eq!(refusal(&token(&stage, &client, Some(&proof)).await).1, "invalid_dpop_proof");
    // A machine's token tells of nobody, once its proof is found good.
    let access = access.as_str().expect("a token");
    let ath = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, access.as_bytes()));
    for (jti, htu, status) in [("4", userinfo_url, 403), ("5", "https://people.example/", 401)] {
        let proof = holder.proof(&json!({"htm": "GET", "htu": htu, "jti": jti, "ath": ath}));
        let call = stage.public(Method::GET, "/userinfo").header("authorization", format!("DPoP {access}"));
        send(call.header("dpop", proof)).await.expect(status);
    }
}

async fn userinfo_says_how_to_prove(backend: Backend) {
    let stage = Stage::with(backend, json!({"oauth2": {"dpop": {"require_nonce": true}}})).await;
    let asked = send(stage.public(Method::GET, "/userinfo").header("authorization", "DPoP ory_at_x")).await.expect(401);
    let challenge = asked.header("www-authenticate").expect("a challenge");
    assert!(
        challenge.starts_with("DPoP error=\"invalid_dpop_proof\"") && challenge.contains("algs=\"RS256"),
        "{challenge}"
    );
    assert!(asked.header("dpop-nonce").is_some());
    let asked = send(stage.public(Method::GET, "/userinfo").bearer_auth("ory_at_x")).await.expect(401);
    assert!(
        asked
            .header("www-authenticate")
            .is_some_and(|challenge| challenge.starts_with("Bearer error=\"invalid_token\""))
    );
}

async fn a_bound_token_is_exchanged_by_the_holder_of_its_key(backend: Backend) {
    let stage = Stage::start(backend).await;
    let (holder, thief) = (Holder::new(&stage), Holder::new(&stage));
    let client = machine(&stage, json!({"grant_types": ["client_credentials", EXCHANGE]})).await;
    let answer = token(&stage, &client, Some(&holder.proof(&json!({})))).await.expect(200);
    let subject = answer.body["access_token"].as_str().expect("a token");
    let pairs = [("grant_type", EXCHANGE), ("subject_token", subject), ("subject_token_type", ACCESS)];
    for proof in [None, Some(thief.proof(&json!({"jti": "2"})))] {
        let (status, error, told) = refusal(&ask(&stage, &client, &pairs, proof.as_deref()).await);
        assert_eq!((status, error.as_str()), (400, "invalid_request"), "{told}");
        assert!(told.contains("bound to a key"), "{told}");
    }
    let exchanged = ask(&stage, &client, &pairs, Some(&holder.proof(&json!({"jti": "3"})))).await.expect(200);
    let seen = introspect(&stage, exchanged.body["access_token"].as_str().expect("a token")).await;
    assert_eq!(seen["cnf"], json!({"jkt": holder.thumbprint()}));
}
