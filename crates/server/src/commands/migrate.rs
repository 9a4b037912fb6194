//! `orrery migrate`.

use anyhow::bail;
use orrery_persistence::MigrationState;

use super::{say, source};
use crate::cli::MigrateAction;
use crate::wiring;

pub(super) async fn migrate(action: MigrateAction) -> anyhow::Result<()> {
    match action {
        MigrateAction::Up { source } => {
            let applied = wiring::database(&source::load(&source)?.config)?.migrate_up().await?;
            report("applied", &applied, "the schema is up to date already")
        }
        MigrateAction::Down { yes: false, .. } => {
            bail!("taking back a migration loses the data in what it made; say so with --yes")
        }
        MigrateAction::Down { source, steps, yes: true } => {
            let reverted = wiring::database(&source::load(&source)?.config)?.migrate_down(steps).await?;
            report("reverted", &reverted, "there is nothing to take back")
        }
        MigrateAction::Status { source } => {
            let status = wiring::database(&source::load(&source)?.config)?.migration_status().await?;
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

fn report(done: &str, names: &[String], nothing: &str) -> anyhow::Result<()> {
    if names.is_empty() {
        return say(nothing);
    }
    names.iter().try_for_each(|name| say(&format!("{done} {name}")))
}
