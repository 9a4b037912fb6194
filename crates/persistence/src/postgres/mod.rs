//! PostgreSQL: a queue served by threads, each with a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::cache::Caches;
use crate::config::DatabaseConfig;
use crate::foreign::postgres::has_table;
use crate::migrate::{self, MigrationStatus};
use crate::queue::{Queue, Trouble};
use crate::statements::{Counters, Meter, Purpose};
use crate::workers::{self, Connect};

mod listen;
#[path = "../store/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "one body of queries, compiled once per backend")]
mod store;

pub(crate) use store::Store;

/// The connection that the store's queries run on.
type Conn = PgConnection;

/// Its query language.
type Db = diesel::pg::Pg;

/// Whether changes of this table void what is cached.
#[cfg(test)]
fn hears_changes_of(table: &str) -> bool {
    let triggers = concat!(
        include_str!("../../../../migrations/postgres/20261126000100_hear_identity_changes/up.sql"),
        include_str!("../../../../migrations/postgres/20261126000531_hear_client_changes/up.sql"),
    );
    triggers.contains(&format!("AFTER UPDATE OR DELETE ON {table}\n"))
}

/// How a call with a single statement is run: it commits by itself.
const SINGLE_STATEMENT: Purpose = Purpose::Statement;

/// Appended to a subselect of rows to work on: several nodes share the work instead of waiting for each other.
const SKIP_LOCKED: &str = "FOR UPDATE SKIP LOCKED";

/// Appended to a subselect of a row that must stay until the transaction has ended.
const KEY_SHARE: &str = "FOR KEY SHARE";

/// Until when a grant is remembered, unless it is for ever.
const REMEMBERED_UNTIL: &str = "grants.requested_at + grants.remember_for * interval '1 second'";

/// [`SKIP_LOCKED`] for a query that diesel builds.
macro_rules! skip_locked {
    ($query:expr) => {
        $query.for_update().skip_locked()
    };
}
use skip_locked;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The advisory lock of whoever migrates, so that nodes that start together do it one after the other.
const MIGRATION_LOCK: i64 = 0x6f72_7265_7279;

/// Starts the threads.
///
/// # Errors
/// When the operating system refuses a thread.
pub(crate) fn open(config: &DatabaseConfig, server: &Arc<Server>) -> std::io::Result<Store> {
    let (queue, jobs) = Queue::new(config.queue, config.timeout);
    workers::start("postgres", server.connections, &jobs, server)?;
    if server.caches.changes.are_used() {
        listen::start(server.url.clone(), &server.caches.changes)?;
    }
    Ok(Store::new(queue.clone(), queue, Arc::clone(&server.caches)))
}

/// Where the database is and how to talk to it.
pub(crate) struct Server {
    /// As libpq wants it; may hold a password.
    pub(crate) url: String,
    pub(crate) connections: usize,
    pub(crate) statement_timeout: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) caches: Arc<Caches>,
}

impl Connect<PgConnection> for Server {
    fn connect(&self) -> Result<PgConnection, Trouble> {
        let mut connection = PgConnection::establish(&self.url).map_err(|error| Trouble::new(&error))?;
        let timeout = self.statement_timeout.as_millis();
        let settings = format!(
            "SET timezone = 'UTC'; SET statement_timeout = {timeout}; \
             SET idle_in_transaction_session_timeout = {timeout}; SET client_min_messages = warning"
        );
        connection.batch_execute(&settings).map_err(|error| Trouble::new(&error))?;
        connection.set_instrumentation(Meter::new(Arc::clone(&self.counters)));
        Ok(connection)
    }

    fn works(&self, connection: &mut PgConnection) -> bool {
        connection.batch_execute("SELECT 1").is_ok()
    }

    /// The connection that writes hears at once what it has changed, not when the listening one does.
    fn before_first_write(&self, connection: &mut PgConnection) -> Result<(), Trouble> {
        if !self.caches.changes.are_used() {
            return Ok(());
        }
        connection.batch_execute(listen::LISTEN_TO_ONESELF).map_err(|error| Trouble::new(&error))
    }

    fn after_write(&self, connection: &mut PgConnection) {
        if listen::pass_on(connection, &self.caches.changes).is_err() {
            self.caches.changes.anything_changed();
        }
    }
}

impl Server {
    /// Where the migrations stand.
    pub(crate) fn migration_status(&self) -> Result<Vec<MigrationStatus>, Trouble> {
        let mut connection = self.connect()?;
        migrate::status(&mut connection, &MIGRATIONS).map_err(|error| Trouble::new(&error))
    }

    /// Applies missing migrations and names them.
    pub(crate) fn migrate_up(&self) -> Result<Vec<String>, Trouble> {
        self.migrating(|connection| migrate::up(connection, MIGRATIONS))
    }

    /// Takes back the newest migrations and names them.
    pub(crate) fn migrate_down(&self, count: usize) -> Result<Vec<String>, Trouble> {
        self.migrating(|connection| migrate::down(connection, || MIGRATIONS, count))
    }

    /// Holds the lock meanwhile; it goes with the connection. Building an index may take as long as it takes.
    fn migrating<T>(&self, work: impl FnOnce(&mut PgConnection) -> Result<T, migrate::Fault>) -> Result<T, Trouble> {
        let mut connection = self.connect()?;
        connection.batch_execute("SET statement_timeout = 0").map_err(|error| Trouble::new(&error))?;
        diesel::sql_query(format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))
            .execute(&mut connection)
            .map_err(|error| Trouble::new(&error))?;
        work(&mut connection).map_err(|error| Trouble::new(&error))
    }
}
