//! Sessions: somebody has signed in.

use orrery_core::Timestamp;
use orrery_core::id::{DeviceId, IdentityId, OrganizationId, SessionId};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;

pub mod aal;
pub mod cookie;
pub mod current;
pub mod exchange;
pub mod factor;
pub mod issue;
pub mod json;
mod presented;
pub mod tokenize;

pub use current::{NoSession, current, whoami};
pub use factor::Factor;
pub use issue::{Issued, issue, renew};
pub use json::{Expand, SessionJson};
pub use presented::{Places, Presented};

/// Authenticator assurance level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aal {
    /// No method was used.
    #[default]
    Aal0,
    /// One factor.
    Aal1,
    /// Two factors.
    Aal2,
}

impl Aal {
    /// The contract's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aal0 => "aal0",
            Self::Aal1 => "aal1",
            Self::Aal2 => "aal2",
        }
    }
}

/// The methods of the contract that a session can record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// Password.
    Password,
    /// Social sign-in.
    Oidc,
    /// Authenticator app.
    Totp,
    /// Backup code.
    LookupSecret,
    /// Security key.
    Webauthn,
    /// Passkey.
    Passkey,
    /// One-time code.
    Code,
    /// Enterprise sign-in.
    Saml,
    /// Recovery by link.
    LinkRecovery,
    /// Recovery by code.
    CodeRecovery,
}

impl AuthenticationMethod {
    /// Whether the first contract has it.
    #[must_use]
    pub const fn is_known_to_first_generation(self) -> bool {
        match self {
            Self::Password
            | Self::Oidc
            | Self::Totp
            | Self::LookupSecret
            | Self::Webauthn
            | Self::LinkRecovery
            | Self::CodeRecovery => true,
            Self::Passkey | Self::Code | Self::Saml => false,
        }
    }
}

/// One method that was used in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedMethod {
    /// Which.
    pub method: AuthenticationMethod,
    /// The level that it reached.
    pub aal: Aal,
    /// When.
    pub completed_at: Timestamp,
    /// The provider of a social sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The organisation of an enterprise sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
}

impl UsedMethod {
    /// A method of ours that was completed now.
    #[must_use]
    pub const fn now(method: AuthenticationMethod, aal: Aal, now: Timestamp) -> Self {
        Self { method, aal, completed_at: now, provider: None, organization: None }
    }
}

/// Where a session was used from: one entry per completed login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Chosen by the server.
    pub id: DeviceId,
    /// The client's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// `User-Agent`, at most 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// City and country where the edge network reports them, at most 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// Somebody has signed in. Whether it is active is computed, never stored: see [`Session::is_active`].
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Chosen by the server; survives refresh and step-up.
    pub id: SessionId,
    /// Who signed in.
    pub identity_id: IdentityId,
    /// False once revoked.
    pub active: bool,
    /// The level reached.
    pub aal: Aal,
    /// Every method used, oldest first.
    pub methods: Vec<UsedMethod>,
    /// Every device that completed a login in it, oldest first.
    pub devices: Vec<Device>,
    /// When the last login in it was completed.
    pub authenticated_at: Timestamp,
    /// When it was issued or last renewed.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// A session together with whom it belongs to, as one query reads them.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionWithIdentity {
    /// The session.
    pub session: Session,
    /// Whose it is, without credentials.
    pub identity: Identity,
}

impl SessionWithIdentity {
    /// Not revoked, not expired, and the identity may sign in.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        self.session.active && now < self.session.expires_at && self.identity.is_active()
    }
}
