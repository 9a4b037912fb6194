//! Moving in from Ory Kratos: its rows as identities, sessions and messages of ours.
//!
//! The source is only read, and may be in use. Whatever was copied before is recognised by its id, so that a copy can be
//! interrupted, repeated, and brought up to date right before the switch. A row that cannot be understood is told with
//! its table, id and reason, and stops nothing.
//!
//! `row.rs` reads columns, one file each translates identities, credentials, sessions and messages; `copy.rs` walks the
//! tables; `tally.rs` accounts for every row.

mod ciphers;
mod copy;
mod credential;
mod identity;
mod message;
mod row;
mod session;
mod tally;

use async_trait::async_trait;
use uuid::Uuid;

pub use ciphers::{Algorithm, ProviderCiphers};
pub use copy::{CopyError, Copying, copy};
pub use row::{Row, Unreadable};
pub use tally::{Count, Failed, Tally};

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

/// The source cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the Kratos database cannot be read: {0}")]
pub struct SourceError(pub String);

/// A database of Kratos. Nothing in it is ever changed.
#[async_trait]
pub trait KratosSource: Send + Sync {
    /// The networks (tenants) in it.
    async fn networks(&self) -> Result<Vec<Uuid>, SourceError>;

    /// The names of its credential types, by id.
    async fn credential_types(&self) -> Result<Vec<(Uuid, String)>, SourceError>;

    /// How many rows of the network a table has; none when the installation is older than the table.
    async fn count(&self, table: Table, network: Uuid) -> Result<u64, SourceError>;

    /// The next rows of a network in the order of their ids.
    async fn page(&self, table: Table, network: Uuid, after: Option<Uuid>, limit: u32)
    -> Result<Vec<Row>, SourceError>;

    /// Every row of a network whose column `owner` has one of these values.
    async fn belonging(
        &self,
        table: Table,
        network: Uuid,
        owner: &'static str,
        owners: &[Uuid],
    ) -> Result<Vec<Row>, SourceError>;
}
