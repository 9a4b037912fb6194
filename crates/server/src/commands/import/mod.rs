//! `orrery import`: what the importers share. Each has a file.

mod hydra;
mod kratos;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use orrery_core::moving::{Source as _, Tally};
use orrery_persistence::{Database, DatabaseConfig, ForeignDatabase, Product};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Column, Printer, text};
use super::{say, source};
use crate::cli::{Copy, Format, Import, ImportFrom};
use crate::config::Loaded;
use crate::wiring;

const COLUMNS: &[Column] = &[
    Column { title: "TABLE", cell: |row| text(row, "/table") },
    Column { title: "SOURCE", cell: |row| text(row, "/source") },
    Column { title: "COPIED", cell: |row| text(row, "/copied") },
    Column { title: "SKIPPED", cell: |row| text(row, "/skipped") },
    Column { title: "FAILED", cell: |row| text(row, "/failed") },
];

/// What stopped a copy is said in front of the cause.
const STOPPED: &str = "the copy stopped; run it again, and it goes on from there";

pub(super) async fn import(arguments: Import) -> anyhow::Result<()> {
    match arguments.from {
        ImportFrom::Kratos(arguments) => kratos::copy(arguments).await,
        ImportFrom::Hydra(arguments) => hydra::copy(arguments).await,
    }
}

/// From where, and the configuration of where to.
struct Begun {
    loaded: Loaded,
    from: ForeignDatabase,
    network: Uuid,
}

/// Opens the source; it must not be the target.
async fn begin(from: SecretString, product: Product, copy: &Copy) -> anyhow::Result<Begun> {
    let loaded = source::load(&copy.source)?;
    let target = loaded.config.database.url.as_ref().map(|url| url.expose());
    if target == Some(from.expose_secret()) {
        bail!("--from and `database.url` name the same database; give Orrery one of its own with --config");
    }
    let from = ForeignDatabase::connect(&DatabaseConfig::new(from), product).context("--from")?;
    let network = network(&from, product, copy.network).await?;
    Ok(Begun { loaded, from, network })
}

/// The one network of a self-hosted installation, or the one that was named.
async fn network(from: &ForeignDatabase, product: Product, named: Option<Uuid>) -> anyhow::Result<Uuid> {
    let networks = from.networks().await?;
    match (named, networks.as_slice()) {
        (Some(named), all) if all.contains(&named) => Ok(named),
        (Some(named), _) => bail!("there is no network {named} in that database"),
        (None, [only]) => Ok(*only),
        (None, []) => bail!("there is no network in that database: {product} has never run on it"),
        (None, several) => {
            let ids: Vec<_> = several.iter().map(Uuid::to_string).collect();
            bail!("there are several networks in that database; name one with --network: {}", ids.join(", "))
        }
    }
}

/// Brings the target's schema up to date where that is usual, and judges it.
async fn prepare(database: &Database, loaded: &Loaded) -> anyhow::Result<()> {
    if wiring::migrates_by_default(&loaded.config) {
        database.migrate_up().await?;
    }
    Ok(database.check_schema().await?)
}

/// Prints what became of every row of `tables`; each failure is told.
///
/// # Errors
/// When rows could not be copied.
#[expect(clippy::print_stderr, reason = "what went wrong is no result")]
fn settle<T: std::marker::Copy + Ord>(
    format: Format,
    tables: &[T],
    name: fn(T) -> &'static str,
    tally: &Tally<T>,
) -> anyhow::Result<()> {
    let rows: Vec<Value> = tables.iter().map(|table| account(*table, name, tally)).collect();
    let mut printer = Printer::new(format, COLUMNS, None);
    if printer.rows(&rows)?.is_continue() {
        printer.end()?;
    }
    if format == Format::Table {
        for (table, why, count) in tally.skipped() {
            say(&format!("skipped {count} of {}: {why}", name(table)))?;
        }
    }
    for (what, count) in tally.remarks() {
        eprintln!("{count} {what}");
    }
    for failed in tally.failures() {
        eprintln!("{} {}: {}", name(failed.table), failed.id, failed.reason);
    }
    match tally.all_failed() {
        0 => Ok(()),
        failed => bail!("{failed} rows could not be copied"),
    }
}

fn account<T: std::marker::Copy + Ord>(table: T, name: fn(T) -> &'static str, tally: &Tally<T>) -> Value {
    let count = tally.count(table);
    let reasons: BTreeMap<_, _> =
        tally.skipped().filter(|(of, ..)| *of == table).map(|(_, why, count)| (why, count)).collect();
    json!({
        "table": name(table), "source": count.source, "copied": count.copied, "skipped": count.skipped,
        "failed": count.failed, "reasons": reasons,
    })
}
