//! The worker: claims what is due, sends it, records how it went.

mod hands;
mod http;
mod outbox;
mod policy;
mod smtp;
mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use orrery_core::jsonnet::Jsonnet;
use orrery_core::outbound::OutboundClient;
use tokio::sync::Notify;

use crate::message::{Content, Message};

pub use http::HttpSettings;
pub use outbox::{Outbox, OutboxParts, OutboxSettings};
pub use smtp::SmtpSettings;
pub use worker::{Courier, CourierParts};

/// How a channel is delivered.
#[derive(Debug)]
pub enum TransportSettings {
    /// Through a mail server.
    Smtp(SmtpSettings),
    /// Through an HTTP service.
    Http(HttpSettings),
    /// Not at all: the message stays readable in the inbox of the development mode.
    Inbox,
}

/// A message about to be sent.
struct Outgoing<'a> {
    message: &'a Message,
    content: &'a Content,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: FailureKind,
    /// For operators; without recipient and content.
    reason: String,
}

/// Whether another attempt can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FailureKind {
    /// The same message may pass later.
    Temporary,
    /// The same message will never pass.
    Permanent,
}

impl Failure {
    fn temporary(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Temporary, reason: reason.into() }
    }

    fn permanent(reason: impl Into<String>) -> Self {
        Self { kind: FailureKind::Permanent, reason: reason.into() }
    }
}

/// A transport, ready.
enum Transport {
    Smtp(smtp::SmtpTransport),
    Http(http::HttpTransport),
    Inbox,
}

impl Transport {
    fn new(
        settings: TransportSettings,
        timeout: Duration,
        client: &Arc<dyn OutboundClient>,
        jsonnet: &Arc<dyn Jsonnet>,
    ) -> Self {
        match settings {
            TransportSettings::Smtp(settings) => Self::Smtp(smtp::SmtpTransport::new(settings, timeout)),
            TransportSettings::Http(settings) => {
                Self::Http(http::HttpTransport::new(settings, timeout, Arc::clone(client), Arc::clone(jsonnet)))
            }
            TransportSettings::Inbox => Self::Inbox,
        }
    }

    async fn send(&self, outgoing: &Outgoing<'_>) -> Result<(), Failure> {
        match self {
            Self::Smtp(smtp) => smtp.send(outgoing).await,
            Self::Http(http) => http.send(outgoing).await,
            Self::Inbox => Ok(()),
        }
    }
}

/// Wakes one of this node's workers. Cheap to clone; whoever enqueued something calls it after the commit.
#[derive(Clone, Default)]
pub struct Wake(Arc<Notify>);

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

impl orrery_core::event::Outbox for Wake {
    fn recorded(&self, events: usize) {
        Self::recorded(self, events);
    }
}

impl Wake {
    /// So many messages were enqueued and committed.
    pub fn enqueued(&self, messages: usize) {
        if messages > 0 {
            metrics::counter!("courier_messages_queued_total").increment(messages as u64);
            self.0.notify_one();
        }
    }

    /// So many events were enqueued and committed.
    pub fn recorded(&self, events: usize) {
        if events > 0 {
            metrics::counter!("events_queued_total").increment(events as u64);
            self.0.notify_one();
        }
    }

    /// Returns when something was enqueued since the last call.
    async fn wait(&self) {
        self.0.notified().await;
    }
}
