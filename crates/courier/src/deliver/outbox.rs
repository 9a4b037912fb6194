//! The delivery of events.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use orrery_core::event::Notice;
use orrery_core::id::AttemptId;
use orrery_core::outbound::{OutboundClient, OutboundRequest};
use orrery_core::{Clock, Entropy, Keyring, StoreError};

use super::hands::{LEASE, MAX_REASON, MOST, Pace, Work, once, record, run};
use super::policy::{Next, after_failure};
use super::{Failure, Wake};
use crate::event::{AfterAttempt, Attempt, ClaimedEvent, Event, EventStore};
use crate::store::{Claim, LeaseToken};

/// What an answer may have; only its status matters.
const MAX_RESPONSE: usize = 64 * 1024;

/// How events are delivered.
#[derive(Debug, Clone, Copy)]
pub struct OutboxSettings {
    /// Events attempted at the same time; at most 32.
    pub hands: u32,
    /// How long the worker waits when there is nothing to do; events of the same node wake it at once.
    pub pause: Duration,
    /// How long one attempt may take; at most a minute.
    pub attempt_timeout: Duration,
    /// How often a failed attempt is repeated before the event is given up.
    pub retries: u32,
}

/// What the worker works with.
#[expect(missing_docs, reason = "the types say what each part is")]
pub struct OutboxParts {
    pub store: Arc<dyn EventStore>,
    pub keyring: Arc<Keyring>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    pub client: Arc<dyn OutboundClient>,
    pub wake: Wake,
}

/// The worker of one node that delivers events. Any number of nodes may run one on the same store.
pub struct Outbox {
    parts: OutboxParts,
    pace: Pace,
    timeout: Duration,
    retries: u32,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbox")
    }
}

impl Outbox {
    /// A worker that has not begun.
    #[must_use]
    pub fn new(settings: OutboxSettings, parts: OutboxParts) -> Self {
        let pace = Pace { hands: settings.hands.clamp(1, MOST) as usize, pause: settings.pause };
        Self { parts, pace, timeout: settings.attempt_timeout.min(LEASE / 2), retries: settings.retries }
    }

    /// Delivers until `shutdown` completes, and then finishes what is in hand.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        run(self, self.pace, &self.parts.wake, shutdown).await;
    }

    /// Claims one batch, attempts each of its events and records the outcomes. Returns the size of the batch.
    ///
    /// # Errors
    /// When the outbox cannot be read.
    pub async fn deliver_once(&self) -> Result<usize, StoreError> {
        once(self, self.pace).await
    }

    /// The status that was answered, or what went wrong.
    async fn attempt(&self, claimed: &ClaimedEvent) -> (Option<u16>, Result<(), Failure>) {
        let event = &claimed.event;
        if event.attempts > self.retries.saturating_add(1) {
            return (None, Err(Failure::permanent("the server stopped during each attempt")));
        }
        // Temporary: the operator may put an old secret back.
        let notice = match event.notice.open(claimed.project, event.id, &self.parts.keyring) {
            Ok(notice) => notice,
            Err(error) => return (None, Err(Failure::temporary(error.to_string()))),
        };
        if notice.useless_after.is_some_and(|end| end <= self.parts.clock.now()) {
            return (None, Err(Failure::permanent("what the event says has expired")));
        }
        match self.parts.client.send(request(notice, event, self.timeout)).await {
            Ok(answer) if (200..300).contains(&answer.status) => (Some(answer.status), Ok(())),
            Ok(answer) => {
                let failure = Failure::temporary(format!("the recipient answered with status {}", answer.status));
                (Some(answer.status), Err(failure))
            }
            Err(error) => (None, Err(Failure::temporary(error.to_string()))),
        }
    }
}

/// The same for every attempt but for nothing: the recipient recognises the event by its id.
fn request(notice: Notice, event: &Event, timeout: Duration) -> OutboundRequest {
    let Notice { method, url, mut headers, body, trust, .. } = notice;
    headers.push(("Idempotency-Key".to_owned(), event.id.to_string()));
    OutboundRequest { method, url, headers, body: body.into_bytes(), trust, timeout, max_response_bytes: MAX_RESPONSE }
}

impl Work for Outbox {
    type Item = (LeaseToken, ClaimedEvent);

    async fn claim(&self, most: usize) -> Result<Vec<Self::Item>, StoreError> {
        let (lease, now) = (LeaseToken::generate(&*self.parts.entropy), self.parts.clock.now());
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let batch = self.parts.store.events_claim(Claim { lease, now, lease_until: now + LEASE, limit }).await?;
        Ok(batch.into_iter().map(|claimed| (lease, claimed)).collect())
    }

    async fn handle(&self, (lease, claimed): Self::Item) {
        let (response_status, outcome) = self.attempt(&claimed).await;
        let (event, now, entropy) = (&claimed.event, self.parts.clock.now(), &*self.parts.entropy);
        let next = match &outcome {
            Ok(()) => AfterAttempt::Delivered,
            Err(failure) => match after_failure(failure.kind, event.attempts, self.retries, now, entropy) {
                Next::Retry(at) => AfterAttempt::Retry(at),
                Next::Abandon => AfterAttempt::Abandoned,
            },
        };
        let attempt = Attempt {
            id: AttemptId::generate(entropy),
            response_status,
            error: outcome.err().map(|failure| failure.reason.chars().take(MAX_REASON).collect()),
            created_at: now,
        };
        report(event, next);
        let (store, project, id) = (&self.parts.store, claimed.project, event.id);
        record(&id, || store.event_settle(project, id, lease, next, &attempt)).await;
    }
}

/// Logs and counts, without the call and without the recipient's words.
fn report(event: &Event, next: AfterAttempt) {
    let (id, kind, attempt) = (event.id, event.kind.as_str(), event.attempts);
    match next {
        AfterAttempt::Delivered => {
            tracing::info!(event_id = %id, kind, attempt, "event delivered");
            metrics::counter!("events_delivered_total").increment(1);
        }
        AfterAttempt::Retry(deliver_after) => {
            tracing::warn!(event_id = %id, kind, attempt, %deliver_after, "event not delivered, will retry");
            metrics::counter!("events_failed_total").increment(1);
        }
        AfterAttempt::Abandoned => {
            tracing::error!(event_id = %id, kind, attempt, "event abandoned");
            metrics::counter!("events_abandoned_total").increment(1);
        }
    }
}
