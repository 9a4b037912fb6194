use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::RsaSize;
use crate::jwk::generate;

fn made(algorithm: SigningAlgorithm) -> Value {
    generate(algorithm, KeyUse::Signature, "k".to_owned(), RsaSize::Bits2048).expect("made").to_value().expect("json")
}

fn import(key: &Value) -> Result<Jwk, InvalidJwk> {
    Jwk::import(serde_json::from_value(key.clone()).expect("members of the right type"))
}

fn refused(mut key: Value, change: impl FnOnce(&mut Value)) -> String {
    change(&mut key);
    import(&key).expect_err("refused").member
}

#[test]
fn generated_keys_have_what_the_contract_requires() {
    for algorithm in SigningAlgorithm::ALL {
        if matches!(algorithm.scheme(), Scheme::Hmac(_)) {
            assert!(generate(algorithm, KeyUse::Signature, "k".to_owned(), RsaSize::Bits2048).is_err());
            continue;
        }
        let key = made(algorithm);
        assert_eq!((&key["alg"], &key["use"], &key["kid"]), (&json!(algorithm.name()), &json!("sig"), &json!("k")));
        assert_eq!(key["kty"], algorithm.scheme().key_type());
        let jwk = import(&key).expect("a good key");
        assert_eq!(jwk.to_value().expect("json"), key);
        let public = jwk.public_value().expect("json");
        for member in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert_eq!(public.get(member), None, "{algorithm} {member}");
        }
        assert!(import(&public).expect("a good public key").signer().expect("good").is_none());
    }
}

#[test]
fn each_size_is_made() {
    for (size, bytes) in [(RsaSize::Bits3072, 384), (RsaSize::Bits4096, 512)] {
        let key = generate(SigningAlgorithm::PS256, KeyUse::Encryption, "k".to_owned(), size).expect("made");
        let n = RawJwk::bytes(
            "n",
            serde_json::from_value::<RawJwk>(key.to_value().expect("json")).expect("raw").n.as_ref(),
        );
        assert_eq!(n.expect("base64url").len(), bytes);
        assert!(key.signer().expect("good").is_none(), "an encryption key never signs");
    }
}

#[test]
fn missing_members_take_defaults_and_empty_ones_count_as_missing() {
    let mut key = made(SigningAlgorithm::ES384);
    let members = key.as_object_mut().expect("object");
    members.remove("alg");
    members.insert("use".to_owned(), json!(""));
    members.insert("n".to_owned(), json!(""));
    members.insert("x5c".to_owned(), json!([]));
    members.insert("unknown".to_owned(), json!({"ignored": true}));
    let jwk = import(&key).expect("accepted");
    assert_eq!((jwk.algorithm(), jwk.usage()), ("ES384", KeyUse::Signature));
}

#[test]
fn a_key_is_kept_under_the_name_that_its_signatures_bear() {
    let mut key = made(SigningAlgorithm::EdDSA);
    key["alg"] = json!("Ed25519");
    let jwk = import(&key).expect("accepted");
    assert_eq!((jwk.algorithm(), jwk.to_value().expect("json")["alg"].as_str()), ("EdDSA", Some("EdDSA")));
}

#[test]
fn the_wrong_member_is_named() {
    let ec = || made(SigningAlgorithm::ES256);
    assert_eq!(refused(ec(), |key| key["kid"] = Value::Null), "kid");
    assert_eq!(refused(ec(), |key| key["kid"] = json!("a\nb")), "kid");
    assert_eq!(refused(ec(), |key| key["kid"] = json!("x".repeat(256))), "kid");
    assert_eq!(refused(ec(), |key| key["use"] = json!("verify")), "use");
    assert_eq!(refused(ec(), |key| key["kty"] = Value::Null), "kty");
    assert_eq!(refused(ec(), |key| key["kty"] = json!("RSA")), "kty");
    assert_eq!(refused(ec(), |key| key["kty"] = json!("ec")), "kty");
    assert_eq!(refused(ec(), |key| key["crv"] = json!("secp256k1")), "crv");
    assert_eq!(refused(ec(), |key| key["crv"] = json!("P-384")), "crv");
    for alg in ["none", "ES257", "RSA-OAEP", "HS384"] {
        assert_eq!(refused(ec(), |key| key["alg"] = json!(alg)), "alg", "{alg}");
    }
    assert_eq!(refused(ec(), |key| key["alg"] = json!("HS256")), "kty");
    assert_eq!(refused(ec(), |key| key["x"] = json!("AAAA")), "x");
    assert_eq!(refused(ec(), |key| key["y"] = key["x"].clone()), "x");
    assert_eq!(refused(ec(), |key| key["y"] = json!("***")), "y");
    assert_eq!(refused(ec(), |key| key["x"] = json!("A".repeat(5000))), "x");
    assert_eq!(refused(ec(), |key| key["d"] = made(SigningAlgorithm::ES256)["d"].clone()), "d");
    assert_eq!(refused(ec(), |key| key["d"] = json!("AQ")), "d");
    assert_eq!(refused(made(SigningAlgorithm::EdDSA), |key| key["d"] = json!("AQ")), "d");
    assert_eq!(refused(made(SigningAlgorithm::EdDSA), |key| key["x"] = json!("AQ")), "x");
}

