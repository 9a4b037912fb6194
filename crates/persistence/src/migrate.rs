//! Migrations: which are applied, which are missing, and applying them.

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::foreign::Product;

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The version: the digits that its folder's name begins with.
    pub version: String,
    /// The folder's name; the version alone when this program does not know the migration.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// Known and applied.
    Applied,
    /// Known but not applied.
    Pending,
    /// Applied but not known: a newer program was here.
    Unknown,
}

/// The database's schema is not the one that this program was built for.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Migrations have to be applied first.
    #[error("the database lacks the migrations {}; run `orrery migrate up`", .0.join(", "))]
    Outdated(Vec<String>),
    /// The database was migrated by a newer program.
    #[error("the database has migrations that this program does not know: {}; run the newer program", .0.join(", "))]
    Unknown(Vec<String>),
    /// The database belongs to another system.
    #[error(
        "this is the database of a {0}, which Orrery never changes: give Orrery a database of its own in \
         `database.url`, and copy with `orrery import {command} --from …`",
        command = .0.to_string().to_lowercase()
    )]
    Foreign(Product),
    /// A migration failed. The database is as it was before that migration.
    #[error("the migration failed: {0}")]
    Failed(String),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] orrery_core::StoreError),
}

/// Finds fault with a schema that is not exactly the known one.
pub(crate) fn check(status: &[MigrationStatus]) -> Result<(), SchemaError> {
    let names = |state| status.iter().filter(|one| one.state == state).map(|one| one.name.clone()).collect::<Vec<_>>();
    let unknown = names(MigrationState::Unknown);
    if !unknown.is_empty() {
        return Err(SchemaError::Unknown(unknown));
    }
    let pending = names(MigrationState::Pending);
    if !pending.is_empty() {
        return Err(SchemaError::Outdated(pending));
    }
    Ok(())
}

/// What diesel's migrations fail with.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// What the database has and lacks, in order of version.
pub(crate) fn status<C, DB>(connection: &mut C, known: &EmbeddedMigrations) -> Result<Vec<MigrationStatus>, Fault>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    let applied = connection.applied_migrations()?;
    let migrations: Vec<Box<dyn Migration<DB>>> = known.migrations()?;
    let mut all: Vec<_> = migrations
        .iter()
        .map(|migration| MigrationStatus {
            version: migration.name().version().to_string(),
            name: migration.name().to_string(),
            state: if applied.contains(&migration.name().version()) {
                MigrationState::Applied
            } else {
                MigrationState::Pending
            },
        })
        .collect();
    let is_known = |version: &MigrationVersion<'_>| migrations.iter().any(|one| one.name().version() == *version);
    all.extend(applied.iter().filter(|version| !is_known(version)).map(|version| MigrationStatus {
        version: version.to_string(),
        name: version.to_string(),
        state: MigrationState::Unknown,
    }));
    all.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(all)
}

/// Applies what is missing and says what that was.
pub(crate) fn up<C, DB>(connection: &mut C, known: EmbeddedMigrations) -> Result<Vec<String>, Fault>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    Ok(connection.run_pending_migrations(known)?.iter().map(ToString::to_string).collect())
}

/// Takes back the newest `count` migrations, newest first, and says what they were.
pub(crate) fn down<C, DB>(
    connection: &mut C,
    known: impl Fn() -> EmbeddedMigrations,
    count: usize,
) -> Result<Vec<String>, Fault>
where
    DB: Backend,
    C: MigrationHarness<DB>,
{
    let applied = connection.applied_migrations()?.len();
    (0..count.min(applied)).map(|_| Ok(connection.revert_last_migration(known())?.to_string())).collect()
}
