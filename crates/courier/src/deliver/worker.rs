//! The delivery worker.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use orrery_core::id::DispatchId;
use orrery_core::outbound::OutboundClient;
use orrery_core::{Clock, Entropy, Keyring, StoreError, Timestamp};

use super::policy::{Next, after_failure};
use super::{Failure, Outgoing, Transport, Wake};
use crate::config::CourierSettings;
use crate::message::{Channel, Dispatch, DispatchStatus, Message};
use crate::store::{Claim, ClaimedMessage, LeaseToken, MessageStore, Settled};

/// A claim lasts this long: twice the longest attempt.
const LEASE: Duration = Duration::from_secs(120);
/// No more messages are attempted at the same time, whatever `pull_count` says: each may need a connection.
const MAX_HANDS: u32 = 32;
/// How often the outcome of an attempt is offered to a store that is away, and how long is waited in between.
const SETTLE_ATTEMPTS: u32 = 20;
const SETTLE_WAIT: Duration = Duration::from_secs(2);
/// Longest reason of a failure, in characters.
const MAX_REASON: usize = 1_000;

/// What the worker works with.
#[expect(missing_docs, reason = "the types say what each part is")]
pub struct CourierParts {
    pub store: Arc<dyn MessageStore>,
    pub keyring: Arc<Keyring>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    pub client: Arc<dyn OutboundClient>,
    pub wake: Wake,
}

/// The delivery worker of one node. Any number of nodes may run one on the same store.
pub struct Courier {
    parts: CourierParts,
    email: Option<Transport>,
    sms: Option<Transport>,
    message_retries: u32,
    /// Messages attempted at the same time.
    hands: usize,
    pull_wait: Duration,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier")
    }
}

impl Courier {
    /// Prepares the transports. Must be called inside a tokio runtime.
    #[must_use]
    pub fn new(settings: CourierSettings, parts: CourierParts) -> Self {
        let timeout = settings.attempt_timeout;
        let transport = |settings: Option<_>| settings.map(|settings| Transport::new(settings, timeout, &parts.client));
        Self {
            email: transport(settings.email),
            sms: transport(settings.sms),
            message_retries: settings.message_retries,
            hands: settings.pull_count.min(MAX_HANDS) as usize,
            pull_wait: settings.pull_wait,
            parts,
        }
    }

