//! Kratos on PostgreSQL, or on what speaks its protocol.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Nullable, Text};
use diesel::{Connection as _, PgConnection, QueryResult, RunQueryDsl as _, sql_query};
use uuid::Uuid;

use super::{Counted, Which, Written};

/// Opens a connection that cannot write.
pub(super) fn open(url: &str) -> Result<PgConnection, String> {
    let mut connection = PgConnection::establish(url).map_err(|why| why.to_string())?;
    let settings = "SET default_transaction_read_only = on; SET timezone = 'UTC'; SET client_min_messages = warning";
    connection.batch_execute(settings).map_err(|why| why.to_string())?;
    Ok(connection)
}

pub(super) fn has_table(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let found: Counted =
        sql_query("SELECT count(*) AS count FROM (SELECT to_regclass($1) AS there) x WHERE there IS NOT NULL")
            .bind::<Text, _>(name)
            .get_result(connection)?;
    Ok(found.count > 0)
}

/// `table` and `owner` are names of ours, never of a caller.
pub(super) fn rows(connection: &mut PgConnection, table: &str, which: &Which<'_>) -> QueryResult<Vec<Written>> {
    let select = format!("SELECT to_jsonb(t)::text AS row FROM {table} t");
    match which {
        Which::All => sql_query(select).load(connection),
        Which::Page { network, after, limit } => sql_query(format!(
            "{select} WHERE t.nid = $1::uuid AND ($2 IS NULL OR t.id > $2::uuid) ORDER BY t.id LIMIT {limit}"
        ))
        .bind::<Text, _>(network.to_string())
        .bind::<Nullable<Text>, _>(after.map(|id| id.to_string()))
        .load(connection),
        Which::Of { network, owner, owners } => {
            let owners: Vec<String> = owners.iter().map(Uuid::to_string).collect();
            sql_query(format!(
                "{select} WHERE t.nid = $1::uuid AND t.{owner} = ANY($2::uuid[]) ORDER BY t.created_at, t.id"
            ))
            .bind::<Text, _>(network.to_string())
            .bind::<Text, _>(format!("{{{}}}", owners.join(",")))
            .load(connection)
        }
    }
}

pub(super) fn count(connection: &mut PgConnection, table: &str, network: Uuid) -> QueryResult<Counted> {
    sql_query(format!("SELECT count(*) AS count FROM {table} WHERE nid = $1::uuid"))
        .bind::<Text, _>(network.to_string())
        .get_result(connection)
}
