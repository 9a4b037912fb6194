//! Hearing what changes sessions and clients: triggers of the writing connection alone, and the version of the file for what
//! other programs write.
//!
//! The triggers are temporary, so that no other program needs the function that they call.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Binary};
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};

use crate::cache::Changes;

/// One pair for each table that a cached value is read from. `OLD` is the row that may be cached.
pub(super) const TRIGGERS: &str = "
    CREATE TEMP TRIGGER IF NOT EXISTS identity_updated AFTER UPDATE ON main.identities
        BEGIN SELECT orrery_changed(OLD.id); END;
    CREATE TEMP TRIGGER IF NOT EXISTS identity_deleted AFTER DELETE ON main.identities
        BEGIN SELECT orrery_changed(OLD.id); END;
    CREATE TEMP TRIGGER IF NOT EXISTS session_updated AFTER UPDATE ON main.sessions
        BEGIN SELECT orrery_changed(OLD.identity_id); END;
    CREATE TEMP TRIGGER IF NOT EXISTS session_deleted AFTER DELETE ON main.sessions
        BEGIN SELECT orrery_changed(OLD.identity_id); END;
    CREATE TEMP TRIGGER IF NOT EXISTS client_updated AFTER UPDATE ON main.clients
        BEGIN SELECT orrery_changed(CAST(OLD.id AS BLOB)); END;
    CREATE TEMP TRIGGER IF NOT EXISTS client_deleted AFTER DELETE ON main.clients
        BEGIN SELECT orrery_changed(CAST(OLD.id AS BLOB)); END;
";

#[diesel::declare_sql_function]
extern "SQL" {
    /// Notes whose row changed; returns 0.
    fn orrery_changed(id: Binary) -> BigInt;
}

/// What the writer's connection has changed since it was last asked.
pub(super) struct Watch {
    changes: Arc<Changes>,
    noted: Arc<Mutex<Vec<Vec<u8>>>>,
    installed: bool,
    /// The file's version as this connection last saw it.
    version: Option<i64>,
}

impl Watch {
    pub(super) fn new(changes: Arc<Changes>) -> Self {
        Self { changes, noted: Arc::default(), installed: false, version: None }
    }

    /// Whether there is anything to watch for.
    pub(super) fn is_needed(&self) -> bool {
        self.changes.are_used()
    }

    /// The connection is another one, or its tables may be other ones.
    pub(super) fn begin_again(&mut self) {
        self.installed = false;
        self.changes.unheard();
    }

    /// To be called before the connection writes. Nothing is cached while the tables do not exist.
    pub(super) fn install(&mut self, connection: &mut SqliteConnection) {
        if self.installed || !self.is_needed() {
            return;
        }
        let noted = Arc::clone(&self.noted);
        let note = move |id: Vec<u8>| {
            noted.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            0_i64
        };
        let registered = orrery_changed_utils::register_nondeterministic_impl(connection, note);
        self.installed = registered.and_then(|()| connection.batch_execute(TRIGGERS)).is_ok();
        if self.installed {
            self.changes.heard(None);
        }
    }

    /// To be called now and then: whether another program has written to the file since.
    pub(super) fn look_at_version(&mut self, connection: &mut SqliteConnection) {
        if !self.is_needed() {
            return;
        }
        match version(connection) {
            Ok(version) if self.version == Some(version) => {}
            Ok(version) => {
                self.version = Some(version);
                self.changes.anything_changed();
            }
            Err(_) => self.changes.anything_changed(),
        }
    }

    /// To be called after a commit, before anybody is told of it.
    pub(super) fn publish(&mut self) {
        for id in self.noted.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            self.changes.changed(&id);
        }
    }

    /// To be called when it is not known what was stored.
    pub(super) fn in_doubt(&mut self) {
        self.publish();
        self.changes.anything_changed();
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

fn version(connection: &mut SqliteConnection) -> Result<i64, DieselError> {
    diesel::sql_query("PRAGMA data_version").get_result(connection).map(|Version { data_version }| data_version)
}
