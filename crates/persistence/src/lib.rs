//! Storage: every Store trait of the other crates, on SQLite and on PostgreSQL.
//!
//! Callers await; dedicated threads that own the connections do the work, fed by a bounded queue. When the queue is
//! full, callers hear [`StoreError::Unavailable`] at once. On SQLite one thread writes and commits all
//! waiting calls together; on PostgreSQL every thread serves any call.
//!
//! Rooms: `schema.rs` (tables) and `columns.rs` (their types) are shared; `store/` holds the queries, written once and
//! mounted below `postgres/` and `sqlite/`, which hold what differs; `queue.rs`, `workers.rs` and `sqlite/writer.rs` are
//! the engine. What the tables mean: `docs/data-model.md`.
//!
//! **Architecture invariant:** the only crate with SQL. A store method is one atomic step; nothing slow or remote
//! happens inside it, and no value that was bound to a statement reaches a log.

use std::sync::Arc;

use orrery_core::{StoreError, Timestamp};
use orrery_courier::event::EventStore;
use orrery_courier::store::MessageStore;
use orrery_identity::store::{AttemptStore, FlowStore, IdentityStore, ImportStore, SessionStore};
use orrery_keys::store::KeyStore;
use orrery_oauth2::store::{
    AuthorizationStore, ClientStore, DeviceStore, GrantImportStore, GrantStore, LoginSessionStore, TokenStore,
    TrustedIssuerStore,
};
// These two bring their libraries along, so that nothing has to be installed.
use libsqlite3_sys as _;
use pq_sys as _;

mod cache;
mod columns;
mod config;
mod error;
mod foreign;
mod migrate;
mod page;
mod postgres;
mod queue;
mod rows;
mod schema;
mod schema_outbox;
mod sqlite;
mod statements;
mod sweep;
mod workers;

pub use cache::CacheUse;
pub use config::{DatabaseConfig, InvalidUrl};
pub use foreign::{ForeignDatabase, Product};
pub use migrate::{MigrationState, MigrationStatus, SchemaError};
pub use statements::Statements;
pub use sweep::Swept;

use cache::Caches;
use config::Location;
use statements::Counters;

/// An open database. Clones share it; it is closed when the last clone and the last store are dropped.
#[derive(Clone)]
pub struct Database {
    engine: Engine,
    counters: Arc<Counters>,
    caches: Arc<Caches>,
}

#[derive(Clone)]
enum Engine {
    Postgres(Arc<postgres::Store>, Arc<postgres::Server>),
    Sqlite(Arc<sqlite::Store>),
}

/// The database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is wrong.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
    /// The file, the server or the operating system refused.
    #[error("the database cannot be opened: {0}")]
    Refused(String),
}

impl Database {
    /// Opens the database. SQLite files are created when they are missing (their folder is not); PostgreSQL is only
    /// contacted by the first call: see [`Database::ping`].
    ///
    /// # Errors
    /// When the URL cannot be understood or the file cannot be opened.
    pub fn connect(config: &DatabaseConfig) -> Result<Self, ConnectError> {
        let counters = Arc::new(Counters::default());
        let caches = Arc::new(Caches::new(config));
        let refused = |error: &dyn std::fmt::Display| ConnectError::Refused(error.to_string());
        let path = match config.location()? {
            Location::Postgres { url, connections } => {
                let server = Arc::new(postgres::Server {
                    url,
                    connections: connections.unwrap_or(config.connections).max(1),
                    statement_timeout: config.timeout,
                    counters: Arc::clone(&counters),
                    caches: Arc::clone(&caches),
                });
                let store = postgres::open(config, &server).map_err(|error| refused(&error))?;
                return Ok(Self { engine: Engine::Postgres(Arc::new(store), server), counters, caches });
            }
            Location::File(path) => Some(path),
            Location::Memory => None,
        };
        let store = sqlite::open(config, path, Arc::clone(&counters), &caches).map_err(|error| refused(&error))?;
        Ok(Self { engine: Engine::Sqlite(Arc::new(store)), counters, caches })
    }

    /// Removes what has expired: of each kind of row at most `limit`, in short transactions of their own. Safe on
    /// any number of nodes at once; call it again soon while [`Swept::more`] is set.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be used.
    pub async fn sweep(&self, now: Timestamp, limit: u32) -> Result<Swept, StoreError> {
        match &self.engine {
            Engine::Postgres(store, _) => store.sweep(now, limit).await,
            Engine::Sqlite(store) => store.sweep(now, limit).await,
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// `Unavailable` when it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        match &self.engine {
            Engine::Postgres(store, _) => store.ping().await,
            Engine::Sqlite(store) => store.ping().await,
        }
    }

