//! What the courier needs from storage. All policy (when to try again, when to give up) stays outside.

use std::fmt;

use async_trait::async_trait;
use orrery_core::id::MessageId;
use orrery_core::{Entropy, EntropyExt, Page, PageRequest, ProjectId, StoreError, Timestamp};
use uuid::Uuid;

use crate::message::{Dispatch, Message, MessageFilter, NewMessage};

/// Names one claim. Whoever settles a message must still hold the lease that claimed it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LeaseToken(Uuid);

impl LeaseToken {
    /// A fresh random lease.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(entropy.uuid())
    }

    /// Wraps a UUID that was read from storage.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The plain UUID, for storage.
    #[must_use]
    pub const fn as_uuid(&self) -> Uuid {
        self.0
    }
}

impl fmt::Debug for LeaseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A wish to deliver messages that are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The lease that the claimed messages will carry.
    pub lease: LeaseToken,
    /// The present moment.
    pub now: Timestamp,
    /// From this moment on another node may claim the messages again: this one must have died.
    pub lease_until: Timestamp,
    /// At most this many messages.
    pub limit: u32,
}

/// A message in hand, with the project that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedMessage {
    /// Whose message it is.
    pub project: ProjectId,
    /// The message, already [`Processing`](crate::message::MessageStatus::Processing) and with this attempt counted.
    pub message: Message,
}

/// Whether an attempt could be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// Recorded.
    Done,
    /// The lease ran out and another node has claimed the message, or it was settled or removed already: nothing
    /// was written.
    LeaseLost,
}

/// The queue. Identity inserts [`NewMessage`]s in its own transactions; everything else happens here.
#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Inserts a queued message that has no other cause to share a transaction with.
    ///
    /// A second insert of the same id is [`StoreError::Conflict`].
    async fn message_enqueue(&self, project: ProjectId, message: &NewMessage) -> Result<(), StoreError>;

    /// Claims the messages that are due, oldest `send_after` first, of all projects (hence no project argument).
    ///
    /// Due is `queued` with `send_after <= now`, or `processing` with a lease that ended at or before `now`.
    /// In one transaction each becomes `processing` with the claim's lease and `lease_until`, `send_count + 1` and
    /// `updated_at = now`. Two concurrent claims never return the same message: claim under row locks that skip
    /// locked rows (PostgreSQL) or in the one writer (SQLite).
    async fn messages_claim(&self, claim: Claim) -> Result<Vec<ClaimedMessage>, StoreError>;

    /// The transport took the message: `processing` under `lease` → `sent`, with the dispatch, in one transaction.
    /// `updated_at` becomes the dispatch's time and the lease is cleared.
    async fn message_delivered(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError>;

    /// The attempt failed and another will follow: `processing` under `lease` → `queued` with the new `send_after`,
    /// with the dispatch, in one transaction. `updated_at` becomes the dispatch's time and the lease is cleared.
    async fn message_retry(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        send_after: Timestamp,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError>;

    /// The attempt failed and no other will follow: `processing` under `lease` → `abandoned`, with the dispatch, in
    /// one transaction. `updated_at` becomes the dispatch's time and the lease is cleared.
    async fn message_abandoned(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError>;

    /// The project's messages that match, newest first (`created_at`, then id, both descending). Keyset pages carry
    /// no total; numbered ones do. A key that the store did not write gives an empty page.
    async fn messages_list(
        &self,
        project: ProjectId,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<Message>, StoreError>;

    /// One message of the project with its dispatches, oldest first.
    async fn message_find(
        &self,
        project: ProjectId,
        id: MessageId,
    ) -> Result<Option<(Message, Vec<Dispatch>)>, StoreError>;
}
