use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::RsaSize;
use crate::jwk::{Jwk, generate};
use crate::store::KeyUse;

fn claims() -> Claims {
    json!({"iss": "https://id.example.org", "sub": "somebody", "exp": 2_000_000_000})
        .as_object()
        .expect("object")
        .clone()
}

fn key(algorithm: SigningAlgorithm) -> Jwk {
    generate(algorithm, KeyUse::Signature, "k1".to_owned(), RsaSize::Bits2048).expect("made")
}

fn signed(key: &Jwk) -> String {
    encode(&key.signer().expect("good").expect("private"), "at+jwt", &claims()).expect("signed")
}

fn verified(token: &str, key: &Jwk) -> Option<Claims> {
    Unverified::parse(token)?.verify(&key.verifier().expect("good").expect("signing"))
}

/// A token of these parts with our signature over them.
fn forged(header: &Value, signer: &Signer) -> String {
    let part = |value: Vec<u8>| URL_SAFE_NO_PAD.encode(value);
    let message =
        format!("{}.{}", part(header.to_string().into_bytes()), part(json!(claims()).to_string().into_bytes()));
    let signature = signer.sign(message.as_bytes()).expect("signed");
    format!("{message}.{}", part(signature))
}

#[test]
fn a_token_reads_back_with_its_header() {
    let key = key(SigningAlgorithm::EdDSA);
    let token = signed(&key);
    assert_eq!(verified(&token, &key), Some(claims()));
    let header = Unverified::parse(&token).expect("a token").header;
    assert_eq!(
        (header.alg.as_str(), header.kid.as_deref(), header.typ.as_deref()),
        ("EdDSA", Some("k1"), Some("at+jwt"))
    );
}

#[test]
fn josekit_reads_our_tokens() {
    let key = key(SigningAlgorithm::ES256);
    let jose = josekit::jwk::Jwk::from_map(key.to_value().expect("json").as_object().expect("object").clone());
    let verifier = josekit::jws::ES256.verifier_from_jwk(&jose.expect("a key")).expect("verifier");
    let (payload, header) = josekit::jwt::decode_with_verifier(signed(&key), &verifier).expect("verified");
    assert_eq!(payload.subject(), Some("somebody"));
    assert_eq!(header.claim("typ"), Some(&json!("at+jwt")));
}

#[test]
fn a_token_without_signature_is_not_accepted_as_algorithm_none() {
    let key = key(SigningAlgorithm::ES256);
    let payload = URL_SAFE_NO_PAD.encode(json!(claims()).to_string());
    for alg in ["none", "None", "NONE", "", "ES256"] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg, "kid": "k1"}).to_string());
        for token in [format!("{header}.{payload}."), format!("{header}.{payload}")] {
            assert_eq!(verified(&token, &key), None, "{token}");
        }
    }
}

#[test]
fn a_public_key_is_not_accepted_as_hmac_secret() {
    // The attacker signs with the published RSA modulus (or any bytes everybody knows) as HMAC key.
    let rsa = Jwk::import(serde_json::from_value(crate::sign::tests::rfc7520_rsa()).expect("raw")).expect("good");
    let public = rsa.public_value().expect("json");
    let secret = json!({"kty": "oct", "kid": rsa.kid(), "alg": "HS256", "k": public["n"]});
    let hmac = Jwk::import(serde_json::from_value(secret).expect("raw")).expect("good");
    let token = forged(&json!({"alg": "HS256", "kid": rsa.kid()}), &hmac.signer().expect("good").expect("private"));
    assert!(verified(&token, &hmac).is_some(), "the forgery itself is well made");
    assert_eq!(verified(&token, &rsa), None);
}

#[test]
fn the_header_cannot_choose_another_algorithm_of_the_same_key() {
    // RS256 and PS256 share a key type: what the key says counts.
    let mut value = crate::sign::tests::rfc7520_rsa();
    value["alg"] = json!("PS256");
    let pss = Jwk::import(serde_json::from_value(value).expect("raw")).expect("good");
    let rs = Jwk::import(serde_json::from_value(crate::sign::tests::rfc7520_rsa()).expect("raw")).expect("good");
    let token = forged(&json!({"alg": "RS256"}), &rs.signer().expect("good").expect("private"));
    assert_eq!(verified(&token, &pss), None);
    assert!(verified(&token, &rs).is_some());
    let lying = forged(&json!({"alg": "PS256"}), &rs.signer().expect("good").expect("private"));
    assert_eq!(verified(&lying, &pss), None);
}

#[test]
fn the_header_may_name_ed25519_as_rfc_9864_does() {
    let key = key(SigningAlgorithm::EdDSA);
    let signer = key.signer().expect("good").expect("private");
    for name in ["EdDSA", "Ed25519"] {
        assert_eq!(verified(&forged(&json!({"alg": name}), &signer), &key), Some(claims()), "{name}");
    }
    for name in ["ed25519", "Ed448", "ES256"] {
        assert_eq!(verified(&forged(&json!({"alg": name}), &signer), &key), None, "{name}");
    }
}

#[test]
fn what_is_critical_and_unknown_is_refused() {
    let key = key(SigningAlgorithm::EdDSA);
    let signer = key.signer().expect("good").expect("private");
    assert!(
        verified(&forged(&json!({"alg": "EdDSA", "b64": true, "jku": "https://evil.example"}), &signer), &key)
            .is_some()
    );
    for crit in [json!(["b64"]), json!([]), json!("x"), json!({})] {
        assert_eq!(verified(&forged(&json!({"alg": "EdDSA", "crit": crit}), &signer), &key), None);
    }
}

#[test]
fn every_changed_or_cut_token_is_refused() {
    let key = key(SigningAlgorithm::EdDSA);
    let token = signed(&key);
    for position in 0..token.len() {
        assert_eq!(verified(&token[..position], &key), None, "cut at {position}");
        let mut changed = token.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert_eq!(verified(&changed, &key), None, "changed at {position}");
    }
    for junk in [".", "A", "=", " ", "\n"] {
        assert_eq!(verified(&format!("{token}{junk}"), &key), None, "followed by {junk:?}");
        assert_eq!(verified(&format!("{junk}{token}"), &key), None, "preceded by {junk:?}");
    }
}

#[test]
fn a_huge_token_is_not_looked_at() {
    let key = key(SigningAlgorithm::EdDSA);
    let mut claims = claims();
    claims.insert("padding".to_owned(), json!("x".repeat(MAX_TOKEN)));
    let token = encode(&key.signer().expect("good").expect("private"), "JWT", &claims).expect("signed");
    assert_eq!(verified(&token, &key), None);
}

proptest! {
    #[test]
    fn arbitrary_text_is_never_a_token_and_never_panics(text in "\\PC{0,300}", parts in "[A-Za-z0-9_=.-]{0,300}") {
        for input in [&text, &parts] {
            prop_assert!(Unverified::parse(input).is_none_or(|token| token.header.crit.is_none()));
        }
    }

    #[test]
    fn arbitrary_claims_survive(sub in "\\PC{0,60}", number in any::<i64>()) {
        static KEY: std::sync::OnceLock<Jwk> = std::sync::OnceLock::new();
        let key = KEY.get_or_init(|| key(SigningAlgorithm::ES256));
        let claims = json!({"sub": sub, "number": number}).as_object().expect("object").clone();
        let token = encode(&key.signer().expect("good").expect("private"), "JWT", &claims).expect("signed");
        prop_assert_eq!(verified(&token, key), Some(claims));
    }
}
