//! A key that the operator gives in the configuration, to sign with beside the key store.

use crate::error::KeyError;
use crate::jwk::{Jwk, RawJwk};
use crate::jwt::{self, Claims};
use crate::sign::Signer;

/// The first key of a set that the operator gave.
#[derive(Debug, Clone)]
pub struct FixedKey(Signer);

/// Why a set cannot be signed with.
#[derive(Debug, thiserror::Error)]
#[error("the key set cannot be signed with: {0}")]
pub struct UnusableSet(String);

#[derive(serde::Deserialize)]
struct Set {
    keys: Vec<RawJwk>,
}

impl FixedKey {
    /// Reads a JSON Web Key Set (RFC 7517 section 5) whose first key has its private members.
    ///
    /// # Errors
    /// When it is none, or its first key cannot sign; names the member.
    pub fn from_set(document: &[u8]) -> Result<Self, UnusableSet> {
        // What is wrong is not repeated: it may be a private member.
        let set: Set = serde_json::from_slice(document).map_err(|_| UnusableSet("it is no JSON Web Key Set".into()))?;
        let first = set.keys.into_iter().next().ok_or_else(|| UnusableSet("it has no key".into()))?;
        let key = Jwk::import(first).map_err(|why| UnusableSet(why.to_string()))?;
        let signer = key.signer().map_err(|why| UnusableSet(why.to_string()))?;
        signer
            .map(Self)
            .ok_or_else(|| UnusableSet("its first key has no private members, or is not for signing".into()))
    }

    /// A signed token (RFC 7519) with `alg`, `kid` and `typ` in its header.
    ///
    /// # Errors
    /// When the library fails.
    pub fn sign(&self, claims: &Claims) -> Result<String, KeyError> {
        jwt::encode(&self.0, "JWT", claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_private_signing_key_will_do() {
        let shared = r#"{"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3JldA"}]}"#;
        let key = FixedKey::from_set(shared.as_bytes()).expect("a key");
        let token = key.sign(&Claims::new()).expect("signs");
        assert_eq!(token.split('.').count(), 3);
        for bad in [
            "",
            "{}",
            r#"{"keys": []}"#,
            r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
        ] {
            assert!(FixedKey::from_set(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