    /// What has been sent to the database since it was opened.
    #[must_use]
    pub fn statements(&self) -> Statements {
        self.counters.read()
    }

    /// How often sessions were known and had to be read since it was opened.
    #[must_use]
    pub fn session_cache(&self) -> CacheUse {
        self.caches.sessions.counts()
    }

    /// How often OAuth2 clients were known and had to be read since it was opened.
    #[must_use]
    pub fn client_cache(&self) -> CacheUse {
        self.caches.clients.counts()
    }

    /// Every migration that this program or the database knows, by version.
    ///
    /// # Errors
    /// When the database cannot be asked.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, SchemaError> {
        self.refuse_others().await?;
        match &self.engine {
            Engine::Postgres(_, server) => {
                let server = Arc::clone(server);
                on_postgres(move || server.migration_status()).await
            }
            Engine::Sqlite(store) => store.migration_status().await,
        }
    }

    /// Applies the migrations that are missing and names them. Nodes may do this at the same time.
    ///
    /// # Errors
    /// When a migration fails, the database cannot be reached, or it belongs to another system.
    pub async fn migrate_up(&self) -> Result<Vec<String>, SchemaError> {
        self.refuse_others().await?;
        match &self.engine {
            Engine::Postgres(_, server) => {
                let server = Arc::clone(server);
                on_postgres(move || server.migrate_up()).await
            }
            Engine::Sqlite(store) => store.migrate_up().await,
        }
    }

    /// Takes back the newest `count` migrations, with all data in what they made, and names them.
    ///
    /// # Errors
    /// When a migration fails or the database cannot be reached.
    pub async fn migrate_down(&self, count: usize) -> Result<Vec<String>, SchemaError> {
        self.refuse_others().await?;
        match &self.engine {
            Engine::Postgres(_, server) => {
                let server = Arc::clone(server);
                on_postgres(move || server.migrate_down(count)).await
            }
            Engine::Sqlite(store) => store.migrate_down(count).await,
        }
    }

    /// Whether the schema is exactly the one that this program was built for.
    ///
    /// # Errors
    /// When migrations are missing or unknown, or the database cannot be asked.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        migrate::check(&self.migration_status().await?)
    }

    /// Even asking which migrations are applied makes a table, where there is none.
    async fn refuse_others(&self) -> Result<(), SchemaError> {
        let owner = match &self.engine {
            Engine::Postgres(store, _) => store.other_owner().await?,
            Engine::Sqlite(store) => store.other_owner().await?,
        };
        owner.map_or(Ok(()), |owner| Err(SchemaError::Foreign(owner)))
    }
}

/// Hands out the store under each trait.
macro_rules! stores {
    ($($(#[$doc:meta])+ $name:ident: $store:ident),+ $(,)?) => {
        impl Database {$(
            $(#[$doc])+
            #[must_use]
            pub fn $name(&self) -> Arc<dyn $store> {
                match &self.engine {
                    Engine::Postgres(store, _) => Arc::clone(store) as Arc<dyn $store>,
                    Engine::Sqlite(store) => Arc::clone(store) as Arc<dyn $store>,
                }
            }
        )+}
    };
}

stores! {
    /// Identities with their credentials and addresses.
    identities: IdentityStore,
    /// Sessions.
    sessions: SessionStore,
    /// Self-service flows and the steps that complete them.
    flows: FlowStore,
    /// Counters of failed attempts.
    attempts: AttemptStore,
    /// What is brought in from another system.
    imports: ImportStore,
    /// JSON Web Keys.
    keys: KeyStore,
    /// The courier's queue.
    messages: MessageStore,
    /// OAuth2 clients.
    clients: ClientStore,
    /// Issuers whose assertions are accepted as grants.
    trusted_issuers: TrustedIssuerStore,
    /// OAuth2 authorizations in progress.
    authorizations: AuthorizationStore,
    /// What people granted to OAuth2 clients.
    grants: GrantStore,
    /// Grants of another system.
    grant_imports: GrantImportStore,
    /// Sign-ins at the OAuth2 server.
    login_sessions: LoginSessionStore,
    /// Devices that wait for approval.
    devices: DeviceStore,
    /// OAuth2 tokens and codes.
    tokens: TokenStore,
    /// The outbox.
    events: EventStore,
}

/// Off the async threads, because it blocks for as long as a migration takes.
async fn on_postgres<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, queue::Trouble> + Send + 'static,
) -> Result<T, SchemaError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|trouble| SchemaError::Failed(trouble.to_string())),
        Err(error) => Err(SchemaError::Failed(error.to_string())),
    }
}
