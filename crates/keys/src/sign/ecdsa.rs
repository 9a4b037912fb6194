//! ECDSA: RFC 7518 sections 3.4 (algorithms) and 6.2 (members). The curve decides the hash.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, ParsedPublicKey};

use super::{Sign, Verify};
use crate::algorithm::Curve;
use crate::jwk::{InvalidJwk, RawJwk};

/// A private key.
pub(super) struct PrivateKey {
    pair: EcdsaKeyPair,
    curve: Curve,
}

impl PrivateKey {
    pub(super) fn new(curve: Curve, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let d = RawJwk::secret("d", jwk.d.as_ref())?;
        if d.len() != curve.length() {
            return Err(InvalidJwk::new("d", "must have the full length of the curve"));
        }
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing(curve), &d, &point(curve, jwk)?)
            .map_err(|_| InvalidJwk::new("d", "does not belong to x and y"))?;
        Ok(Self { pair, curve })
    }
}

impl Sign for PrivateKey {
    fn length(&self) -> usize {
        2 * self.curve.length()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.pair.sign(&SystemRandom::new(), message).ok().map(|signature| signature.as_ref().to_vec())
    }
}

/// A public key.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    pub(super) fn new(curve: Curve, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        ParsedPublicKey::new(verification(curve), point(curve, jwk)?)
            .map(Self)
            .map_err(|_| InvalidJwk::new("x", "and y are not a point of the curve"))
    }
}

impl Verify for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// The uncompressed point (SEC 1 section 2.3.3).
fn point(curve: Curve, jwk: &RawJwk) -> Result<Vec<u8>, InvalidJwk> {
    let mut point = vec![4];
    for (member, value) in [("x", &jwk.x), ("y", &jwk.y)] {
        let coordinate = RawJwk::bytes(member, value.as_ref())?;
        if coordinate.len() != curve.length() {
            return Err(InvalidJwk::new(member, "must have the full length of the curve"));
        }
        point.extend(coordinate);
    }
    Ok(point)
}

pub(crate) fn signing(curve: Curve) -> &'static lc::EcdsaSigningAlgorithm {
    match curve {
        Curve::P256 => &lc::ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P384 => &lc::ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &lc::ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}

fn verification(curve: Curve) -> &'static lc::EcdsaVerificationAlgorithm {
    match curve {
        Curve::P256 => &lc::ECDSA_P256_SHA256_FIXED,
        Curve::P384 => &lc::ECDSA_P384_SHA384_FIXED,
        Curve::P521 => &lc::ECDSA_P521_SHA512_FIXED,
    }
}
