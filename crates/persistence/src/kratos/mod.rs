//! The database of an Ory Kratos installation. Every connection to it is read-only, so that it may be in use meanwhile.
//!
//! Rows are read as JSON, column by column as the catalogue names them: so every age of the schema can be read, and the
//! importer sees no difference between the databases.

mod postgres;
mod sqlite;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, SqliteConnection};
use orrery_identity::kratos::{KratosSource, Row, SourceError, Table};
use uuid::Uuid;

use crate::config::Location;
use crate::{ConnectError, DatabaseConfig};

/// An open database of Kratos.
#[derive(Clone)]
pub struct KratosDatabase(Arc<Mutex<Connection>>);

enum Connection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Which rows of a table.
enum Which<'a> {
    /// All, whatever network.
    All,
    /// The next ones of a network.
    Page { network: Uuid, after: Option<Uuid>, limit: u32 },
    /// Those of a network whose column `owner` is one of these.
    Of { network: Uuid, owner: &'static str, owners: &'a [Uuid] },
}

/// A row as the database writes it.
#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    row: String,
}

/// A number.
#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl KratosDatabase {
    /// Opens the database that Kratos' `dsn` names.
    ///
    /// # Errors
    /// When the URL cannot be understood, or the database cannot be opened or is none of Kratos.
    pub fn connect(config: &DatabaseConfig) -> Result<Self, ConnectError> {
        let refused = |error: &dyn std::fmt::Display| ConnectError::Refused(error.to_string());
        let mut connection = match config.location()? {
            Location::Postgres { url, .. } => Connection::Postgres(postgres::open(&url).map_err(|why| refused(&why))?),
            Location::File(path) => Connection::Sqlite(sqlite::open(&path).map_err(|why| refused(&why))?),
            Location::Memory => return Err(ConnectError::Refused("nothing can be in a database in memory".to_owned())),
        };
        match connection.exists(Table::Identities) {
            Ok(true) if connection.has_table("networks").is_ok_and(|there| there) => {}
            Ok(_) => {
                let reason = "it has no tables `networks` and `identities`; Kratos 0.7 or newer makes them";
                return Err(ConnectError::Refused(reason.to_owned()));
            }
            Err(why) => return Err(refused(&why)),
        }
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Off the async threads, because the driver blocks.
    async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> diesel::QueryResult<T> + Send + 'static,
    ) -> Result<T, SourceError> {
        let connection = Arc::clone(&self.0);
        let done =
            tokio::task::spawn_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner)));
        match done.await {
            Ok(outcome) => outcome.map_err(|why| SourceError(why.to_string())),
            Err(why) => Err(SourceError(why.to_string())),
        }
    }
}

impl Connection {
    fn exists(&mut self, table: Table) -> diesel::QueryResult<bool> {
        self.has_table(table.name())
    }

    fn has_table(&mut self, name: &str) -> diesel::QueryResult<bool> {
        match self {
            Self::Postgres(connection) => postgres::has_table(connection, name),
            Self::Sqlite(connection) => sqlite::has_table(connection, name),
        }
    }

    fn rows(&mut self, table: &str, which: &Which<'_>) -> diesel::QueryResult<Vec<Row>> {
        if !self.has_table(table)? {
            return Ok(Vec::new());
        }
        let written = match self {
            Self::Postgres(connection) => postgres::rows(connection, table, which)?,
            Self::Sqlite(connection) => sqlite::rows(connection, table, which)?,
        };
        let read = |row: Written| {
            let read = serde_json::from_str(&row.row).map(Row);
            read.map_err(|why| diesel::result::Error::DeserializationError(why.into()))
        };
        written.into_iter().map(read).collect()
    }

    fn count(&mut self, table: Table, network: Uuid) -> diesel::QueryResult<u64> {
        if !self.exists(table)? {
            return Ok(0);
        }
        let counted = match self {
            Self::Postgres(connection) => postgres::count(connection, table.name(), network)?,
            Self::Sqlite(connection) => sqlite::count(connection, table.name(), network)?,
        };
        Ok(u64::try_from(counted.count).unwrap_or_default())
    }
}

#[async_trait]
impl KratosSource for KratosDatabase {
    async fn networks(&self) -> Result<Vec<Uuid>, SourceError> {
        let rows = self.call(|connection| connection.rows("networks", &Which::All)).await?;
        Ok(rows.iter().filter_map(|row| id(row, "id")).collect())
    }

    async fn credential_types(&self) -> Result<Vec<(Uuid, String)>, SourceError> {
        let rows = self.call(|connection| connection.rows("identity_credential_types", &Which::All)).await?;
        let named = |row: &Row| Some((id(row, "id")?, row.0.get("name")?.as_str()?.to_owned()));
        Ok(rows.iter().filter_map(named).collect())
    }

    async fn count(&self, table: Table, network: Uuid) -> Result<u64, SourceError> {
        self.call(move |connection| connection.count(table, network)).await
    }

    async fn page(
        &self,
        table: Table,
        network: Uuid,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<Row>, SourceError> {
        self.call(move |connection| connection.rows(table.name(), &Which::Page { network, after, limit })).await
    }

    async fn belonging(
        &self,
        table: Table,
        network: Uuid,
        owner: &'static str,
        owners: &[Uuid],
    ) -> Result<Vec<Row>, SourceError> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let owners = owners.to_vec();
        self.call(move |connection| connection.rows(table.name(), &Which::Of { network, owner, owners: &owners })).await
    }
}

fn id(row: &Row, column: &str) -> Option<Uuid> {
    Uuid::try_parse(row.0.get(column)?.as_str()?).ok()
}
