//! `orrery migrate`.

use anyhow::bail;
use orrery_persistence::{Database, MigrationState};

use super::{say, source};
use crate::cli::{MigrateAction, Source};
use crate::wiring;

pub(super) async fn migrate(action: MigrateAction) -> anyhow::Result<()> {
    match action {
        MigrateAction::Up { source } => {
            let applied = database(&source)?.migrate_up().await?;
            report("applied", &applied, "the schema is up to date already")
        }
        MigrateAction::Down { yes: false, .. } => {
            bail!("taking back a migration loses the data in what it made; say so with --yes")
        }
        MigrateAction::Down { source, steps, yes: true } => {
            let reverted = database(&source)?.migrate_down(steps).await?;
            report("reverted", &reverted, "there is nothing to take back")
        }
        MigrateAction::Status { source } => {
            let status = database(&source)?.migration_status().await?;
            for migration in status {
                let state = match migration.state {
                    MigrationState::Applied => "applied",
                    MigrationState::Pending => "pending",
                    MigrationState::Unknown => "unknown",
                };
                say(&format!("{state:<8} {}", migration.name))?;
            }
            Ok(())
        }
    }
}

/// The database, for a program that reads no sessions.
fn database(source: &Source) -> anyhow::Result<Database> {
    let mut config = source::load(source)?.config;
    config.database.without_caches();
    wiring::database(&config)
}

fn report(done: &str, names: &[String], nothing: &str) -> anyhow::Result<()> {
    if names.is_empty() {
        return say(nothing);
    }
    names.iter().try_for_each(|name| say(&format!("{done} {name}")))
}