#[test]
fn rsa_keys_that_are_weak_or_contradict_themselves_are_refused() {
    let rsa = crate::sign::tests::rfc7520_rsa;
    assert!(import(&rsa()).is_ok());
    for e in ["AQ", "Ag", "AA", "AAEAAQ", "AQAAAAE"] {
        assert_eq!(refused(rsa(), |key| key["e"] = json!(e)), "e", "{e}");
    }
    let n = URL_SAFE_NO_PAD.decode(rsa()["n"].as_str().expect("text")).expect("base64url");
    assert_eq!(refused(rsa(), |key| key["n"] = json!(URL_SAFE_NO_PAD.encode(&n[..255]))), "n");
    assert_eq!(refused(rsa(), |key| key["n"] = json!(URL_SAFE_NO_PAD.encode([&[0], &n[..]].concat()))), "n");
    for member in ["p", "q", "dp", "dq", "qi"] {
        assert_eq!(refused(rsa(), |key| key[member] = Value::Null), member);
        assert_eq!(refused(rsa(), |key| key[member] = key["e"].clone()), "d", "{member}");
    }
}

#[test]
fn private_members_cannot_hide_in_a_public_or_foreign_key() {
    // Kept as "public" they would be published.
    assert_eq!(
        refused(crate::sign::tests::rfc7520_rsa(), |key| {
            key["d"] = Value::Null;
        }),
        "p"
    );
    assert_eq!(refused(made(SigningAlgorithm::ES256), |key| key["k"] = json!("AAAA")), "k");
    assert_eq!(refused(made(SigningAlgorithm::EdDSA), |key| key["y"] = json!("AAAA")), "y");
}

#[test]
fn symmetric_keys_are_as_long_as_their_hash_and_have_nothing_public() {
    let key = |alg: &str, bytes: usize| json!({"kty": "oct", "kid": "s", "alg": alg, "k": URL_SAFE_NO_PAD.encode(vec![1; bytes])});
    for (alg, bytes) in [("HS256", 32), ("HS512", 64)] {
        assert_eq!(refused(key(alg, bytes - 1), |_| {}), "k");
        let jwk = import(&key(alg, bytes)).expect("accepted");
        assert!(jwk.is_symmetric());
        assert_eq!(jwk.public_value().expect("json"), json!({"kty": "oct", "kid": "s", "alg": alg, "use": "sig"}));
    }
    assert_eq!(refused(json!({"kty": "oct", "kid": "s"}), |_| {}), "k");
    let wrapping =
        json!({"kty": "oct", "kid": "s", "alg": "A128KW", "use": "enc", "k": URL_SAFE_NO_PAD.encode([1; 16])});
    assert!(import(&wrapping).expect("accepted").signer().expect("good").is_none());
}

#[test]
fn a_certificate_must_be_about_the_key() {
    let key = made(SigningAlgorithm::ES256);
    let x = URL_SAFE_NO_PAD.decode(key["x"].as_str().expect("text")).expect("base64url");
    let mut with = key.clone();
    with["x5c"] = json!([STANDARD.encode([&b"certificate of "[..], &x].concat())]);
    assert!(import(&with).is_ok());
    for chain in [json!([STANDARD.encode(b"another")]), json!(["%"]), json!(vec![""; 11]), json!(["A".repeat(20_000)])]
    {
        assert_eq!(refused(key.clone(), |key| key["x5c"] = chain.clone()), "x5c");
    }
}

proptest! {
    #[test]
    fn arbitrary_members_never_panic(
        kty in "RSA|EC|OKP|oct|x",
        crv in proptest::option::of("P-256|P-384|P-521|Ed25519|x"),
        alg in proptest::option::of("RS256|ES256|ES512|EdDSA|HS256|PS512|none|RSA-OAEP|dir"),
        usage in proptest::option::of("sig|enc|x"),
        members in proptest::collection::vec(
            ("n|e|x|y|d|p|q|dp|dq|qi|k", proptest::collection::vec(any::<u8>(), 0..300)), 0..8),
    ) {
        let mut key = json!({"kid": "k", "kty": kty, "crv": crv, "alg": alg, "use": usage});
        for (name, bytes) in members {
            key[name] = json!(URL_SAFE_NO_PAD.encode(bytes));
        }
        if let Ok(jwk) = import(&key) {
            // Whatever is accepted works.
            if let (Some(signer), Some(verifier)) = (jwk.signer().expect("good"), jwk.verifier().expect("good")) {
                use josekit::jws::{JwsSigner, JwsVerifier};
                let signature = signer.sign(b"m").expect("signed");
                prop_assert!(verifier.verify(b"m", &signature).is_ok());
            }
        }
    }

    #[test]
    fn arbitrary_json_never_panics(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for input in [text.as_bytes(), &bytes] {
            if let Ok(raw) = serde_json::from_slice::<RawJwk>(input) {
                prop_assert!(Jwk::import(raw).is_err());
            }
        }
    }
}
