//! Credentials: what an identity proves itself with.

use std::fmt;
use std::str::FromStr;

use orrery_core::Timestamp;
use orrery_core::id::CredentialId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod code;
pub mod import;
pub mod password;
pub mod sealed;
mod shown;

pub use shown::shown;

/// The kinds of credentials of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// A password.
    Password,
    /// Social sign-in.
    Oidc,
    /// An authenticator app.
    Totp,
    /// Backup codes.
    LookupSecret,
    /// Security keys.
    Webauthn,
    /// Passkeys.
    Passkey,
    /// One-time codes to an address.
    Code,
    /// Enterprise sign-in; kept for the contract.
    Saml,
    /// Marks a recovery by link.
    LinkRecovery,
    /// Marks a recovery by code.
    CodeRecovery,
}

impl CredentialKind {
    /// Every kind, in the contract's order.
    pub const ALL: [Self; 10] = [
        Self::Password,
        Self::Oidc,
        Self::Totp,
        Self::LookupSecret,
        Self::Webauthn,
        Self::Passkey,
        Self::Code,
        Self::Saml,
        Self::LinkRecovery,
        Self::CodeRecovery,
    ];

    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Oidc => "oidc",
            Self::Totp => "totp",
            Self::LookupSecret => "lookup_secret",
            Self::Webauthn => "webauthn",
            Self::Passkey => "passkey",
            Self::Code => "code",
            Self::Saml => "saml",
            Self::LinkRecovery => "link_recovery",
            Self::CodeRecovery => "code_recovery",
        }
    }
}

impl fmt::Display for CredentialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential type")]
pub struct UnknownCredentialKind;

impl FromStr for CredentialKind {
    type Err = UnknownCredentialKind;

    fn from_str(text: &str) -> Result<Self, UnknownCredentialKind> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownCredentialKind)
    }
}

/// One credential. An identity has at most one of each kind; a kind with several keys keeps them in `config`.
#[derive(Clone, PartialEq)]
pub struct Credential {
    /// Chosen by the server.
    pub id: CredentialId,
    /// What it is.
    pub kind: CredentialKind,
    /// What the identity signs in as: normalised, unique per kind in the project.
    pub identifiers: Vec<String>,
    /// The kind's own data: `{"hashed_password": …}`, `{"addresses": […]}` …. Secrets inside are hashed or sealed, see
    /// [`sealed`].
    pub config: Value,
    /// The version of the layout of `config`.
    pub version: i32,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Neither identifiers nor configuration belong in a log.
        f.debug_struct("Credential").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
