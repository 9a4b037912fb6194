//! Grants: what people consented to.

use async_trait::async_trait;
use orrery_core::id::{GrantId, LoginSessionId};
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};

use crate::client::{Client, ClientId};
use crate::grant::Grant;

/// A grant beside the client that it was given to.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantWithClient {
    /// The grant.
    pub grant: Grant,
    /// The client as it is registered now.
    pub client: Client,
}

/// Grants. Consenting writes them; see [`AuthorizationStore`](super::AuthorizationStore).
#[async_trait]
pub trait GrantStore: Send + Sync {
    /// The newest grant of a person to a client that is to be remembered still. Those that nobody was asked for do not count.
    async fn grant_remembered(
        &self,
        project: ProjectId,
        subject: &str,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError>;

    /// One grant, unless it is gone or the identity behind it is not active any more.
    async fn grant_by_id(&self, project: ProjectId, id: GrantId) -> Result<Option<Grant>, StoreError>;

    /// The newest grant of a person to a client, as long as its row is kept: what the client knows the person by.
    async fn grant_newest(
        &self,
        project: ProjectId,
        subject: &str,
        client: &ClientId,
    ) -> Result<Option<Grant>, StoreError>;

    /// The newest grant to a client in a session.
    async fn grant_of_session(
        &self,
        project: ProjectId,
        client: &ClientId,
        session: LoginSessionId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError>;

    /// A page of what somebody was asked for and granted, in ascending order of ids: not what is remembered no longer. The
    /// keyset key is the last id.
    async fn grant_list(
        &self,
        project: ProjectId,
        subject: &str,
        session: Option<LoginSessionId>,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<GrantWithClient>, StoreError>;

    /// Takes one grant back, with its codes and tokens. False when there was none.
    async fn grant_revoke(&self, project: ProjectId, id: GrantId) -> Result<bool, StoreError>;

    /// Takes back what a person granted, to one client or to all, with codes and tokens. Says how many.
    async fn grants_revoke(
        &self,
        project: ProjectId,
        subject: &str,
        client: Option<&ClientId>,
    ) -> Result<u64, StoreError>;
}
