//! Grants of another system.

use async_trait::async_trait;
use orrery_core::id::GrantId;
use orrery_core::{ProjectId, StoreError};
use uuid::Uuid;

use crate::grant::Grant;
use crate::token::StoredToken;

/// A grant that was given elsewhere. Its id follows from what it was there, so that it is known again.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedGrant {
    /// The grant. Whose account it is, storage finds out: the identity of that id, if there is one.
    pub grant: Grant,
    /// Its refresh token.
    pub refresh: Option<StoredToken>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantImported {
    /// It is stored.
    Stored,
    /// It was there already.
    Known,
    /// Its client is not there.
    Orphan,
}

/// Grants of another system.
#[async_trait]
pub trait GrantImportStore: Send + Sync {
    /// Inserts grants with their refresh tokens, in one transaction, and answers in their order. One that is known stays as
    /// it is. `network` is the tenant that they come of.
    async fn grants_import(
        &self,
        project: ProjectId,
        network: Uuid,
        grants: &[ImportedGrant],
    ) -> Result<Vec<GrantImported>, StoreError>;

    /// Revokes those of these grants that came of the tenant there and of which nothing was used here: what is used in this
    /// moment stays. Says how many.
    async fn grants_take_back(&self, project: ProjectId, network: Uuid, grants: &[GrantId]) -> Result<u64, StoreError>;

    /// The next grants of a tenant there of which nothing was used here yet, in the order of their ids.
    async fn grants_imported(
        &self,
        project: ProjectId,
        network: Uuid,
        after: Option<GrantId>,
        limit: u32,
    ) -> Result<Vec<GrantId>, StoreError>;
}
