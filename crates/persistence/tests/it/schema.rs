//! Migrations, and that both databases have the same tables.

use std::collections::{BTreeMap, BTreeSet};

use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use orrery_persistence::{Database, DatabaseConfig, MigrationState, SchemaError};

use crate::stage::{Beside, Engine, Place, Stage, on_both_engines};

on_both_engines!(
    up_down_up_ends_where_it_began,
    migrating_twice_changes_nothing,
    nodes_that_start_together_migrate_once,
    an_outdated_schema_is_refused,
    an_unknown_schema_is_refused,
    the_default_project_is_there,
);

#[tokio::test]
async fn sqlite_and_postgres_have_the_same_tables_columns_and_indexes() {
    let sqlite = describe(&mut Stage::new(Engine::Sqlite).await.beside());
    let postgres = describe(&mut Stage::new(Engine::Postgres).await.beside());
    assert_eq!(sqlite.columns, postgres.columns);
    assert_eq!(sqlite.indexes, postgres.indexes);
    assert_eq!(sqlite.references, postgres.references);
    assert!(sqlite.columns.len() > 10 && !sqlite.indexes.is_empty() && !sqlite.references.is_empty());
}

/// Every row belongs to a project, and every key begins with it.
#[tokio::test]
async fn every_table_and_every_unique_index_begins_with_the_project() {
    let schema = describe(&mut Stage::new(Engine::Sqlite).await.beside());
    for (table, columns) in &schema.columns {
        assert!(table == "projects" || columns.contains_key("project_id"), "{table}");
    }
    for Index { table, unique, columns } in &schema.indexes {
        assert!(table == "projects" || !unique || columns[0] == "project_id", "{table} {columns:?}");
    }
}

async fn up_down_up_ends_where_it_began(stage: Stage) {
    let before = describe(&mut stage.beside());
    let all = stage.database.migration_status().await.expect("asks").len();
    let reverted = stage.database.migrate_down(all).await.expect("reverts");
    assert_eq!(reverted.len(), all);
    assert!(describe(&mut stage.beside()).columns.is_empty(), "nothing is left");
    let applied = stage.database.migrate_up().await.expect("applies");
    assert_eq!(applied.len(), all);
    assert_eq!(describe(&mut stage.beside()), before);
    stage.database.check_schema().await.expect("is current");
}

async fn migrating_twice_changes_nothing(stage: Stage) {
    assert!(stage.database.migrate_up().await.expect("applies").is_empty());
    let status = stage.database.migration_status().await.expect("asks");
    assert!(status.iter().all(|migration| migration.state == MigrationState::Applied));
    assert_eq!(status[0].name, "20261123000001_projects");
}

async fn nodes_that_start_together_migrate_once(stage: Stage) {
    let all = stage.database.migration_status().await.expect("asks").len();
    stage.database.migrate_down(all).await.expect("reverts");
    let nodes: Vec<_> = (0..4)
        .map(|_| Database::connect(&DatabaseConfig { connections: 1, ..stage.place.config() }).expect("opens"))
        .collect();
    let applied = futures_util::future::join_all(nodes.iter().map(Database::migrate_up)).await;
    let applied: usize = applied.into_iter().map(|names| names.expect("applies").len()).sum();
    assert_eq!(applied, all);
}

async fn an_outdated_schema_is_refused(stage: Stage) {
    stage.database.migrate_down(1).await.expect("reverts");
    let refused = stage.database.check_schema().await;
    assert!(matches!(&refused, Err(SchemaError::Outdated(names)) if names.len() == 1), "{refused:?}");
}

async fn an_unknown_schema_is_refused(stage: Stage) {
    stage.beside().run("INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')");
    let refused = stage.database.check_schema().await;
    assert!(matches!(&refused, Err(SchemaError::Unknown(names)) if names == &["29991231235959"]), "{refused:?}");
}

async fn the_default_project_is_there(stage: Stage) {
    assert_eq!(stage.beside().count("SELECT count(*) AS count FROM projects WHERE slug = 'default'"), 1);
    let place = Place::new(stage.place.engine);
    let empty = Database::connect(&place.config()).expect("opens");
    assert!(matches!(empty.check_schema().await, Err(SchemaError::Outdated(_))), "an empty database is outdated");
}

