//! What client secrets are compared with.

use std::fmt;

use orrery_core::Timestamp;
use orrery_core::TokenHash;
use serde::{Deserialize, Serialize};

/// The stored form of one client secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretHash {
    /// A keyed hash: the server generated the secret, so it has 256 random bits.
    Keyed(TokenHash),
    /// A password hash in its usual text form, because somebody chose the secret or it was imported.
    Password(String),
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keyed(_) => "Keyed(…)",
            Self::Password(_) => "Password(…)",
        })
    }
}

/// The secrets that a client may use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientSecrets {
    /// The present one; none for public clients and those that use keys.
    pub current: Option<SecretHash>,
    /// Earlier ones that still work, newest first, at most five, each with the moment of its replacement.
    pub rotated: Vec<(SecretHash, Timestamp)>,
    /// The plain text of the present one, sealed: only for `client_secret_jwt`, which needs it to check signatures.
    pub sealed: Option<String>,
}
