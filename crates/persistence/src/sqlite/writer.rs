//! The one writing thread: every call that is waiting shares a commit, and none is acknowledged before it.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::Error as DieselError;
use diesel::{Connection, SqliteConnection};

use super::File;
use super::watch::Watch;
use crate::cache::Changes;
use crate::queue::{BoxedJob, Trouble, Undone};
use crate::statements::Purpose;
use crate::workers::Connect;

/// At most this many calls share a commit, which bounds how long the first of them waits for the last.
const GROUP: usize = 256;

/// What other programs write to the file is noticed within this time.
const LOOK: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when every sender of the queue is gone.
///
/// # Errors
/// When the operating system refuses a thread.
pub(super) fn start(
    file: &Arc<File>,
    connection: SqliteConnection,
    jobs: flume::Receiver<BoxedJob<SqliteConnection>>,
    changes: &Arc<Changes>,
) -> std::io::Result<()> {
    let watch = Watch::new(Arc::clone(changes));
    let mut writer = Writer { file: Arc::clone(file), connection, jobs, watch };
    std::thread::Builder::new().name("sqlite-write".to_owned()).spawn(move || writer.serve()).map(|_| ())
}

struct Writer {
    file: Arc<File>,
    connection: SqliteConnection,
    jobs: flume::Receiver<BoxedJob<SqliteConnection>>,
    watch: Watch,
}

impl Writer {
    fn serve(&mut self) {
        loop {
            self.watch.install(&mut self.connection);
            let Some(first) = self.next() else { return };
            let mut group: Vec<_> = std::iter::once(first).chain(self.jobs.try_iter().take(GROUP - 1)).collect();
            let settled = self.commit(&mut group).map_err(|error| Trouble::new(&error));
            if settled.is_err() {
                self.watch.in_doubt();
                self.recover();
            }
            self.watch.publish();
            if group.iter().any(|job| job.purpose() == Purpose::Schema) {
                self.watch.begin_again();
            }
            for job in group {
                job.answer(settled.clone());
            }
        }
    }

    /// The next call; none when no caller is left.
    fn next(&mut self) -> Option<BoxedJob<SqliteConnection>> {
        // Nobody else writes to a database in memory.
        if !self.watch.is_needed() || self.file.path.is_none() {
            return self.jobs.recv().ok();
        }
        loop {
            match self.jobs.recv_timeout(LOOK) {
                Ok(job) => return Some(job),
                Err(flume::RecvTimeoutError::Timeout) => self.watch.look_at_version(&mut self.connection),
                Err(flume::RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Runs the whole group in one transaction. An error means that nothing of it was stored.
    fn commit(&mut self, group: &mut [BoxedJob<SqliteConnection>]) -> Result<(), DieselError> {
        let connection = &mut self.connection;
        // Immediate: a transaction that begins by reading could not become a writing one while somebody else writes.
        AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")?;
        self.watch.look_at_version(connection);
        match group {
            // The usual case on a quiet server: the transaction itself is the savepoint.
            [only] if only.abandoned() => return AnsiTransactionManager::rollback_transaction(connection),
            [only] => match only.run(connection) {
                Ok(()) => {}
                Err(Undone::ByItself { .. }) => return AnsiTransactionManager::rollback_transaction(connection),
                Err(Undone::ByDatabase(error)) => return Err(error),
            },
            many => {
                // Another process may have held the lock for longer than some caller wanted to wait.
                for job in many.iter_mut().filter(|job| !job.abandoned()) {
                    match connection.transaction(|savepoint| job.run(savepoint)) {
                        Ok(()) | Err(Undone::ByItself { .. }) => {}
                        Err(Undone::ByDatabase(error)) => return Err(error),
                    }
                }
            }
        }
        AnsiTransactionManager::commit_transaction(connection)
    }

    /// Leaves no transaction open behind a failure: the next group begins on a clean connection.
    fn recover(&mut self) {
        // A new connection to a database in memory would be an empty database.
        if self.file.path.is_some() {
            match self.file.connect() {
                Ok(connection) => {
                    self.connection = connection;
                    self.watch.begin_again();
                    return;
                }
                Err(trouble) => tracing::error!(reason = %trouble, "cannot open the database again"),
            }
        }
        let _: Result<(), _> = AnsiTransactionManager::rollback_transaction(&mut self.connection);
    }
}
