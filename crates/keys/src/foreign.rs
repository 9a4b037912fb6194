//! Tokens that others signed: clients (RFC 7523), trusted issuers, holders of a key (RFC 9449).
//!
//! The caller says which algorithms it accepts; the key has to be one of that kind.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::algorithm::SigningAlgorithm;
use crate::jwk::{InvalidJwk, RawJwk};
use crate::jwt::{Claims, Unverified};
use crate::sign::Verifier;

/// Most keys of a set that are looked at.
const MAX_KEYS: usize = 100;
/// Most keys that are tried for a token that names none.
const MAX_TRIED: usize = 8;

/// What a token says of itself, verified by nobody: good for finding out whose keys to fetch, and for nothing else.
pub struct Peeked {
    /// `alg`.
    pub algorithm: Option<SigningAlgorithm>,
    /// `kid`.
    pub kid: Option<String>,
    /// `typ`.
    pub typ: Option<String>,
    /// The claims.
    pub claims: Claims,
}

/// Takes a token apart without believing it. `None` when it is none.
#[must_use]
pub fn peek(token: &str) -> Option<Peeked> {
    let token = Unverified::parse(token)?;
    let claims = token.unverified_claims()?;
    let algorithm = SigningAlgorithm::parse(&token.header.alg);
    Some(Peeked { algorithm, kid: token.header.kid, typ: token.header.typ, claims })
}

/// A token of somebody else was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ForeignError {
    /// It is no signed token, or its algorithm is not among those that are accepted.
    #[error("the token or its algorithm is not acceptable")]
    Unacceptable,
    /// None of the keys is meant: fetching them again may help.
    #[error("the key is unknown")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature is wrong")]
    Invalid,
}

/// The public keys of somebody else.
#[derive(Clone)]
pub struct ForeignKeys(Vec<RawJwk>);

impl ForeignKeys {
    /// Reads a JSON Web Key set. Keys that are not understood are passed over (RFC 7517 section 5); private
    /// members are forgotten. `None` when it is no set.
    #[must_use]
    pub fn parse(set: &Value) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set = Set::deserialize(set).ok()?;
        let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| RawJwk::deserialize(key).ok());
        Some(Self(keys.map(|key| key.public_half()).collect()))
    }

    /// The claims of a token that one of the keys has signed with one of the `accepted` algorithms. Symmetric keys
    /// never count: whoever may read them could sign.
    ///
    /// # Errors
    /// Tells an unknown key from a wrong signature.
    pub fn verify(&self, token: &str, accepted: &[SigningAlgorithm]) -> Result<Claims, ForeignError> {
        let token = Unverified::parse(token).ok_or(ForeignError::Unacceptable)?;
        let algorithm = SigningAlgorithm::parse(&token.header.alg).filter(|algorithm| accepted.contains(algorithm));
        let algorithm = algorithm.filter(|algorithm| algorithm.scheme().key_type() != "oct");
        let algorithm = algorithm.ok_or(ForeignError::Unacceptable)?;
        let meant = |key: &&RawJwk| {
            let named = token.header.kid.is_none() || token.header.kid == key.kid;
            let usage = key.usage.as_deref().is_none_or(|usage| usage == "sig");
            let kind = key.alg.as_deref().is_none_or(|alg| SigningAlgorithm::parse(alg) == Some(algorithm));
            named && usage && kind && key.kty.as_deref() == Some(algorithm.scheme().key_type())
        };
        let mut known = false;
        for key in self.0.iter().filter(meant).take(MAX_TRIED) {
            let Ok(verifier) = Verifier::new(algorithm, key) else { continue };
            known = true;
            if let Some(claims) = token.verify(&verifier) {
                return Ok(claims);
            }
        }
        Err(if known { ForeignError::Invalid } else { ForeignError::UnknownKey })
    }
}

/// The claims of a token that says that nobody signed it (`alg` is `none`, RFC 7518 section 3.6). `None` for every other:
/// the caller accepts such a token or signed ones, never both.
#[must_use]
pub fn unsigned(token: &str) -> Option<Claims> {
    let token = Unverified::parse(token)?;
    if token.header.alg == "none" && token.has_no_signature() { token.unverified_claims() } else { None }
}

/// The claims of a token that was signed with a shared secret (`client_secret_jwt`).
///
/// # Errors
/// When the algorithm is not among the `accepted` ones, or the signature is wrong.
pub fn verify_with_secret(token: &str, secret: &str, accepted: &[SigningAlgorithm]) -> Result<Claims, ForeignError> {
    let token = Unverified::parse(token).ok_or(ForeignError::Unacceptable)?;
    let algorithm = SigningAlgorithm::parse(&token.header.alg).filter(|algorithm| accepted.contains(algorithm));
    let algorithm = algorithm.filter(|algorithm| algorithm.scheme().key_type() == "oct");
    let algorithm = algorithm.ok_or(ForeignError::Unacceptable)?;
    let k = Zeroizing::new(URL_SAFE_NO_PAD.encode(secret));
    let key = RawJwk { kty: Some("oct".to_owned()), k: Some(k), ..RawJwk::default() };
    let verifier = Verifier::new(algorithm, &key).map_err(|_| ForeignError::UnknownKey)?;
    token.verify(&verifier).ok_or(ForeignError::Invalid)
}

