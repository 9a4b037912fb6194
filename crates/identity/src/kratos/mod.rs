//! Moving in from Ory Kratos: its rows as identities, sessions and messages of ours.
//!
//! The source is only read, and may be in use. Whatever was copied before is recognised by its id, so that a copy can be
//! interrupted, repeated, and brought up to date right before the switch. A row that cannot be understood is told with
//! its table, id and reason, and stops nothing.
//!
//! One file each translates identities, credentials, sessions and messages; `copy/` walks the tables.

mod ciphers;
mod copy;
mod credential;
mod identity;
mod message;
mod session;

use orrery_core::moving::{SourceKey, SourceTable};

pub use ciphers::{Algorithm, ProviderCiphers};
pub use copy::{CopyError, Copying, copy};

/// A table of Kratos.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `identities`
    Identities,
    /// `identity_credentials`
    Credentials,
    /// `identity_credential_identifiers`
    Identifiers,
    /// `identity_verifiable_addresses`
    VerifiableAddresses,
    /// `identity_recovery_addresses`
    RecoveryAddresses,
    /// `sessions`
    Sessions,
    /// `session_devices`
    SessionDevices,
    /// `courier_messages`
    Messages,
    /// `courier_message_dispatches`
    Dispatches,
}

impl Table {
    /// Every table that is copied.
    pub const ALL: [Self; 9] = [
        Self::Identities,
        Self::Credentials,
        Self::Identifiers,
        Self::VerifiableAddresses,
        Self::RecoveryAddresses,
        Self::Sessions,
        Self::SessionDevices,
        Self::Messages,
        Self::Dispatches,
    ];

    /// The table in the source.
    #[must_use]
    pub const fn source(self) -> SourceTable {
        SourceTable { name: self.name(), key: SourceKey::Id("id") }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identities => "identities",
            Self::Credentials => "identity_credentials",
            Self::Identifiers => "identity_credential_identifiers",
            Self::VerifiableAddresses => "identity_verifiable_addresses",
            Self::RecoveryAddresses => "identity_recovery_addresses",
            Self::Sessions => "sessions",
            Self::SessionDevices => "session_devices",
            Self::Messages => "courier_messages",
            Self::Dispatches => "courier_message_dispatches",
        }
    }
}
