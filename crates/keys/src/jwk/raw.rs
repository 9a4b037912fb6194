//! A JSON Web Key as it stands on the wire.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A private member, wiped when dropped.
pub type Secret = Zeroizing<String>;

/// Longest text of one member: an 8192-bit number in base64url is 1366 characters long.
const MAX_MEMBER: usize = 2048;

/// The members that the contracts name (schema `jsonWebKey`); others are ignored. There is no `Debug`, on
/// purpose.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RawJwk {
    /// Intended use: `sig` or `enc`.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// Key type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kty: Option<String>,
    /// Key id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    /// Algorithm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<String>,
    /// Curve.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    /// RSA modulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    /// RSA public exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    /// First coordinate, or the public key of an OKP key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    /// Second coordinate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Certificate chain, standard base64 of DER, the key's own certificate first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x5c: Option<Vec<String>>,
    /// Private key, or RSA private exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub d: Option<Secret>,
    /// First RSA prime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p: Option<Secret>,
    /// Second RSA prime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<Secret>,
    /// `d mod (p − 1)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dp: Option<Secret>,
    /// `d mod (q − 1)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dq: Option<Secret>,
    /// `q⁻¹ mod p`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qi: Option<Secret>,
    /// Symmetric key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub k: Option<Secret>,
}

impl RawJwk {
    /// Decodes a public member.
    ///
    /// # Errors
    /// When it is missing, too long or not base64url without padding.
    pub(crate) fn bytes(member: &'static str, value: Option<&String>) -> Result<Vec<u8>, InvalidJwk> {
        decode(member, value.map(String::as_str))
    }

    /// Decodes a private member into memory that is wiped.
    ///
    /// # Errors
    /// As [`RawJwk::bytes`].
    pub(crate) fn secret(member: &'static str, value: Option<&Secret>) -> Result<Zeroizing<Vec<u8>>, InvalidJwk> {
        decode(member, value.map(|text| text.as_str())).map(Zeroizing::new)
    }

    /// The key without its private members.
    #[must_use]
    pub fn public_half(&self) -> Self {
        Self {
            usage: self.usage.clone(),
            kty: self.kty.clone(),
            kid: self.kid.clone(),
            alg: self.alg.clone(),
            crv: self.crv.clone(),
            n: self.n.clone(),
            e: self.e.clone(),
            x: self.x.clone(),
            y: self.y.clone(),
            x5c: self.x5c.clone(),
            ..Self::default()
        }
    }

    /// The private members alone.
    #[must_use]
    pub fn private_half(&self) -> Self {
        Self {
            d: self.d.clone(),
            p: self.p.clone(),
            q: self.q.clone(),
            dp: self.dp.clone(),
            dq: self.dq.clone(),
            qi: self.qi.clone(),
            k: self.k.clone(),
            ..Self::default()
        }
    }

    /// This public half together with the private members of `private`.
    #[must_use]
    pub fn with_private(mut self, private: Self) -> Self {
        self.d = private.d;
        self.p = private.p;
        self.q = private.q;
        self.dp = private.dp;
        self.dq = private.dq;
        self.qi = private.qi;
        self.k = private.k;
        self
    }
}

fn decode(member: &'static str, text: Option<&str>) -> Result<Vec<u8>, InvalidJwk> {
    let text = text.ok_or_else(|| InvalidJwk::new(member, "is missing"))?;
    if text.len() > MAX_MEMBER {
        return Err(InvalidJwk::new(member, "is too long"));
    }
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidJwk::new(member, "is not base64url without padding"))
}

/// A JSON Web Key, or a request for one, is not acceptable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{member} {reason}")]
pub struct InvalidJwk {
    /// The member that is wrong, with its path in a set (`keys[1].n`).
    pub member: String,
    /// What is wrong with it, as the predicate of a sentence; never its value.
    pub reason: &'static str,
}

impl InvalidJwk {
    /// Names a member and what is wrong with it.
    pub(crate) fn new(member: &str, reason: &'static str) -> Self {
        Self { member: member.to_owned(), reason }
    }

    /// The same for the key at a position of a set.
    #[must_use]
    pub(crate) fn in_set(self, position: usize) -> Self {
        Self { member: format!("keys[{position}].{}", self.member), reason: self.reason }
    }
}
