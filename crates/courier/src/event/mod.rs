//! The outbox: events that somebody is to hear of, and the attempts to tell them.
//!
//! What an event is, and how it is made: [`orrery_core::event`]. Delivery is the same as for messages: claimed under a lease,
//! attempted, settled; see `deliver/outbox.rs`.

mod store;

use std::fmt;
use std::str::FromStr;

use orrery_core::Timestamp;
use orrery_core::event::SealedNotice;
use orrery_core::id::{AttemptId, EventId, SessionId};

use crate::message::UnknownWord;

pub use store::{AfterAttempt, ClaimedEvent, EventStore, Redelivery};

/// Where an event is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventStatus {
    /// Waiting for its first or next attempt.
    Queued,
    /// Claimed by a node that holds a lease on it.
    Processing,
    /// The recipient has taken it.
    Delivered,
    /// Given up; an administrator can have it delivered again.
    Abandoned,
}

impl EventStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Processing, Self::Delivered, Self::Abandoned];

    /// The word in storage and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Delivered => "delivered",
            Self::Abandoned => "abandoned",
        }
    }
}

impl FromStr for EventStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownWord("event status"))
    }
}

/// A stored event.
#[derive(Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Where it is on its way.
    pub status: EventStatus,
    /// What happened.
    pub kind: String,
    /// To whom or what.
    pub subject: Option<String>,
    /// By whom.
    pub actor: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// The session that it happened in.
    pub session_id: Option<SessionId>,
    /// Who is to hear of it.
    pub recipient: String,
    /// The call, sealed.
    pub notice: SealedNotice,
    /// Attempts begun since it was queued, the last time by hand: the claim counts, so that an event which brings down its
    /// node is given up in the end.
    pub attempts: u32,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// Nobody is told before this moment.
    pub deliver_after: Timestamp,
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// One attempt to tell somebody; written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The status that the recipient answered with, if it answered.
    pub response_status: Option<u16>,
    /// Why it failed, for operators: plain text of at most 1000 characters. None for the attempt that succeeded.
    pub error: Option<String>,
    /// When it ended.
    pub created_at: Timestamp,
}

/// Which events a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only with this status.
    pub status: Option<EventStatus>,
    /// Only about exactly this subject.
    pub subject: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_read_back() {
        for status in EventStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("sent".parse::<EventStatus>(), Err(UnknownWord("event status")));
    }
}
