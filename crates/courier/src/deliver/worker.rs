//! The delivery worker.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use orrery_core::id::DispatchId;
use orrery_core::jsonnet::Jsonnet;
use orrery_core::outbound::OutboundClient;
use orrery_core::{Clock, Entropy, Keyring, StoreError};

use super::hands::{LEASE, MAX_REASON, MOST, Pace, Work, once, record, run};
use super::policy::{Next, after_failure};
use super::{Failure, Outgoing, Transport, Wake};
use crate::config::CourierSettings;
use crate::message::{Channel, Dispatch, DispatchStatus, Message};
use crate::store::{Claim, ClaimedMessage, LeaseToken, MessageStore, Settled};

/// What the worker works with.
#[expect(missing_docs, reason = "the types say what each part is")]
pub struct CourierParts {
    pub store: Arc<dyn MessageStore>,
    pub keyring: Arc<Keyring>,
    pub entropy: Arc<dyn Entropy>,
    pub clock: Arc<dyn Clock>,
    pub client: Arc<dyn OutboundClient>,
    pub jsonnet: Arc<dyn Jsonnet>,
    pub wake: Wake,
}

/// The delivery worker of one node. Any number of nodes may run one on the same store.
pub struct Courier {
    parts: CourierParts,
    email: Option<Transport>,
    sms: Option<Transport>,
    message_retries: u32,
    pace: Pace,
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
        let transport = |settings: Option<_>| {
            settings.map(|settings| Transport::new(settings, timeout, &parts.client, &parts.jsonnet))
        };
        Self {
            email: transport(settings.email),
            sms: transport(settings.sms),
            message_retries: settings.message_retries,
            pace: Pace { hands: settings.pull_count.min(MOST) as usize, pause: settings.pull_wait },
            parts,
        }
    }

    /// Delivers until `shutdown` completes, and then finishes what is in hand.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        run(self, self.pace, &self.parts.wake, shutdown).await;
    }

    /// Claims one batch, attempts each of its messages and records the outcomes. Returns the size of the batch.
    ///
    /// # Errors
    /// When the queue cannot be read. An outcome that cannot be recorded is logged; the message is then sent again
    /// once its lease has ended.
    pub async fn deliver_once(&self) -> Result<usize, StoreError> {
        once(self, self.pace).await
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
        record(&message.id, || self.store(claimed, lease, next, &dispatch)).await;
    }

    async fn store(
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

impl Work for Courier {
    type Item = (LeaseToken, ClaimedMessage);

    async fn claim(&self, most: usize) -> Result<Vec<Self::Item>, StoreError> {
        let (lease, now) = (LeaseToken::generate(&*self.parts.entropy), self.parts.clock.now());
        let limit = u32::try_from(most).unwrap_or(u32::MAX);
        let batch = self.parts.store.messages_claim(Claim { lease, now, lease_until: now + LEASE, limit }).await?;
        Ok(batch.into_iter().map(|claimed| (lease, claimed)).collect())
    }

    async fn handle(&self, (lease, claimed): Self::Item) {
        let outcome = self.attempt(&claimed).await;
        self.settle(&claimed, lease, outcome).await;
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
