//! What is brought in from another system besides identities.

use async_trait::async_trait;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_courier::message::{Dispatch, Message};

use crate::session::Session;

/// A session that began elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedSession {
    /// The session.
    pub session: Session,
    /// Keyed hash of its token.
    pub token: TokenHash,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last changed there.
    pub updated_at: Timestamp,
}

/// A message that was delivered or given up elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedMessage {
    /// The message. It is over: nobody delivers it here.
    pub message: Message,
    /// When it is removed.
    pub expires_at: Timestamp,
    /// The attempts to deliver it.
    pub dispatches: Vec<Dispatch>,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// It is stored, or newer than what was stored before.
    Stored,
    /// It was there already.
    Known,
    /// Whom it belongs to is not there.
    Orphan,
}

/// Rows of another system. Each method is one transaction and answers in the order of the rows.
#[async_trait]
pub trait ImportStore: Send + Sync {
    /// Inserts sessions, and replaces those that are known, still active and older. One that was revoked here stays so.
    async fn sessions_import(
        &self,
        project: ProjectId,
        sessions: &[ImportedSession],
    ) -> Result<Vec<Imported>, StoreError>;

    /// Inserts messages with their dispatches. One that is known stays as it is.
    async fn messages_import(
        &self,
        project: ProjectId,
        messages: &[ImportedMessage],
    ) -> Result<Vec<Imported>, StoreError>;
}
