//! On PostgreSQL, or on what speaks its protocol.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Array, Nullable, Text};
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl as _, sql_query};
use orrery_core::moving::SourceKey;
use uuid::Uuid;

use super::{Counted, Which, Written, column};

/// Opens a connection that cannot write.
pub(super) fn open(url: &str) -> Result<PgConnection, String> {
    let mut connection = PgConnection::establish(url).map_err(|why| why.to_string())?;
    let settings = "SET default_transaction_read_only = on; SET timezone = 'UTC'; SET client_min_messages = warning";
    connection.batch_execute(settings).map_err(|why| why.to_string())?;
    Ok(connection)
}

/// Whether there is such a table.
pub(crate) fn has_table(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let found: Counted =
        sql_query("SELECT count(*) AS count FROM (SELECT to_regclass($1) AS there) x WHERE there IS NOT NULL")
            .bind::<Text, _>(name)
            .get_result(connection)?;
    Ok(found.count > 0)
}

/// `table`, keys and owners are names of ours, never of a caller.
pub(super) fn rows(connection: &mut PgConnection, table: &str, which: &Which<'_>) -> QueryResult<Vec<Written>> {
    let select = format!("SELECT to_jsonb(t)::text AS document, ({})::text AS key FROM {table} t", which.key());
    match which {
        Which::All => sql_query(select).load(connection),
        Which::Page { network, key, after, limit } => {
            let column = column(*key);
            let kind = if matches!(key, SourceKey::Id(_)) { "::uuid" } else { "" };
            sql_query(format!(
                "{select} WHERE t.nid = $1::uuid AND ($2 IS NULL OR {column} > $2{kind}) ORDER BY {column} LIMIT {limit}"
            ))
            .bind::<Text, _>(network.to_string())
            .bind::<Nullable<Text>, _>(after.as_deref())
            .load(connection)
        }
        Which::Of { network, key, owner, owners } => {
            let (key, column) = (column(*key), column(*owner));
            let kind = if matches!(owner, SourceKey::Id(_)) { "::uuid[]" } else { "" };
            sql_query(format!("{select} WHERE t.nid = $1::uuid AND t.{column} = ANY($2{kind}) ORDER BY {key}"))
                .bind::<Text, _>(network.to_string())
                .bind::<Array<Text>, _>(owners)
                .load(connection)
        }
    }
}

pub(super) fn count(connection: &mut PgConnection, table: &str, network: Uuid) -> QueryResult<Counted> {
    sql_query(format!("SELECT count(*) AS count FROM {table} WHERE nid = $1::uuid"))
        .bind::<Text, _>(network.to_string())
        .get_result(connection)
}
