//! JSON Web Keys (RFC 7517): the wire form, the checked form, and making new ones.

mod generate;
mod import;
mod raw;

pub use generate::generate;
pub use raw::{InvalidJwk, RawJwk, Secret};

use std::fmt;

use serde_json::Value;
use zeroize::Zeroizing;

use crate::algorithm::SigningAlgorithm;
use crate::sign::{Signer, Verifier};
use crate::store::KeyUse;

/// Longest `kid` and longest set name, in characters.
pub const MAX_NAME: usize = 255;

/// A key whose members have been checked: types, lengths, points on their curve, and that the private half belongs
/// to the public one. It always has a `kid`, a `use` and an `alg`.
#[derive(Clone)]
pub struct Jwk {
    raw: RawJwk,
    kid: String,
    algorithm: String,
    usage: KeyUse,
}

impl Jwk {
    /// `kid`.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// `alg`: a [`SigningAlgorithm`] or the name of a key management algorithm.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// `use`.
    #[must_use]
    pub const fn usage(&self) -> KeyUse {
        self.usage
    }

    /// The algorithm when the key is for signing.
    #[must_use]
    pub fn signing_algorithm(&self) -> Option<SigningAlgorithm> {
        match self.usage {
            KeyUse::Signature => SigningAlgorithm::parse(&self.algorithm),
            KeyUse::Encryption => None,
        }
    }

    /// Whether only one key exists for both sides, so that it must never be published.
    #[must_use]
    pub fn is_symmetric(&self) -> bool {
        self.raw.kty.as_deref() == Some("oct")
    }

    /// All members, private ones included.
    ///
    /// # Errors
    /// Never in practice: every member is text.
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(&self.raw)
    }

    /// The members that may be seen by everybody. Of a symmetric key that is its description only.
    ///
    /// # Errors
    /// As [`Jwk::to_value`].
    pub fn public_value(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(self.raw.public_half())
    }

    /// The private members as JSON, to be sealed; `None` when there are none.
    ///
    /// # Errors
    /// As [`Jwk::to_value`].
    pub fn private_bytes(&self) -> Result<Option<Zeroizing<Vec<u8>>>, serde_json::Error> {
        let private = self.raw.private_half();
        if private.d.is_none() && private.k.is_none() {
            return Ok(None);
        }
        serde_json::to_vec(&private).map(|bytes| Some(Zeroizing::new(bytes)))
    }

    /// The key without its private members.
    pub(crate) fn without_private(&self) -> Result<Self, InvalidJwk> {
        Self::restore(self.raw.public_half(), None)
    }

    /// What signs with this key, when it is a signing key with a private half.
    ///
    /// # Errors
    /// When the members are damaged.
    pub fn signer(&self) -> Result<Option<Signer>, InvalidJwk> {
        match self.signing_algorithm() {
            Some(algorithm) if self.raw.d.is_some() || self.raw.k.is_some() => {
                Signer::new(algorithm, &self.raw).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// What verifies with this key, when it is a signing key.
    ///
    /// # Errors
    /// When the members are damaged.
    pub fn verifier(&self) -> Result<Option<Verifier>, InvalidJwk> {
        self.signing_algorithm().map(|algorithm| Verifier::new(algorithm, &self.raw)).transpose()
    }
}

impl fmt::Debug for Jwk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jwk({}, {})", self.algorithm, self.kid)
    }
}

/// Checks the name of a set or a `kid`.
///
/// # Errors
/// When it is empty, longer than [`MAX_NAME`] or contains control characters. `member` is named.
pub fn check_name(member: &'static str, name: &str) -> Result<(), InvalidJwk> {
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(InvalidJwk::new(member, "must have 1 to 255 characters and no control characters"));
    }
    Ok(())
}
