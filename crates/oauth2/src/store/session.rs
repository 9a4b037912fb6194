//! Login sessions.

use async_trait::async_trait;
use orrery_core::event::NewEvent;
use orrery_core::id::LoginSessionId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};

use crate::client::{Client, ClientId};
use crate::session::LoginSession;

/// A login session that ends, and whom that concerns.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionEnded {
    /// The session.
    pub session: LoginSession,
    /// The clients that got tokens through it, by id.
    pub clients: Vec<SessionClient>,
}

/// A client that got tokens through a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionClient {
    /// Who.
    pub client: Client,
    /// The person as it knows them: `sub` of the tokens that it got last.
    pub subject: String,
}

/// What became of a session that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// It has ended.
    Done,
    /// It had ended before.
    Gone,
    /// It goes on: a client has got tokens through it that nobody told of its end. Read them again.
    MoreClients,
}

/// Login sessions. One ends with the identity's session behind it, whoever ends that: storage sees to it in the same
/// transaction. Until its clients are told, the row stays and counts for nothing else. Signing in writes them with the authorization that it belongs to; see
/// [`AuthorizationStore`](super::AuthorizationStore).
#[async_trait]
pub trait LoginSessionStore: Send + Sync {
    /// The session that a browser is remembered by, under any of the hashes that its cookie may have.
    async fn login_session_by_token(
        &self,
        project: ProjectId,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError>;

    /// One session, remembered or not, unless it has ended or its identity's session has.
    async fn login_session_by_id(
        &self,
        project: ProjectId,
        id: LoginSessionId,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError>;

    /// One session, also one that counts no longer, and the clients that have tokens of it.
    async fn login_session_with_clients(
        &self,
        project: ProjectId,
        id: LoginSessionId,
    ) -> Result<Option<SessionEnded>, StoreError>;

    /// Removes a session, ends the identity's session behind it, and stores the events by which `told`, its clients, hear of
    /// that. Of several that ask at once, one ends it. A grant that is written at the same moment either names a client
    /// that has to be told, or is refused because the session has ended.
    async fn login_session_end(
        &self,
        project: ProjectId,
        id: LoginSessionId,
        told: &[ClientId],
        events: &[NewEvent],
    ) -> Result<SessionEnd, StoreError>;

    /// Ends every session of a subject, with the identity's sessions behind them. Their clients are still to be told.
    async fn login_sessions_end(&self, project: ProjectId, subject: &str) -> Result<(), StoreError>;

    /// Sessions of all projects that have ended before their time and whose clients are still to be told.
    async fn login_sessions_ended(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ProjectId, LoginSessionId)>, StoreError>;
}
