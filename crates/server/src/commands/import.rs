//! `orrery import kratos`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use orrery_core::{Clock as _, ProjectId, SystemClock, SystemEntropy};
use orrery_identity::kratos::{Copying, KratosSource as _, Table, Tally, copy};
use orrery_persistence::{DatabaseConfig, KratosDatabase};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Column, Printer, text};
use super::progress::Progress;
use super::{say, source};
use crate::cli::{Format, Import, ImportFrom, ImportKratos};
use crate::config::{self, Loaded};
use crate::wiring::{self, ImportParts};

const COLUMNS: &[Column] = &[
    Column { title: "TABLE", cell: |row| text(row, "/table") },
    Column { title: "SOURCE", cell: |row| text(row, "/source") },
    Column { title: "COPIED", cell: |row| text(row, "/copied") },
    Column { title: "SKIPPED", cell: |row| text(row, "/skipped") },
    Column { title: "FAILED", cell: |row| text(row, "/failed") },
];

pub(super) async fn import(arguments: Import) -> anyhow::Result<()> {
    match arguments.from {
        ImportFrom::Kratos(arguments) => kratos(arguments).await,
    }
}

async fn kratos(arguments: ImportKratos) -> anyhow::Result<()> {
    let loaded = source::load(&arguments.source)?;
    let target = loaded.config.database.url.as_ref().map(|url| url.expose());
    if target == Some(arguments.from.expose_secret()) {
        bail!("--from and `database.url` name the same database; give Orrery one of its own with --config");
    }
    let ciphers = arguments.source.kratos_config.as_deref().map(config::provider_ciphers).transpose()?;
    let from = KratosDatabase::connect(&DatabaseConfig::new(arguments.from)).context("--from")?;
    let network = network(&from, arguments.network).await?;
    let parts = prepare(&loaded).await?;

    let mut rows = BTreeMap::new();
    for table in Table::ALL {
        rows.insert(table, from.count(table, network).await?);
    }
    let (identities, imports) = (parts.database.identities(), parts.database.imports());
    let copying = Copying {
        source: &from,
        network,
        project: ProjectId::DEFAULT,
        identities: &*identities,
        imports: &*imports,
        schemas: &parts.schemas,
        keyring: &parts.keyring,
        ciphers: ciphers.as_ref(),
        entropy: &SystemEntropy::default(),
        now: SystemClock.now(),
        retention: parts.retention,
    };
    let mut progress = Progress::new("read");
    let tally = copy(&copying, |table, tally| {
        progress.tell(|| format!("{} of {} {}", tally.count(table).source, rows[&table], table.name()));
    })
    .await
    .context("the copy stopped; run it again, and it goes on from there")?;
    print(arguments.format, &tally)?;
    match tally.all_failed() {
        0 => Ok(()),
        failed => bail!("{failed} rows could not be copied"),
    }
}

/// The one network of a self-hosted Kratos, or the one that was named.
async fn network(from: &KratosDatabase, named: Option<Uuid>) -> anyhow::Result<Uuid> {
    let networks = from.networks().await?;
    match (named, networks.as_slice()) {
        (Some(named), all) if all.contains(&named) => Ok(named),
        (Some(named), _) => bail!("there is no network {named} in that database"),
        (None, [only]) => Ok(*only),
        (None, []) => bail!("there is no network in that database: Kratos has never run on it"),
        (None, several) => {
            let ids: Vec<_> = several.iter().map(Uuid::to_string).collect();
            bail!("there are several networks in that database; name one with --network: {}", ids.join(", "))
        }
    }
}

async fn prepare(loaded: &Loaded) -> anyhow::Result<ImportParts> {
    let parts = ImportParts::new(loaded).await?;
    if wiring::migrates_by_default(&loaded.config) {
        parts.database.migrate_up().await?;
    }
    parts.database.check_schema().await?;
    Ok(parts)
}

#[expect(clippy::print_stderr, reason = "what went wrong is no result")]
fn print(format: Format, tally: &Tally) -> anyhow::Result<()> {
    let rows: Vec<Value> = Table::ALL.into_iter().map(|table| account(table, tally)).collect();
    let mut printer = Printer::new(format, COLUMNS, None);
    if printer.rows(&rows)?.is_continue() {
        printer.end()?;
    }
    if format == Format::Table {
        for (table, why, count) in tally.skipped() {
            say(&format!("skipped {count} of {}: {why}", table.name()))?;
        }
    }
    for (what, count) in tally.remarks() {
        eprintln!("{count} {what}");
    }
    for failed in tally.failures() {
        eprintln!("{} {}: {}", failed.table.name(), failed.id, failed.reason);
    }
    Ok(())
}

fn account(table: Table, tally: &Tally) -> Value {
    let count = tally.count(table);
    let reasons: BTreeMap<_, _> =
        tally.skipped().filter(|(of, ..)| *of == table).map(|(_, why, count)| (why, count)).collect();
    json!({
        "table": table.name(), "source": count.source, "copied": count.copied, "skipped": count.skipped,
        "failed": count.failed, "reasons": reasons,
    })
}