/// A token that carries the key that signed it.
pub struct SelfSigned {
    /// `typ` of its header.
    pub typ: Option<String>,
    /// Its claims.
    pub claims: Claims,
    /// RFC 7638 thumbprint of the key, in base64url.
    pub thumbprint: String,
    /// The key: a public one.
    pub key: RawJwk,
}

/// Verifies a token with the public key in its own header (RFC 9449 section 4.3, steps 4 to 7). `None` when it is not
/// one, the algorithm is not among the `accepted` ones, the key is private or symmetric, or the signature is wrong.
#[must_use]
pub fn verify_self_signed(token: &str, accepted: &[SigningAlgorithm]) -> Option<SelfSigned> {
    let token = Unverified::parse(token)?;
    let algorithm = SigningAlgorithm::parse(&token.header.alg).filter(|algorithm| accepted.contains(algorithm))?;
    let key = token.header.jwk.as_ref()?;
    if key.d.is_some() || key.k.is_some() || algorithm.scheme().key_type() == "oct" {
        return None;
    }
    if key.kty.as_deref() != Some(algorithm.scheme().key_type()) || key.crv.as_deref() != algorithm.scheme().curve() {
        return None;
    }
    let claims = token.verify(&Verifier::new(algorithm, key).ok()?)?;
    let thumbprint = thumbprint(key).ok()?;
    let key = key.public_half();
    Some(SelfSigned { typ: token.header.typ, claims, thumbprint, key })
}

