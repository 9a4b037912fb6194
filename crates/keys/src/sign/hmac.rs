//! HMAC: RFC 7518 sections 3.2 (the key is at least as long as the hash) and 6.4 (members).

use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA384, HMAC_SHA512, Key};

use super::{Sign, Verify};
use crate::algorithm::Hash;
use crate::jwk::{InvalidJwk, RawJwk};

/// A key that signs and verifies.
pub(super) struct SecretKey(Key);

impl SecretKey {
    pub(super) fn new(hash: Hash, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let (hash, length) = match hash {
            Hash::Sha256 => (HMAC_SHA256, 32),
            Hash::Sha384 => (HMAC_SHA384, 48),
            Hash::Sha512 => (HMAC_SHA512, 64),
        };
        let key = RawJwk::secret("k", jwk.k.as_ref())?;
        if key.len() < length {
            return Err(InvalidJwk::new("k", "must be at least as long as the hash (RFC 7518 section 3.2)"));
        }
        Ok(Self(Key::new(hash, &key)))
    }
}

impl Sign for SecretKey {
    fn length(&self) -> usize {
        self.0.algorithm().tag_len()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        Some(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verify for SecretKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.0, message, signature).is_ok()
    }
}
