//! Clients.

use std::sync::Arc;

use async_trait::async_trait;
use orrery_core::{Page, PageRequest, ProjectId, StoreError};

use crate::client::{ClientId, ClientRecord};

/// Which clients a list shows: all that match every set field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientFilter {
    /// `client_name`, exactly.
    pub name: Option<String>,
    /// `owner`, exactly.
    pub owner: Option<String>,
}

/// What happened to a guarded update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// Stored.
    Done,
    /// Somebody else stored a change in the meantime: read again and decide again.
    Stale,
    /// There is no such row.
    Unknown,
}

/// Clients.
#[async_trait]
pub trait ClientStore: Send + Sync {
    /// Inserts a client. `Conflict::Client` when the id is taken.
    async fn client_create(&self, project: ProjectId, client: &ClientRecord) -> Result<(), StoreError>;

    /// One client.
    async fn client_by_id(&self, project: ProjectId, id: &ClientId) -> Result<Option<Arc<ClientRecord>>, StoreError>;

    /// A page of clients in ascending id order. The keyset key is the last id.
    async fn client_list(
        &self,
        project: ProjectId,
        filter: &ClientFilter,
        page: &PageRequest,
    ) -> Result<Page<ClientRecord>, StoreError>;

    /// Replaces the client if its stored version is still `client.version`; the stored version becomes one more.
    async fn client_update(&self, project: ProjectId, client: &ClientRecord) -> Result<Updated, StoreError>;

    /// Deletes the client with every token, code, grant and flow of it, if its stored version is still `version`, where one
    /// is given.
    async fn client_delete(
        &self,
        project: ProjectId,
        id: &ClientId,
        version: Option<i64>,
    ) -> Result<Updated, StoreError>;
}
