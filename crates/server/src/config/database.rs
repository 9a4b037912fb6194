//! `database`: where everything is kept.

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::{ByteSize, DatabaseUrl, DurationText, seconds};

/// Where everything is kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite://relative/file.db`, `sqlite:///absolute/file.db`, `memory`, or `postgres://user:password@host/name`.
    pub url: Option<DatabaseUrl>,
    /// Bring the schema up to date at start. On for SQLite when unset.
    pub migrate: Option<bool>,
    /// Connections to PostgreSQL, each with a thread of its own. SQLite has one writer and two readers.
    pub connections: Option<usize>,
    /// Calls that may wait for a connection; further ones are answered 503 at once.
    pub queue: Option<usize>,
    /// How long a caller waits for the database.
    #[schemars(with = "DurationText")]
    pub timeout: GoDuration,
    /// How much memory the cache of sessions may take, so that `whoami` need not ask the database; `0` for none. What
    /// changes a session is seen at once, and by other nodes on the same PostgreSQL within milliseconds.
    pub session_cache: ByteSize,
    /// The same for OAuth2 clients, so that issuing a token need not read its client.
    pub client_cache: ByteSize,
    /// Removal of what has expired.
    pub cleanup: Cleanup,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            migrate: None,
            connections: None,
            queue: None,
            timeout: seconds(10),
            session_cache: ByteSize(32 << 20),
            client_cache: ByteSize(8 << 20),
            cleanup: Cleanup::default(),
        }
    }
}

impl Database {
    /// For a program that reads nothing twice.
    pub(crate) fn without_caches(&mut self) {
        self.session_cache = ByteSize(0);
        self.client_cache = ByteSize(0);
    }
}

/// Removal of what has expired: continuous, in small batches.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cleanup {
    /// Rows removed at once.
    pub batch_size: u32,
    /// The pause after a batch that found little.
    #[schemars(with = "DurationText")]
    pub interval: GoDuration,
}

impl Default for Cleanup {
    fn default() -> Self {
        Self { batch_size: 500, interval: seconds(15) }
    }
}