/// The SHA-256 thumbprint of a key (RFC 7638), in base64url.
///
/// # Errors
/// When a member that the key type requires is missing.
pub fn thumbprint(key: &RawJwk) -> Result<String, InvalidJwk> {
    let member = |name: &'static str, value: &Option<String>| {
        let value = value.as_deref().ok_or_else(|| InvalidJwk::new(name, "is missing"))?;
        // Every member is base64url or a name: nothing to escape, and whoever sends something else gets nothing.
        let plain = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if plain { Ok(format!("\"{name}\":\"{value}\"")) } else { Err(InvalidJwk::new(name, "is malformed")) }
    };
    let kty = member("kty", &key.kty)?;
    let members = match key.kty.as_deref() {
        Some("RSA") => vec![member("e", &key.e)?, kty, member("n", &key.n)?],
        Some("EC") => vec![member("crv", &key.crv)?, kty, member("x", &key.x)?, member("y", &key.y)?],
        Some("OKP") => vec![member("crv", &key.crv)?, kty, member("x", &key.x)?],
        Some(_) | None => return Err(InvalidJwk::new("kty", "must be RSA, EC or OKP")),
    };
    let text = format!("{{{}}}", members.join(","));
    Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::RsaSize;
    use crate::jwk;
    use crate::jwt::{self, encode_with_key};
    use crate::store::KeyUse;

    const ASYMMETRIC: [SigningAlgorithm; 3] =
        [SigningAlgorithm::ES256, SigningAlgorithm::RS256, SigningAlgorithm::EdDSA];

    fn key(algorithm: SigningAlgorithm, kid: &str) -> jwk::Jwk {
        jwk::generate(algorithm, KeyUse::Signature, kid.to_owned(), RsaSize::Bits2048).expect("generates")
    }

    fn claims() -> Claims {
        json!({"sub": "ada"}).as_object().cloned().unwrap_or_default()
    }

    fn signed(key: &jwk::Jwk) -> String {
        jwt::encode(&key.signer().expect("reads").expect("signs"), "JWT", &claims()).expect("signs")
    }

    #[test]
    fn the_key_that_is_named_has_to_fit() {
        let (mine, other) = (key(SigningAlgorithm::ES256, "mine"), key(SigningAlgorithm::ES256, "other"));
        let set = |keys: &[&jwk::Jwk]| {
            let keys: Vec<_> = keys.iter().map(|key| key.to_value().expect("writes")).collect();
            ForeignKeys::parse(&json!({ "keys": keys })).expect("a set")
        };
        let token = signed(&mine);
        assert_eq!(set(&[&other, &mine]).verify(&token, &ASYMMETRIC), Ok(claims()));
        assert_eq!(set(&[&other]).verify(&token, &ASYMMETRIC), Err(ForeignError::UnknownKey));
        let accepted = [SigningAlgorithm::EdDSA];
        assert_eq!(set(&[&mine]).verify(&token, &accepted), Err(ForeignError::Unacceptable));
        let forged = signed(&key(SigningAlgorithm::ES256, "mine"));
        assert_eq!(set(&[&mine]).verify(&forged, &ASYMMETRIC), Err(ForeignError::Invalid));
        assert!(ForeignKeys::parse(&json!({"keys": "x"})).is_none());
        assert!(ForeignKeys::parse(&json!({"keys": [7, {"kty": "unheard of"}]})).is_some());
    }

    #[test]
    fn ed25519_has_two_names() {
        let mine = key(SigningAlgorithm::EdDSA, "mine");
        let mut named = mine.public_value().expect("writes");
        named["alg"] = json!("Ed25519");
        let keys = ForeignKeys::parse(&json!({"keys": [named]})).expect("a set");
        assert_eq!(keys.verify(&signed(&mine), &ASYMMETRIC), Ok(claims()));
    }

    #[test]
    fn an_unsigned_token_says_that_it_is_one() {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let (none, body) = (encode(r#"{"alg":"none"}"#), encode(r#"{"sub":"ada"}"#));
        assert_eq!(unsigned(&format!("{none}.{body}.")), Some(claims()));
        let capitals = encode(r#"{"alg":"None"}"#);
        for other in [format!("{none}.{body}"), format!("{none}.{body}.AAAA"), format!("{capitals}.{body}.")] {
            assert_eq!(unsigned(&other), None, "{other}");
        }
        assert_eq!(unsigned(&signed(&key(SigningAlgorithm::ES256, "mine"))), None);
    }

    /// A public key is no secret: a token that is "signed" with it by HMAC must not pass.
    #[test]
    fn a_public_key_is_not_taken_for_a_shared_secret() {
        let shared = json!({"keys": [{"kty": "oct", "k": URL_SAFE_NO_PAD.encode([7_u8; 32])}]});
        let keys = ForeignKeys::parse(&shared).expect("a set");
        let secret = "a secret of at least thirty-two bytes";
        let hmac = RawJwk {
            kty: Some("oct".to_owned()),
            k: Some(Zeroizing::new(URL_SAFE_NO_PAD.encode(secret))),
            ..RawJwk::default()
        };
        let signer = crate::sign::Signer::new(SigningAlgorithm::HS256, &hmac).expect("a key");
        let token = jwt::encode(&signer, "JWT", &claims()).expect("signs");
        assert_eq!(keys.verify(&token, &[SigningAlgorithm::HS256]), Err(ForeignError::Unacceptable));
        assert_eq!(verify_with_secret(&token, secret, &[SigningAlgorithm::HS256]), Ok(claims()));
        let other = "another secret of at least thirty-two bytes";
        assert_eq!(verify_with_secret(&token, other, &[SigningAlgorithm::HS256]), Err(ForeignError::Invalid));
        assert_eq!(verify_with_secret(&token, secret, &ASYMMETRIC), Err(ForeignError::Unacceptable));
    }

    /// The example of RFC 7638 section 3.1.
    #[test]
    fn the_thumbprint_is_the_one_of_the_specification() {
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
                 FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb\
                 9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls\
                 1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let key = RawJwk {
            kty: Some("RSA".to_owned()),
            n: Some(n.to_owned()),
            e: Some("AQAB".to_owned()),
            ..RawJwk::default()
        };
        assert_eq!(thumbprint(&key).as_deref(), Ok("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
    }

    #[test]
    fn a_proof_carries_its_own_public_key() {
        let mine = key(SigningAlgorithm::ES256, "mine");
        let signer = mine.signer().expect("reads").expect("signs");
        let public: RawJwk = serde_json::from_value(mine.public_value().expect("writes")).expect("reads");
        let token = encode_with_key(&signer, "dpop+jwt", &public, &claims()).expect("signs");
        let proof = verify_self_signed(&token, &ASYMMETRIC).expect("verifies");
        assert_eq!((proof.typ.as_deref(), proof.claims), (Some("dpop+jwt"), claims()));
        assert_eq!(Ok(proof.thumbprint), thumbprint(&public));
        let private: RawJwk = serde_json::from_value(mine.to_value().expect("writes")).expect("reads");
        let leaking = encode_with_key(&signer, "dpop+jwt", &private, &claims()).expect("signs");
        assert!(verify_self_signed(&leaking, &ASYMMETRIC).is_none(), "with a private key");
        let other = key(SigningAlgorithm::ES256, "mine").public_value().expect("writes");
        let other: RawJwk = serde_json::from_value(other).expect("reads");
        let foreign = encode_with_key(&signer, "dpop+jwt", &other, &claims()).expect("signs");
        assert!(verify_self_signed(&foreign, &ASYMMETRIC).is_none(), "with somebody else's key");
        assert!(verify_self_signed(&signed(&mine), &ASYMMETRIC).is_none(), "without a key");
    }
}
