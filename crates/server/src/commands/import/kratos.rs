//! `orrery import kratos`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use orrery_core::moving::Source as _;
use orrery_core::{Clock as _, ProjectId, SystemClock, SystemEntropy};
use orrery_identity::kratos::{self, Copying, Table};
use orrery_persistence::Product;

use super::{Begun, STOPPED, begin, prepare, settle};
use crate::cli::ImportKratos;
use crate::commands::progress::Progress;
use crate::config;
use crate::wiring::ImportParts;

pub(super) async fn copy(arguments: ImportKratos) -> anyhow::Result<()> {
    let Begun { loaded, from, network } = begin(arguments.from, Product::Kratos, &arguments.copy).await?;
    let ciphers = arguments.copy.source.kratos_config.as_deref().map(config::provider_ciphers).transpose()?;
    let parts = ImportParts::new(&loaded).await?;
    prepare(&parts.database, &loaded).await?;

    let mut rows = BTreeMap::new();
    for table in Table::ALL {
        rows.insert(table, from.count(table.source(), network).await?);
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
    let tally = kratos::copy(&copying, |table, tally| {
        progress.tell(|| format!("{} of {} {}", tally.count(table).source, rows[&table], table.name()));
    })
    .await
    .context(STOPPED)?;
    settle(arguments.copy.format, &Table::ALL, Table::name, &tally)
}
