//! Signers and verifiers on `aws-lc-rs` behind josekit's traits: one file per key type.

mod ecdsa;
mod eddsa;
mod hmac;
mod rsa;

pub(crate) use ecdsa::signing as ecdsa_signing;

use std::fmt;
use std::sync::Arc;

use josekit::JoseError;
use josekit::jws::{JwsAlgorithm, JwsSigner, JwsVerifier};

use crate::algorithm::{Scheme, SigningAlgorithm};
use crate::jwk::{InvalidJwk, RawJwk};

/// Something that can sign bytes.
trait Sign: Send + Sync {
    /// Length of every signature, in bytes.
    fn length(&self) -> usize;
    /// The signature; `None` when the library failed.
    fn sign(&self, message: &[u8]) -> Option<Vec<u8>>;
}

/// Something that can check signatures.
trait Verify: Send + Sync {
    /// Whether the signature is right.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// The private half of a key, ready to sign with one algorithm.
#[derive(Clone)]
pub struct Signer {
    algorithm: SigningAlgorithm,
    kid: Option<String>,
    key: Arc<dyn Sign>,
}

/// The public half of a key (or a symmetric key), ready to verify with one algorithm.
#[derive(Clone)]
pub struct Verifier {
    algorithm: SigningAlgorithm,
    kid: Option<String>,
    key: Arc<dyn Verify>,
}

impl Signer {
    /// Reads the private members of a key.
    ///
    /// # Errors
    /// When a member is missing, malformed, or does not fit the public half; names the member.
    pub fn new(algorithm: SigningAlgorithm, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let key: Arc<dyn Sign> = match algorithm.scheme() {
            Scheme::Rsa(padding, hash) => Arc::new(rsa::PrivateKey::new(padding, hash, jwk)?),
            Scheme::Ecdsa(curve) => Arc::new(ecdsa::PrivateKey::new(curve, jwk)?),
            Scheme::Ed25519 => Arc::new(eddsa::PrivateKey::new(jwk)?),
            Scheme::Hmac(hash) => Arc::new(hmac::SecretKey::new(hash, jwk)?),
        };
        Ok(Self { algorithm, kid: jwk.kid.clone(), key })
    }
}

impl Verifier {
    /// Reads the public members of a key (`k` of a symmetric one).
    ///
    /// # Errors
    /// When a member is missing or malformed; names the member.
    pub fn new(algorithm: SigningAlgorithm, jwk: &RawJwk) -> Result<Self, InvalidJwk> {
        let key: Arc<dyn Verify> = match algorithm.scheme() {
            Scheme::Rsa(padding, hash) => Arc::new(rsa::PublicKey::new(padding, hash, jwk)?),
            Scheme::Ecdsa(curve) => Arc::new(ecdsa::PublicKey::new(curve, jwk)?),
            Scheme::Ed25519 => Arc::new(eddsa::PublicKey::new(jwk)?),
            Scheme::Hmac(hash) => Arc::new(hmac::SecretKey::new(hash, jwk)?),
        };
        Ok(Self { algorithm, kid: jwk.kid.clone(), key })
    }

    /// Whether the signature is right. Unlike josekit's method it builds no error, which would cost a backtrace
    /// for each wrong token where backtraces are on.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify(message, signature)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, {:?})", self.algorithm, self.kid)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({}, {:?})", self.algorithm, self.kid)
    }
}

impl JwsSigner for Signer {
    fn algorithm(&self) -> &dyn JwsAlgorithm {
        &self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn signature_len(&self) -> usize {
        self.key.length()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, JoseError> {
        self.key.sign(message).ok_or_else(|| JoseError::InvalidKeyFormat(Failed("signing failed").into()))
    }

    fn box_clone(&self) -> Box<dyn JwsSigner> {
        Box::new(self.clone())
    }
}

impl JwsVerifier for Verifier {
    fn algorithm(&self) -> &dyn JwsAlgorithm {
        &self.algorithm
    }

    fn key_id(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), JoseError> {
        if self.accepts(message, signature) {
            return Ok(());
        }
        Err(JoseError::InvalidSignature(Failed("the signature does not match").into()))
    }

    fn box_clone(&self) -> Box<dyn JwsVerifier> {
        Box::new(self.clone())
    }
}

/// The reason inside a [`JoseError`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(&'static str);

#[cfg(test)]
pub(crate) mod tests;
