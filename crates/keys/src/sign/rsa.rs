//! RSA: RFC 7518 sections 3.3 and 3.5 (algorithms) and 6.3 (members). Keys of 2048 to 8192 bits.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaKeyPair, RsaPublicKeyComponents};

use super::{Sign, Verify};
use crate::algorithm::{Hash, Padding};
use crate::jwk::{InvalidJwk, RawJwk};

/// A private key with the padding and hash of its algorithm.
pub(super) struct PrivateKey {
    pair: RsaKeyPair,
    encoding: &'static dyn lc::RsaEncoding,
}

impl PrivateKey {
    pub(super) fn new(padding: Padding, hash: Hash, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let components = KeyPairComponents {
            public_key: public_components(jwk)?,
            d: RawJwk::secret("d", jwk.d.as_ref())?,
            p: RawJwk::secret("p", jwk.p.as_ref())?,
            q: RawJwk::secret("q", jwk.q.as_ref())?,
            dP: RawJwk::secret("dp", jwk.dp.as_ref())?,
            dQ: RawJwk::secret("dq", jwk.dq.as_ref())?,
            qInv: RawJwk::secret("qi", jwk.qi.as_ref())?,
        };
        // Checks every component against the others; primality is the exporter's business.
        let pair = RsaKeyPair::from_components(&components)
            .map_err(|_| InvalidJwk::new("d", "and the other private members do not belong to this RSA key"))?;
        Ok(Self { pair, encoding: encoding(padding, hash) })
    }
}

impl Sign for PrivateKey {
    fn length(&self) -> usize {
        self.pair.public_modulus_len()
    }

    fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(self.encoding, &SystemRandom::new(), message, &mut signature).ok()?;
        Some(signature)
    }
}

/// A public key that accepts one padding and hash.
pub(super) struct PublicKey(ParsedPublicKey);

impl PublicKey {
    pub(super) fn new(padding: Padding, hash: Hash, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let components = public_components(jwk)?;
        // With an exponent of 1 every message would be its own signature; an even one has no inverse.
        let e = &components.e[..];
        let odd = e.last().is_some_and(|last| last % 2 == 1);
        if !odd || e == [1] || e.first() == Some(&0) || e.len() > 4 {
            return Err(InvalidJwk::new("e", "must be odd, at least 3 and below 2^32"));
        }
        let top = components.n.first().copied().unwrap_or_default();
        // Leading zero bytes would give one key several spellings.
        if top == 0 || (components.n.len() == 256 && top < 0x80) || !(256..=1024).contains(&components.n.len()) {
            return Err(InvalidJwk::new("n", "must have 2048 to 8192 bits and no leading zero byte"));
        }
        components
            .to_parsed_public_key(parameters(padding, hash))
            .map(Self)
            .map_err(|_| InvalidJwk::new("n", "is not an RSA modulus of 2048 to 8192 bits"))
    }
}

impl Verify for PublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

fn public_components(jwk: &RawJwk) -> Result<RsaPublicKeyComponents<Vec<u8>>, InvalidJwk> {
    Ok(RsaPublicKeyComponents { n: RawJwk::bytes("n", jwk.n.as_ref())?, e: RawJwk::bytes("e", jwk.e.as_ref())? })
}

fn encoding(padding: Padding, hash: Hash) -> &'static dyn lc::RsaEncoding {
    match (padding, hash) {
        (Padding::Pkcs1, Hash::Sha256) => &lc::RSA_PKCS1_SHA256,
        (Padding::Pkcs1, Hash::Sha384) => &lc::RSA_PKCS1_SHA384,
        (Padding::Pkcs1, Hash::Sha512) => &lc::RSA_PKCS1_SHA512,
        (Padding::Pss, Hash::Sha256) => &lc::RSA_PSS_SHA256,
        (Padding::Pss, Hash::Sha384) => &lc::RSA_PSS_SHA384,
        (Padding::Pss, Hash::Sha512) => &lc::RSA_PSS_SHA512,
    }
}

fn parameters(padding: Padding, hash: Hash) -> &'static lc::RsaParameters {
    match (padding, hash) {
        (Padding::Pkcs1, Hash::Sha256) => &lc::RSA_PKCS1_2048_8192_SHA256,
        (Padding::Pkcs1, Hash::Sha384) => &lc::RSA_PKCS1_2048_8192_SHA384,
        (Padding::Pkcs1, Hash::Sha512) => &lc::RSA_PKCS1_2048_8192_SHA512,
        (Padding::Pss, Hash::Sha256) => &lc::RSA_PSS_2048_8192_SHA256,
        (Padding::Pss, Hash::Sha384) => &lc::RSA_PSS_2048_8192_SHA384,
        (Padding::Pss, Hash::Sha512) => &lc::RSA_PSS_2048_8192_SHA512,
    }
}
