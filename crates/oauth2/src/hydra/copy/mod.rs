//! Walking the tables, page by page: clients first, because everything else belongs to one.

mod grants;
mod registered;

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::id::GrantId;
pub use orrery_core::moving::CopyError;
use orrery_core::moving::{BEFORE, PAGE, Pages, Row, Source, SourceError, SourceKey, Tally};
use orrery_core::{Keyring, ProjectId, Timestamp};
use orrery_keys::KeyManager;
use uuid::Uuid;

use super::Table;
use super::secrets::SystemSecrets;
use crate::store::{ClientStore, GrantImportStore, TrustedIssuerStore};

/// From where to where.
pub struct Copying<'a> {
    /// What is read.
    pub source: &'a dyn Source,
    /// The tenant there.
    pub network: Uuid,
    /// What opens its columns.
    pub secrets: &'a SystemSecrets,
    /// The tenant here.
    pub project: ProjectId,
    /// Where clients go.
    pub clients: &'a dyn ClientStore,
    /// Where keys go.
    pub keys: &'a KeyManager,
    /// Where trusted issuers go.
    pub trusted_issuers: &'a dyn TrustedIssuerStore,
    /// Where grants go.
    pub imports: &'a dyn GrantImportStore,
    /// What hashes tokens here.
    pub keyring: &'a Keyring,
    /// Whether a text is a hash of a secret that can be checked here.
    pub accepts: &'a (dyn Fn(&str) -> bool + Sync),
    /// How long a refresh token lives whose row does not say it; none for ever.
    pub lifetime: Option<Duration>,
    /// The present moment.
    pub now: Timestamp,
}

/// Copies everything that is not here yet, or newer there, and takes back what was copied and is gone there. `tell` hears
/// how far it has come after every page.
///
/// # Errors
/// When one of the databases cannot be used.
pub async fn copy(
    copying: &Copying<'_>,
    mut tell: impl FnMut(Table, &Tally<Table>),
) -> Result<Tally<Table>, CopyError> {
    let mut tally = Tally::default();
    // Grants that are there, so that others can be taken back.
    let mut there = BTreeSet::new();
    for table in Table::ALL {
        let mut pages = Pages::new(copying.source, table.source(), copying.network);
        while let Some(page) = pages.next().await? {
            match table {
                Table::Clients => copying.clients(page, &mut tally).await?,
                Table::Keys => copying.keys(page, &mut tally).await?,
                Table::TrustedIssuers => copying.trusted_issuers(page, &mut tally).await?,
                Table::Flows => copying.consents(page, &mut there, &mut tally).await?,
                Table::RefreshTokens => copying.refresh_tokens(page, &mut there, &mut tally).await?,
            }
            tell(table, &tally);
        }
    }
    copying.take_back(&there, &mut tally).await?;
    Ok(tally)
}

impl Copying<'_> {
    /// Rows of a table whose column holds one of these.
    async fn belonging(&self, table: Table, column: &'static str, owners: &[String]) -> Result<Vec<Row>, SourceError> {
        self.source.belonging(table.source(), self.network, SourceKey::Text(column), owners).await
    }
}

/// What a page of rows is known by, where it is known.
fn names(rows: &[Row], column: &str) -> Vec<String> {
    let names: BTreeSet<&str> = rows.iter().filter_map(|row| row.text(column)).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// Grants that are there.
type There = BTreeSet<GrantId>;
