//! What the outbox needs from storage.

use async_trait::async_trait;
use orrery_core::event::NewEvent;
use orrery_core::id::EventId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};

use super::{Attempt, Event, EventFilter};
use crate::store::{Claim, LeaseToken, Settled};

/// An event in hand, with the project that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedEvent {
    /// Whose event it is.
    pub project: ProjectId,
    /// The event, already [`Processing`](super::EventStatus::Processing) and with this attempt counted.
    pub event: Event,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// Nothing: the recipient has taken it.
    Delivered,
    /// Another attempt, not before this moment.
    Retry(Timestamp),
    /// Nothing: it is given up.
    Abandoned,
}

/// What became of the wish to have an event delivered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redelivery {
    /// It is due, as if for the first time.
    Queued(Box<Event>),
    /// Somebody is at it this moment.
    InHand,
    /// There is no such event.
    Unknown,
}

/// The outbox. Other stores insert [`NewEvent`]s in their own transactions; everything else happens here.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// Inserts events that have no other cause to share a transaction with.
    ///
    /// A second insert of the same id is [`StoreError::Conflict`].
    async fn events_enqueue(&self, project: ProjectId, events: &[NewEvent]) -> Result<(), StoreError>;

    /// Claims the events that are due, longest due first, of all projects (hence no project argument).
    ///
    /// Due is `queued` with `deliver_after <= now`, or `processing` with a lease that ended at or before `now`.
    /// In one transaction each becomes `processing` with the claim's lease and `lease_until`, `attempts + 1` and
    /// `updated_at = now`. Two concurrent claims never return the same event.
    async fn events_claim(&self, claim: Claim) -> Result<Vec<ClaimedEvent>, StoreError>;

    /// Records an attempt and what follows it, if `lease` still holds the event, in one transaction. `updated_at` becomes
    /// the attempt's time and the lease is cleared.
    async fn event_settle(
        &self,
        project: ProjectId,
        id: EventId,
        lease: LeaseToken,
        next: AfterAttempt,
        attempt: &Attempt,
    ) -> Result<Settled, StoreError>;

    /// Makes an event due at `now` with no attempts counted, whatever became of it, unless a node holds a live lease on it. The row is
    /// kept until `expires_at` at least.
    async fn event_redeliver(
        &self,
        project: ProjectId,
        id: EventId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Redelivery, StoreError>;

    /// The project's events that match, newest first (`occurred_at`, then id, both descending). Keyset pages carry
    /// no total; numbered ones do. A key that the store did not write gives an empty page.
    async fn events_list(
        &self,
        project: ProjectId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError>;

    /// One event of the project with its attempts, oldest first.
    async fn event_find(&self, project: ProjectId, id: EventId) -> Result<Option<(Event, Vec<Attempt>)>, StoreError>;
}
