//! Ed25519: RFC 8037.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, ParsedPublicKey};

use super::{Sign, Verify};
use crate::jwk::{InvalidJwk, RawJwk};

/// A private key.
pub(super) struct PrivateKey(Ed25519KeyPair);

impl PrivateKey {
    pub(super) fn new(jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let seed = RawJwk::secret("d", jwk.d.as_ref())?;
        Ed25519KeyPair::from_seed_and_public_key(&seed, &RawJwk::bytes("x", jwk.x.as_ref())?)
            .map(Self)
            .map_err(|_| InvalidJwk::new("d", "does not belong to x"))
    }
}

impl Sign for PrivateKey {
    fn length(&self) -> usize {
        64
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.0.try_sign(message).ok().map(|signature| signature.as_ref().to_vec())
    }
}

/// A public key.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    pub(super) fn new(jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let key = RawJwk::bytes("x", jwk.x.as_ref())?;
        if key.len() != 32 {
            return Err(InvalidJwk::new("x", "must have 32 bytes"));
        }
        ParsedPublicKey::new(&ED25519, key).map(Self).map_err(|_| InvalidJwk::new("x", "is not an Ed25519 public key"))
    }
}

impl Verify for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}
