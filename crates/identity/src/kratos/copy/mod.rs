//! Walking the tables, page by page: identities with what belongs to them, then sessions, then messages.

mod history;
mod identities;

use std::collections::BTreeMap;
use std::time::Duration;

pub use orrery_core::moving::CopyError;
use orrery_core::moving::{BEFORE, PAGE, Pages, Row, Source, SourceKey, Tally};
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use uuid::Uuid;

use super::Table;
use super::ciphers::ProviderCiphers;
use crate::schema::Schemas;
use crate::store::{IdentityStore, ImportStore};

/// From where to where.
pub struct Copying<'a> {
    /// What is read.
    pub source: &'a dyn Source,
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

/// Copies everything that is not here yet, or newer there. `tell` hears how far it has come after every page.
///
/// # Errors
/// When one of the databases cannot be used.
pub async fn copy(
    copying: &Copying<'_>,
    mut tell: impl FnMut(Table, &Tally<Table>),
) -> Result<Tally<Table>, CopyError> {
    let mut tally = Tally::default();
    let types = copying.source.all("identity_credential_types").await?;
    let named = |row: &Row| Some((row.needed_id("id").ok()?, row.text("name")?.to_owned()));
    let types: BTreeMap<Uuid, String> = types.iter().filter_map(named).collect();
    let pages = |table: Table| Pages::new(copying.source, table.source(), copying.network);
    let mut identities = pages(Table::Identities);
    while let Some(page) = identities.next().await? {
        copying.identities(page, &types, &mut tally).await?;
        tell(Table::Identities, &tally);
    }
    let mut sessions = pages(Table::Sessions);
    while let Some(page) = sessions.next().await? {
        copying.sessions(page, &mut tally).await?;
        tell(Table::Sessions, &tally);
    }
    let mut messages = pages(Table::Messages);
    while let Some(page) = messages.next().await? {
        copying.messages(page, &mut tally).await?;
        tell(Table::Messages, &tally);
    }
    Ok(tally)
}

impl Copying<'_> {
    async fn dependents(
        &self,
        table: Table,
        owner: &'static str,
        owners: &[Uuid],
    ) -> Result<BTreeMap<Uuid, Vec<Row>>, CopyError> {
        let mut by_owner: BTreeMap<Uuid, Vec<Row>> = BTreeMap::new();
        let ids: Vec<String> = owners.iter().map(Uuid::to_string).collect();
        let mut rows = self.source.belonging(table.source(), self.network, SourceKey::Id(owner), &ids).await?;
        // The order in which people see them.
        rows.sort_by_key(|row| row.moment("created_at").unwrap_or_default());
        for row in rows {
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
