//! The database of an Ory Kratos or Hydra. Every connection to it is read-only, so that it may be in use meanwhile.
//!
//! Rows are read as JSON, column by column as the catalogue names them: so every age of the schema can be read, and the
//! importer sees no difference between the databases.

pub(crate) mod postgres;
pub(crate) mod sqlite;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use diesel::sql_types::{Nullable, Text};
use diesel::{PgConnection, QueryableByName, SqliteConnection};
use orrery_core::moving::{Row, Source, SourceError, SourceKey, SourcePage, SourceTable};
use uuid::Uuid;

use crate::config::Location;
use crate::{ConnectError, DatabaseConfig};

/// Whose database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Ory Kratos.
    Kratos,
    /// Ory Hydra.
    Hydra,
}

impl std::fmt::Display for Product {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Kratos => "Kratos",
            Self::Hydra => "Hydra",
        })
    }
}

impl Product {
    /// Whose database it is.
    pub(crate) fn owner<E>(mut has_table: impl FnMut(&str) -> Result<bool, E>) -> Result<Option<Self>, E> {
        for product in [Self::Kratos, Self::Hydra] {
            if has_table(product.mark())? {
                return Ok(Some(product));
            }
        }
        Ok(None)
    }

    /// A table that only this product has.
    const fn mark(self) -> &'static str {
        match self {
            Self::Kratos => "identity_credential_types",
            Self::Hydra => "hydra_client",
        }
    }

    /// The oldest version that keeps what is read here.
    const fn oldest(self) -> &'static str {
        match self {
            Self::Kratos => "Kratos 0.7",
            Self::Hydra => "Hydra 2.0",
        }
    }
}

/// An open database of another system.
#[derive(Clone)]
pub struct ForeignDatabase(Arc<Mutex<Connection>>);

enum Connection {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Which rows of a table.
enum Which<'a> {
    /// All, whatever network.
    All,
    /// The next ones of a network.
    Page { network: Uuid, key: SourceKey, after: Option<String>, limit: u32 },
    /// Those of a network whose column `owner` is one of these.
    Of { network: Uuid, key: SourceKey, owner: SourceKey, owners: &'a [String] },
}

impl Which<'_> {
    /// The expression by which rows are told apart.
    const fn key(&self) -> &'static str {
        match self {
            Self::All => "NULL",
            Self::Page { key, .. } | Self::Of { key, .. } => column(*key),
        }
    }
}

const fn column(key: SourceKey) -> &'static str {
    match key {
        SourceKey::Id(column) | SourceKey::Text(column) => column,
    }
}

/// A row as the database writes it.
#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    document: String,
    #[diesel(sql_type = Nullable<Text>)]
    key: Option<String>,
}

/// A number.
#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl ForeignDatabase {
    /// Opens the database that the product's `dsn` names.
    ///
    /// # Errors
    /// When the URL cannot be understood, or the database cannot be opened or is none of that product.
    pub fn connect(config: &DatabaseConfig, product: Product) -> Result<Self, ConnectError> {
        let refused = |error: &dyn std::fmt::Display| ConnectError::Refused(error.to_string());
        let mut connection = match config.location()? {
            Location::Postgres { url, .. } => Connection::Postgres(postgres::open(&url).map_err(|why| refused(&why))?),
            Location::File(path) => Connection::Sqlite(sqlite::open(&path).map_err(|why| refused(&why))?),
            Location::Memory => return Err(ConnectError::Refused("nothing can be in a database in memory".to_owned())),
        };
        let table = product.mark();
        match connection.has_table(table) {
            Ok(true) if connection.has_table("networks").is_ok_and(|there| there) => {}
            Ok(_) => {
                let oldest = product.oldest();
                let reason = format!("it has no tables `networks` and `{table}`; {oldest} or newer makes them");
                return Err(ConnectError::Refused(reason));
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
    fn has_table(&mut self, name: &str) -> diesel::QueryResult<bool> {
        match self {
            Self::Postgres(connection) => postgres::has_table(connection, name),
            Self::Sqlite(connection) => sqlite::has_table(connection, name),
        }
    }

    fn rows(&mut self, table: &str, which: &Which<'_>) -> diesel::QueryResult<SourcePage> {
        if !self.has_table(table)? {
            return Ok(SourcePage { rows: Vec::new(), last: None });
        }
        let written = match self {
            Self::Postgres(connection) => postgres::rows(connection, table, which)?,
            Self::Sqlite(connection) => sqlite::rows(connection, table, which)?,
        };
        let last = written.last().and_then(|last| last.key.clone());
        let read = |row: Written| {
            let read = serde_json::from_str(&row.document).map(Row);
            read.map_err(|why| diesel::result::Error::DeserializationError(why.into()))
        };
        Ok(SourcePage { rows: written.into_iter().map(read).collect::<Result<_, _>>()?, last })
    }

    fn count(&mut self, table: &str, network: Uuid) -> diesel::QueryResult<u64> {
        if !self.has_table(table)? {
            return Ok(0);
        }
        let counted = match self {
            Self::Postgres(connection) => postgres::count(connection, table, network)?,
            Self::Sqlite(connection) => sqlite::count(connection, table, network)?,
        };
        Ok(u64::try_from(counted.count).unwrap_or_default())
    }
}

#[async_trait]
impl Source for ForeignDatabase {
    async fn networks(&self) -> Result<Vec<Uuid>, SourceError> {
        let rows = self.all("networks").await?;
        Ok(rows.iter().filter_map(|row| row.needed_id("id").ok()).collect())
    }

    async fn all(&self, table: &'static str) -> Result<Vec<Row>, SourceError> {
        Ok(self.call(move |connection| connection.rows(table, &Which::All)).await?.rows)
    }

    async fn count(&self, table: SourceTable, network: Uuid) -> Result<u64, SourceError> {
        self.call(move |connection| connection.count(table.name, network)).await
    }

    async fn page(
        &self,
        table: SourceTable,
        network: Uuid,
        after: Option<String>,
        limit: u32,
    ) -> Result<SourcePage, SourceError> {
        let which = Which::Page { network, key: table.key, after, limit };
        self.call(move |connection| connection.rows(table.name, &which)).await
    }

    async fn belonging(
        &self,
        table: SourceTable,
        network: Uuid,
        owner: SourceKey,
        owners: &[String],
    ) -> Result<Vec<Row>, SourceError> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let owners = owners.to_vec();
        let page = self.call(move |connection| {
            connection.rows(table.name, &Which::Of { network, key: table.key, owner, owners: &owners })
        });
        Ok(page.await?.rows)
    }
}
