//! Issuers whose assertions are accepted as grants (RFC 7523 section 2.1).

pub mod add;

use orrery_core::Timestamp;
use orrery_core::id::TrustedIssuerId;
use serde_json::Value;

/// An issuer, one of its keys, and for whom and what its assertions are accepted.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedIssuer {
    /// Also in the path of the admin API.
    pub id: TrustedIssuerId,
    /// `iss` of the assertions.
    pub issuer: String,
    /// `sub` of the assertions; `None` for any.
    pub subject: Option<String>,
    /// Scopes that may be granted.
    pub scope: Vec<String>,
    /// `kid` of the key.
    pub kid: String,
    /// The public key: a JSON Web Key.
    pub public_jwk: Value,
    /// When it was trusted, in whole seconds.
    pub created_at: Timestamp,
    /// From when on it is not any more.
    pub expires_at: Timestamp,
}
