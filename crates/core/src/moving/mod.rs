//! Moving in from another system: what every importer shares.
//!
//! Tables of the other system are read as JSON, by the names that its catalogue has, so that every age of its schema can be
//! read, and every row is accounted for.

mod row;
mod sealed;
mod tally;

use async_trait::async_trait;
use uuid::Uuid;

use crate::StoreError;

pub use row::{Row, Unreadable};
pub use sealed::open_aes_gcm;
pub use tally::{Count, Failed, Tally};

/// The source cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the database to copy from cannot be read: {0}")]
pub struct SourceError(pub String);

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

/// Why most rows of a second copy are passed over.
pub const BEFORE: &str = "copied before and not changed since";

/// Rows of one page.
pub const PAGE: u32 = 250;

/// A table of the source, page by page.
pub struct Pages<'a> {
    source: &'a dyn Source,
    table: SourceTable,
    network: Uuid,
    after: Option<String>,
}

impl<'a> Pages<'a> {
    /// From the first page on.
    #[must_use]
    pub fn new(source: &'a dyn Source, table: SourceTable, network: Uuid) -> Self {
        Self { source, table, network, after: None }
    }

    /// The next page; none after the last.
    ///
    /// # Errors
    /// When the source cannot be read, or a row has no key: nobody could tell which rows are behind it.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>, SourceError> {
        let page = self.source.page(self.table, self.network, self.after.take(), PAGE).await?;
        if page.rows.is_empty() {
            return Ok(None);
        }
        let keyless = || SourceError(format!("the table {} has a row without a key", self.table.name));
        self.after = Some(page.last.ok_or_else(keyless)?);
        Ok(Some(page.rows))
    }
}

/// A table of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceTable {
    /// Its name.
    pub name: &'static str,
    /// What orders it.
    pub key: SourceKey,
}

/// What tells rows of a table apart, so that they can be read page by page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKey {
    /// A column that holds UUIDs.
    Id(&'static str),
    /// A column, or an expression, that is text on every database.
    Text(&'static str),
}

/// Rows, and behind which key the next ones are.
#[derive(Debug, Clone, PartialEq)]
pub struct SourcePage {
    /// In the order of their keys.
    pub rows: Vec<Row>,
    /// The key of the last one; none when there is no row.
    pub last: Option<String>,
}

/// A database to copy from, which may be in use. Nothing in it is ever changed.
#[async_trait]
pub trait Source: Send + Sync {
    /// The networks (tenants) in it.
    async fn networks(&self) -> Result<Vec<Uuid>, SourceError>;

    /// Every row of a table that knows no networks.
    async fn all(&self, table: &'static str) -> Result<Vec<Row>, SourceError>;

    /// How many rows of the network a table has; none when the installation is older than the table.
    async fn count(&self, table: SourceTable, network: Uuid) -> Result<u64, SourceError>;

    /// The next rows of a network behind a key.
    async fn page(
        &self,
        table: SourceTable,
        network: Uuid,
        after: Option<String>,
        limit: u32,
    ) -> Result<SourcePage, SourceError>;

    /// Every row of a network whose column `owner` holds one of these.
    async fn belonging(
        &self,
        table: SourceTable,
        network: Uuid,
        owner: SourceKey,
        owners: &[String],
    ) -> Result<Vec<Row>, SourceError>;
}
