//! On SQLite.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection as _, QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use uuid::Uuid;

use super::{Counted, Which, Written, column};

/// How long to wait while its owner writes, in milliseconds.
const BUSY: u32 = 10_000;

/// Opens a connection that cannot write.
pub(super) fn open(path: &Path) -> Result<SqliteConnection, String> {
    let path = path.to_str().ok_or("the database path is not UTF-8")?;
    let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let mut connection = SqliteConnection::establish(&format!("file:{path}?mode=ro")).map_err(|why| why.to_string())?;
    let settings = format!("PRAGMA busy_timeout = {BUSY}; PRAGMA query_only = ON");
    connection.batch_execute(&settings).map_err(|why| why.to_string())?;
    Ok(connection)
}

/// A column.
#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

fn columns(connection: &mut SqliteConnection, table: &str) -> QueryResult<Vec<Column>> {
    sql_query("SELECT name FROM pragma_table_info(?)").bind::<Text, _>(table).load(connection)
}

/// Whether there is such a table.
pub(crate) fn has_table(connection: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    Ok(!columns(connection, name)?.is_empty())
}

/// `table`, keys and owners are names of ours, never of a caller.
pub(super) fn rows(connection: &mut SqliteConnection, table: &str, which: &Which<'_>) -> QueryResult<Vec<Written>> {
    // JSON cannot hold bytes, as which some drivers store text.
    let members = columns(connection, table)?.into_iter().map(|Column { name }| {
        let (text, column) = (name.replace('\'', "''"), name.replace('"', "\"\""));
        format!("'{text}', CASE typeof(\"{column}\") WHEN 'blob' THEN CAST(\"{column}\" AS TEXT) ELSE \"{column}\" END")
    });
    let members = members.collect::<Vec<_>>().join(", ");
    let select =
        format!("SELECT json_object({members}) AS document, CAST({} AS TEXT) AS \"key\" FROM {table}", which.key());
    match which {
        Which::All => sql_query(select).load(connection),
        Which::Page { network, key, after, limit } => {
            let column = column(*key);
            sql_query(format!("{select} WHERE nid = ? AND {column} > coalesce(?, '') ORDER BY {column} LIMIT {limit}"))
                .bind::<Text, _>(network.to_string())
                .bind::<Nullable<Text>, _>(after.as_deref())
                .load(connection)
        }
        Which::Of { network, key, owner, owners } => {
            let (key, column) = (column(*key), column(*owner));
            sql_query(format!("{select} WHERE nid = ? AND {column} IN (SELECT value FROM json_each(?)) ORDER BY {key}"))
                .bind::<Text, _>(network.to_string())
                .bind::<Text, _>(serde_json::json!(owners).to_string())
                .load(connection)
        }
    }
}

pub(super) fn count(connection: &mut SqliteConnection, table: &str, network: Uuid) -> QueryResult<Counted> {
    sql_query(format!("SELECT count(*) AS count FROM {table} WHERE nid = ?"))
        .bind::<Text, _>(network.to_string())
        .get_result(connection)
}
