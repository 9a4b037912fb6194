//! `orrery import hydra`.

use std::collections::BTreeMap;

use anyhow::Context as _;
use orrery_core::moving::Source as _;
use orrery_core::{Clock as _, ProjectId, SystemClock};
use orrery_identity::credentials::password::PasswordHash;
use orrery_oauth2::hydra::{self, Copying, SystemSecrets, Table};
use orrery_persistence::Product;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Begun, STOPPED, begin, prepare, settle};
use crate::cli::ImportHydra;
use crate::commands::progress::Progress;
use crate::config::value::Secret;
use crate::config::{self, Loaded};
use crate::wiring::OAuth2ImportParts;

pub(super) async fn copy(arguments: ImportHydra) -> anyhow::Result<()> {
    let Begun { loaded, from, network } = begin(arguments.from, Product::Hydra, &arguments.copy).await?;
    let theirs = arguments.copy.source.hydra_config.as_deref().map(config::system_secrets).transpose()?;
    let theirs = theirs.unwrap_or_default();
    let ours = || loaded.config.secrets.default.iter().map(Secret::as_secret);
    let secrets = SystemSecrets::new(theirs.iter().chain(ours()));
    let parts = OAuth2ImportParts::new(&loaded)?;
    prepare(&parts.database, &loaded).await?;

    let mut rows = BTreeMap::new();
    for table in Table::ALL {
        rows.insert(table, from.count(table.source(), network).await?);
    }
    let database = &parts.database;
    let (clients, trusted_issuers) = (database.clients(), database.trusted_issuers());
    let imports = database.grant_imports();
    let copying = Copying {
        source: &from,
        network,
        secrets: &secrets,
        project: ProjectId::DEFAULT,
        clients: &*clients,
        keys: &parts.keys,
        trusted_issuers: &*trusted_issuers,
        imports: &*imports,
        keyring: &parts.keyring,
        accepts: &|hash| hash.parse::<PasswordHash>().is_ok(),
        lifetime: loaded.config.oauth2.ttl.refresh_token.0.map(|lifetime| lifetime.0),
        now: SystemClock.now(),
    };
    let mut progress = Progress::new("read");
    let tally = hydra::copy(&copying, |table, tally| {
        progress.tell(|| format!("{} of {} {}", tally.count(table).source, rows[&table], table.name()));
    })
    .await
    .context(STOPPED)?;
    remind(&theirs, &loaded, tally.count(Table::RefreshTokens).copied > 0);
    settle(arguments.copy.format, &Table::ALL, Table::name, &tally)
}

/// A refresh token of Hydra shows by its signature that Hydra made it: the server has to be able to check that.
#[expect(clippy::print_stderr, reason = "what else has to be done is no result")]
fn remind(theirs: &[SecretString], loaded: &Loaded, has_tokens: bool) {
    let knows = |secret: &SecretString| {
        loaded.config.secrets.default.iter().any(|ours| ours.expose() == secret.expose_secret())
    };
    if theirs.is_empty() && has_tokens {
        eprintln!(
            "Hydra's secrets.system was not given (--hydra-config): unless it is in `secrets.default`, its refresh tokens \
             are refused"
        );
    }
    if !theirs.iter().all(knows) {
        eprintln!(
            "Hydra's secrets.system is not in `secrets.default`: put it at the end of that list, or its refresh tokens \
             are refused"
        );
    }
}
