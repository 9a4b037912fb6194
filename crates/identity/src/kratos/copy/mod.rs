//! Walking the tables, page by page: identities with what belongs to them, then sessions, then messages.

mod history;
mod identities;

use std::collections::BTreeMap;
use std::time::Duration;

use orrery_core::{Entropy, Keyring, ProjectId, StoreError, Timestamp};
use uuid::Uuid;

use super::ciphers::ProviderCiphers;
use super::row::Row;
use super::tally::Tally;
use super::{KratosSource, SourceError, Table};
use crate::schema::Schemas;
use crate::store::{IdentityStore, ImportStore};

/// Rows of one page.
const PAGE: u32 = 250;

/// Why most rows of a second copy are passed over.
const BEFORE: &str = "copied before and not changed since";

/// From where to where.
pub struct Copying<'a> {
    /// What is read.
    pub source: &'a dyn KratosSource,
    /// The tenant there.
    pub network: Uuid,
    /// The tenant here.
    pub project: ProjectId,
    /// Where identities go.
    pub identities: &'a dyn IdentityStore,
    /// Where sessions and messages go.
    pub imports: &'a dyn ImportStore,
    /// Which schemas there are here.
    pub schemas: &'a Schemas,
    /// What seals secrets here.
    pub keyring: &'a Keyring,
    /// What opens the tokens of providers there; none when nobody knows.
    pub ciphers: Option<&'a ProviderCiphers>,
    /// Randomness, for sealing.
    pub entropy: &'a dyn Entropy,
    /// The present moment.
    pub now: Timestamp,
    /// How long messages are kept here.
    pub retention: Duration,
}

/// Why a copy stopped. What was copied until then stays; the next one goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The target failed.
    #[error("the target database failed")]
    Store(#[from] StoreError),
}

/// Copies everything that is not here yet, or newer there. `tell` hears how far it has come after every page.
///
/// # Errors
/// When one of the databases cannot be used.
pub async fn copy(copying: &Copying<'_>, mut tell: impl FnMut(Table, &Tally)) -> Result<Tally, CopyError> {
    let mut tally = Tally::default();
    let types: BTreeMap<Uuid, String> = copying.source.credential_types().await?.into_iter().collect();
    let mut after = None;
    while let Some(page) = copying.next(Table::Identities, &mut after).await? {
        copying.identities(page, &types, &mut tally).await?;
        tell(Table::Identities, &tally);
    }
    after = None;
    while let Some(page) = copying.next(Table::Sessions, &mut after).await? {
        copying.sessions(page, &mut tally).await?;
        tell(Table::Sessions, &tally);
    }
    after = None;
    while let Some(page) = copying.next(Table::Messages, &mut after).await? {
        copying.messages(page, &mut tally).await?;
        tell(Table::Messages, &tally);
    }
    Ok(tally)
}

impl Copying<'_> {
    /// The next page of a table; none after the last.
    async fn next(&self, table: Table, after: &mut Option<Uuid>) -> Result<Option<Vec<Row>>, SourceError> {
        let page = self.source.page(table, self.network, *after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        // Without an id nothing could be asked for behind it.
        *after = Some(last.needed_id("id").map_err(|why| SourceError(format!("{}: {why}", table.name())))?);
        Ok(Some(page))
    }

    async fn dependents(
        &self,
        table: Table,
        owner: &'static str,
        owners: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<Row>>, CopyError> {
        let mut by_owner: BTreeMap<Uuid, Vec<Row>> = BTreeMap::new();
        for row in self.source.belonging(table, self.network, owner, owners).await? {
            if let Ok(owner) = row.needed_id(owner) {
                by_owner.entry(owner).or_default().push(row);
            }
        }
        Ok(by_owner)
    }
}

fn ids<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Uuid> {
    rows.into_iter().filter_map(|row| row.needed_id("id").ok()).collect()
}
