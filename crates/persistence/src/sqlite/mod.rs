//! SQLite: one thread writes, two read.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use crate::cache::Caches;
use crate::config::DatabaseConfig;
use crate::foreign::Product;
use crate::foreign::sqlite::has_table;
use crate::migrate::{self, MigrationStatus, SchemaError};
use crate::queue::{Decision, Queue, Trouble};
use crate::statements::{Counters, Meter, Purpose};
use crate::workers::{self, Connect};

#[path = "../store/mod.rs"]
mod store;
mod watch;
mod writer;

pub(crate) use store::Store;

/// The connection that the store's queries run on.
type Conn = SqliteConnection;

/// Its query language.
type Db = diesel::sqlite::Sqlite;

/// Whether changes of this table void what is cached.
#[cfg(test)]
fn hears_changes_of(table: &str) -> bool {
    ["UPDATE", "DELETE"].iter().all(|event| watch::TRIGGERS.contains(&format!("AFTER {event} ON main.{table}\n")))
}

/// How a call with a single statement is run: in the writer's transaction like all others.
const SINGLE_STATEMENT: Purpose = Purpose::Transaction;

/// There is one writer: nothing to skip.
const SKIP_LOCKED: &str = "";

/// There is one writer: what it has read stays.
const KEY_SHARE: &str = "";

/// Until when a grant is remembered, unless it is for ever.
const REMEMBERED_UNTIL: &str = "grants.requested_at + grants.remember_for * 1000000";

/// [`SKIP_LOCKED`] for a query that diesel builds.
macro_rules! skip_locked {
    ($query:expr) => {
        $query
    };
}
use skip_locked;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// More reading threads only help when a query has to wait for the disk.
const READERS: usize = 2;

/// Opens the database, creating it if need be, and starts the threads.
///
/// # Errors
/// When the file cannot be opened or the operating system refuses a thread.
pub(crate) fn open(
    config: &DatabaseConfig,
    path: Option<PathBuf>,
    counters: Arc<Counters>,
    caches: &Arc<Caches>,
) -> Result<Store, Trouble> {
    // Shorter than the callers wait, so that they hear of a lock that another process holds.
    let file = Arc::new(File { path, lock_timeout: config.timeout / 2, counters });
    file.create().map_err(|error| Trouble::new(&error))?;
    let (writes, jobs) = Queue::new(config.queue, config.timeout);
    writer::start(&file, file.connect()?, jobs, &caches.changes).map_err(|error| Trouble::new(&error))?;
    if file.path.is_none() {
        // Nobody else can see a database in memory: its one thread reads too.
        return Ok(Store::new(writes.clone(), writes, Arc::clone(caches)));
    }
    let (reads, jobs) = Queue::new(config.queue, config.timeout);
    workers::start("sqlite-read", READERS, &jobs, &Arc::new(Reader(file))).map_err(|error| Trouble::new(&error))?;
    Ok(Store::new(reads, writes, Arc::clone(caches)))
}

impl Store {
    /// Where the migrations stand.
    pub(crate) async fn migration_status(&self) -> Result<Vec<MigrationStatus>, SchemaError> {
        self.migrating(|connection| migrate::status(connection, &MIGRATIONS)).await
    }

    /// Applies missing migrations and names them.
    pub(crate) async fn migrate_up(&self) -> Result<Vec<String>, SchemaError> {
        self.migrating(|connection| migrate::up(connection, MIGRATIONS)).await
    }

    /// Takes back the newest migrations and names them.
    pub(crate) async fn migrate_down(&self, count: usize) -> Result<Vec<String>, SchemaError> {
        self.migrating(move |connection| migrate::down(connection, || MIGRATIONS, count)).await
    }

    /// On the writing thread, because a database in memory has only that, and in its transaction: all or nothing, and
    /// other processes wait.
    async fn migrating<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, migrate::Fault> + Send + 'static,
    ) -> Result<T, SchemaError> {
        let queue = self.writes.patient();
        let done = queue.call(Purpose::Schema, |connection| {
            Ok(match work(connection) {
                Ok(done) => Decision::Keep(Ok(done)),
                Err(fault) => Decision::Undo(Err(fault.to_string())),
            })
        });
        done.await?.map_err(SchemaError::Failed)
    }
}

/// Where the database is.
struct File {
    /// None for a database in memory.
    path: Option<PathBuf>,
    /// How long to wait while another process holds the lock.
    lock_timeout: Duration,
    counters: Arc<Counters>,
}

impl File {
    /// Creates the file readable for its owner alone, because it will hold credentials. SQLite gives its companions
    /// (`-wal`, `-shm`) the same permissions.
    fn create(&self) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map(|_| ())
    }
}

impl Connect<SqliteConnection> for File {
    fn connect(&self) -> Result<SqliteConnection, Trouble> {
        let url = match &self.path {
            None => ":memory:",
            Some(path) => path.to_str().ok_or_else(|| Trouble::new(&"the database path is not UTF-8"))?,
        };
        let mut connection = SqliteConnection::establish(url).map_err(|error| Trouble::new(&error))?;
        let patience = format!("PRAGMA busy_timeout = {}", self.lock_timeout.as_millis());
        connection.batch_execute(&patience).map_err(|error| Trouble::new(&error))?;
        // The file of another system stays as it is; whoever looks at its schema refuses it.
        let is_ours =
            Product::owner(|table| has_table(&mut connection, table)).map_err(|error| Trouble::new(&error))?.is_none();
        let journal = if is_ours { "PRAGMA journal_mode = WAL; " } else { "" };
        // `FULL`: an acknowledged commit survives a power cut. Another process (a migration, a backup) may hold the
        // lock for a moment: wait for it.
        let settings = format!(
            "{journal}PRAGMA synchronous = FULL; \
             PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 67108864;"
        );
        connection.batch_execute(&settings).map_err(|error| Trouble::new(&error))?;
        connection.set_instrumentation(Meter::new(Arc::clone(&self.counters)));
        Ok(connection)
    }

    fn works(&self, connection: &mut SqliteConnection) -> bool {
        connection.batch_execute("SELECT 1").is_ok()
    }
}

/// A connection that cannot write.
struct Reader(Arc<File>);

impl Connect<SqliteConnection> for Reader {
    fn connect(&self) -> Result<SqliteConnection, Trouble> {
        let mut connection = self.0.connect()?;
        connection.batch_execute("PRAGMA query_only = ON").map_err(|error| Trouble::new(&error))?;
        Ok(connection)
    }

    fn works(&self, connection: &mut SqliteConnection) -> bool {
        self.0.works(connection)
    }
}
