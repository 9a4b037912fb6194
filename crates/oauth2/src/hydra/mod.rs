//! Moving in from Ory Hydra: its rows as clients, keys, trusted issuers, grants and refresh tokens of ours.
//!
//! The source is only read, and may be in use. Ids here follow from what identifies a row there, so that a copy can be
//! interrupted, repeated, and brought up to date right before the switch. A row that cannot be understood is told with
//! its table, key and reason, and stops nothing.
//!
//! One file each translates a table; `copy/` walks them; `secrets.rs` opens and checks what Hydra's system secret made, which
//! also serves while its refresh tokens are still about.

mod client;
mod consent;
mod copy;
mod key;
mod refresh_token;
mod secrets;
mod session;
mod trusted_issuer;
mod words;

use orrery_core::moving::{SourceKey, SourceTable};

pub use copy::{CopyError, Copying, copy};
pub(crate) use refresh_token::family;
pub use secrets::SystemSecrets;

/// A table of Hydra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `hydra_client`
    Clients,
    /// `hydra_jwk`
    Keys,
    /// `hydra_oauth2_trusted_jwt_bearer_issuer`
    TrustedIssuers,
    /// `hydra_oauth2_flow`
    Flows,
    /// `hydra_oauth2_refresh`
    RefreshTokens,
}

impl Table {
    /// Every table that is copied, in this order.
    pub const ALL: [Self; 5] = [Self::Clients, Self::Keys, Self::TrustedIssuers, Self::Flows, Self::RefreshTokens];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clients => "hydra_client",
            Self::Keys => "hydra_jwk",
            Self::TrustedIssuers => "hydra_oauth2_trusted_jwt_bearer_issuer",
            Self::Flows => "hydra_oauth2_flow",
            Self::RefreshTokens => "hydra_oauth2_refresh",
        }
    }

    /// The table in the source.
    #[must_use]
    pub const fn source(self) -> SourceTable {
        let key = match self {
            Self::Clients => "id",
            // The primary key is a number in some versions and a UUID in others.
            Self::Keys => "(CAST(sid AS TEXT) || ' ' || kid)",
            Self::TrustedIssuers => "CAST(id AS TEXT)",
            Self::Flows => "login_challenge",
            Self::RefreshTokens => "signature",
        };
        SourceTable { name: self.name(), key: SourceKey::Text(key) }
    }
}