    /// Delivers until `shutdown` completes, and then finishes what is in hand.
    ///
    /// Messages are claimed as hands become free, so that a slow service does not hold up what others would take.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut in_hand = FuturesUnordered::new();
        let mut look = true;
        loop {
            let free = self.hands - in_hand.len();
            if look && free > 0 {
                match self.claim(self.parts.clock.now(), free).await {
                    Ok(batch) => {
                        // As many as asked for: there is probably more.
                        look = batch.len() >= free;
                        in_hand.extend(batch.into_iter().map(|claimed| self.handle(claimed)));
                    }
                    Err(error) => {
                        look = false;
                        tracing::warn!(error = &error as &dyn std::error::Error, "the message queue cannot be read");
                    }
                }
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(()) = in_hand.next() => {}
                () = self.parts.wake.wait() => look = true,
                () = tokio::time::sleep(self.pull_wait) => look = true,
            }
        }
        while in_hand.next().await.is_some() {}
    }

    /// Claims one batch, attempts each of its messages and records the outcomes. Returns the size of the batch.
    ///
    /// # Errors
    /// When the queue cannot be read. An outcome that cannot be recorded is logged; the message is then sent again
    /// once its lease has ended.
    pub async fn deliver_once(&self, now: Timestamp) -> Result<usize, StoreError> {
        let batch = self.claim(now, self.hands).await?;
        let claimed = batch.len();
        let mut in_hand: FuturesUnordered<_> = batch.into_iter().map(|claimed| self.handle(claimed)).collect();
        while in_hand.next().await.is_some() {}
        Ok(claimed)
    }

    async fn claim(&self, now: Timestamp, limit: usize) -> Result<Vec<(LeaseToken, ClaimedMessage)>, StoreError> {
        let lease = LeaseToken::generate(&*self.parts.entropy);
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let batch = self.parts.store.messages_claim(Claim { lease, now, lease_until: now + LEASE, limit }).await?;
        Ok(batch.into_iter().map(|claimed| (lease, claimed)).collect())
    }

    async fn handle(&self, (lease, claimed): (LeaseToken, ClaimedMessage)) {
        let outcome = self.attempt(&claimed).await;
        self.settle(&claimed, lease, outcome).await;
    }

    async fn attempt(&self, claimed: &ClaimedMessage) -> Result<(), Failure> {
        let message = &claimed.message;
        if message.send_count > self.message_retries.saturating_add(1) {
            return Err(Failure::permanent("the server stopped during each attempt"));
        }
        // Temporary: the operator may put an old secret back.
        let content = message
            .content
            .open(claimed.project, message.id, &self.parts.keyring)
            .map_err(|error| Failure::temporary(error.to_string()))?;
        if content.useless_after.is_some_and(|end| end <= self.parts.clock.now()) {
            return Err(Failure::permanent("the code or link in the message has expired"));
        }
        let transport = match message.channel {
            Channel::Email => &self.email,
            Channel::Sms => &self.sms,
        };
        let transport = transport.as_ref().ok_or_else(|| {
            Failure::temporary(format!("nothing is configured to send {} with", message.channel.as_str()))
        })?;
        transport.send(&Outgoing { message, content: &content }).await
    }

    async fn settle(&self, claimed: &ClaimedMessage, lease: LeaseToken, outcome: Result<(), Failure>) {
        let (message, now) = (&claimed.message, self.parts.clock.now());
        let next = outcome.as_ref().err().map(|failure| {
            after_failure(failure.kind, message.send_count, self.message_retries, now, &*self.parts.entropy)
        });
        let dispatch = Dispatch {
            id: DispatchId::generate(&*self.parts.entropy),
            status: if next.is_none() { DispatchStatus::Success } else { DispatchStatus::Failed },
            error: outcome.err().map(|failure| failure.reason.chars().take(MAX_REASON).collect()),
            created_at: now,
        };
        report(message, next);
        for attempt in 1..=SETTLE_ATTEMPTS {
            match self.record(claimed, lease, next, &dispatch).await {
                Ok(Settled::Done) => return,
                Ok(Settled::LeaseLost) => {
                    tracing::warn!(message_id = %message.id, "the lease of a message ended before its attempt");
                    return;
                }
                Err(StoreError::Unavailable(_)) if attempt < SETTLE_ATTEMPTS => tokio::time::sleep(SETTLE_WAIT).await,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(message_id = %message.id, error, "the outcome of an attempt was not recorded");
                    return;
                }
            }
        }
    }

    async fn record(
        &self,
        claimed: &ClaimedMessage,
        lease: LeaseToken,
        next: Option<Next>,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        let (store, project, id) = (&self.parts.store, claimed.project, claimed.message.id);
        match next {
            None => store.message_delivered(project, id, lease, dispatch).await,
            Some(Next::Retry(send_after)) => store.message_retry(project, id, lease, send_after, dispatch).await,
            Some(Next::Abandon) => store.message_abandoned(project, id, lease, dispatch).await,
        }
    }
}

/// Logs and counts, without recipient, subject, body or the server's words, which may repeat them.
fn report(message: &Message, next: Option<Next>) {
    let (id, template, channel) = (message.id, message.template_type.as_str(), message.channel.as_str());
    let attempt = message.send_count;
    match next {
        None => {
            tracing::info!(message_id = %id, template, channel, attempt, "message sent");
            metrics::counter!("courier_messages_sent_total", "channel" => channel).increment(1);
        }
        Some(Next::Retry(send_after)) => {
            tracing::warn!(message_id = %id, template, channel, attempt, %send_after, "message not sent, will retry");
            metrics::counter!("courier_messages_failed_total", "channel" => channel).increment(1);
        }
        Some(Next::Abandon) => {
            tracing::error!(message_id = %id, template, channel, attempt, "message abandoned");
            metrics::counter!("courier_messages_abandoned_total", "channel" => channel).increment(1);
        }
    }
}
