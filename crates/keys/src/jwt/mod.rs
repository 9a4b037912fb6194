//! The compact serialisation of signed tokens (RFC 7515 section 7.1, RFC 7519), without any key choice.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use josekit::jws::{JwsSigner, JwsVerifier};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::algorithm::SigningAlgorithm;
use crate::error::KeyError;
use crate::jwk::RawJwk;
use crate::sign::{Signer, Verifier};

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 16 * 1024;

/// The claims of a token.
pub type Claims = Map<String, Value>;

/// The protected header. Members that Orrery does not know are ignored (RFC 7515 section 4).
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) typ: Option<String>,
    /// The key itself (RFC 7515 section 4.1.3), which only proofs of possession may bring along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwk: Option<RawJwk>,
    /// Extensions that must be understood. None are.
    #[serde(default, skip_serializing)]
    crit: Option<serde::de::IgnoredAny>,
}

/// A token whose signature has not been looked at yet.
pub(crate) struct Unverified<'a> {
    pub(crate) header: Header,
    signed: &'a str,
    claims: &'a str,
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Takes a token apart. `None` unless it is one, within [`MAX_TOKEN`], and without critical extensions.
    pub(crate) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        // RFC 7515 section 4.1.11: what is critical and not understood makes the token invalid.
        if header.crit.is_some() {
            return None;
        }
        Some(Self { header, signed, claims, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// Whether the last part is empty.
    pub(crate) const fn has_no_signature(&self) -> bool {
        self.signature.is_empty()
    }

    /// The claims, whoever wrote them.
    pub(crate) fn unverified_claims(&self) -> Option<Claims> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(self.claims).ok()?).ok()
    }

    /// The claims, if the signature is right and the header names the very algorithm of the key.
    pub(crate) fn verify(&self, verifier: &Verifier) -> Option<Claims> {
        let named = SigningAlgorithm::parse(&self.header.alg)?;
        if named.name() != verifier.algorithm().name() {
            return None;
        }
        if !verifier.accepts(self.signed.as_bytes(), &self.signature) {
            return None;
        }
        self.unverified_claims()
    }
}

/// A signed token with `alg`, `kid` and `typ` in its header.
pub(crate) fn encode(signer: &Signer, typ: &str, claims: &Claims) -> Result<String, KeyError> {
    encode_with(signer, typ, None, claims)
}

/// A signed token that brings its key along, as tests of proofs need one.
#[cfg(test)]
pub(crate) fn encode_with_key(signer: &Signer, typ: &str, key: &RawJwk, claims: &Claims) -> Result<String, KeyError> {
    encode_with(signer, typ, Some(key.clone()), claims)
}

fn encode_with(signer: &Signer, typ: &str, jwk: Option<RawJwk>, claims: &Claims) -> Result<String, KeyError> {
    let header = Header {
        alg: signer.algorithm().name().to_owned(),
        kid: signer.key_id().map(str::to_owned),
        typ: Some(typ.to_owned()),
        jwk,
        crit: None,
    };
    let mut token = String::with_capacity(1024);
    for part in [serde_json::to_vec(&header), serde_json::to_vec(claims)] {
        URL_SAFE_NO_PAD.encode_string(part.map_err(|_| KeyError::Crypto)?, &mut token);
        token.push('.');
    }
    token.pop();
    let signature = signer.sign(token.as_bytes()).map_err(|_| KeyError::Crypto)?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

#[cfg(test)]
mod tests;