/// A schema as the catalogue of its database tells it.
#[derive(Debug, PartialEq, Eq)]
struct Description {
    /// Table → column → type in our terms, and `NOT NULL`.
    columns: BTreeMap<String, BTreeMap<String, (String, bool)>>,
    indexes: BTreeSet<Index>,
    /// Table, columns, referenced table and what happens on deletion.
    references: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Index {
    table: String,
    unique: bool,
    columns: Vec<String>,
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = BigInt)]
    required: i64,
}

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = BigInt)]
    is_unique: i64,
    #[diesel(sql_type = Text)]
    columns: String,
}

#[derive(QueryableByName)]
struct ReferenceRow {
    #[diesel(sql_type = Text)]
    reference: String,
}

fn describe(beside: &mut Beside) -> Description {
    let (columns, indexes, references): (Vec<ColumnRow>, Vec<IndexRow>, Vec<ReferenceRow>) = match beside {
        Beside::Sqlite(connection) => (
            sql_query(SQLITE_COLUMNS).load(connection).expect("columns"),
            sql_query(SQLITE_INDEXES).load(connection).expect("indexes"),
            sql_query(SQLITE_REFERENCES).load(connection).expect("references"),
        ),
        Beside::Postgres(connection) => (
            sql_query(POSTGRES_COLUMNS).load(connection).expect("columns"),
            sql_query(POSTGRES_INDEXES).load(connection).expect("indexes"),
            sql_query(POSTGRES_REFERENCES).load(connection).expect("references"),
        ),
    };
    let mut tables: BTreeMap<String, BTreeMap<String, (String, bool)>> = BTreeMap::new();
    for row in columns {
        let kind = (family(&row.kind).to_owned(), row.required != 0);
        tables.entry(row.table_name).or_default().insert(row.column_name, kind);
    }
    let indexes = indexes.into_iter().map(|row| Index {
        table: row.table_name,
        unique: row.is_unique != 0,
        columns: row.columns.split(',').map(str::to_owned).collect(),
    });
    let references = references.into_iter().map(|row| row.reference).collect();
    Description { columns: tables, indexes: indexes.collect(), references }
}

/// The SQLite type that stands for a PostgreSQL type.
fn family(kind: &str) -> &str {
    match kind {
        "uuid" | "bytea" => "BLOB",
        "timestamp with time zone" | "boolean" | "integer" | "bigint" => "INTEGER",
        "jsonb" | "text" => "TEXT",
        other => other,
    }
}

const SQLITE_COLUMNS: &str = "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind, \
     c.\"notnull\" AS required FROM sqlite_master t JOIN pragma_table_info(t.name) c \
     WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite%'";

const SQLITE_INDEXES: &str = "SELECT t.name AS table_name, i.\"unique\" AS is_unique, \
     (SELECT group_concat(name) FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS columns \
     FROM sqlite_master t JOIN pragma_index_list(t.name) i \
     WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'";

const SQLITE_REFERENCES: &str = "SELECT t.name || '(' || group_concat(f.\"from\") || ') -> ' || f.\"table\" || ' ' || \
     f.on_delete AS reference FROM sqlite_master t JOIN pragma_foreign_key_list(t.name) f \
     WHERE t.type = 'table' GROUP BY t.name, f.id";

const POSTGRES_COLUMNS: &str = "SELECT table_name::text, column_name::text, data_type::text AS kind, \
     (is_nullable = 'NO')::int::bigint AS required FROM information_schema.columns \
     WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";

const POSTGRES_INDEXES: &str = "SELECT t.relname::text AS table_name, i.indisunique::int::bigint AS is_unique, \
     (SELECT string_agg(a.attname::text, ',' ORDER BY k.place) \
      FROM unnest(i.indkey) WITH ORDINALITY AS k(number, place) \
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) AS columns \
     FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
     WHERE n.nspname = 'public' AND t.relname NOT LIKE '\\_\\_%'";

const POSTGRES_REFERENCES: &str = "SELECT t.relname || '(' || \
     (SELECT string_agg(a.attname::text, ',' ORDER BY k.place) \
      FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place) \
      JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) || ') -> ' || r.relname || ' ' || \
     CASE c.confdeltype WHEN 'c' THEN 'CASCADE' ELSE 'OTHER' END AS reference \
     FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid \
     WHERE c.contype = 'f'";
