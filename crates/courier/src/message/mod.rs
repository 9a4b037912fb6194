//! Messages and the attempts to deliver them.

mod content;
mod template_type;

use std::fmt;
use std::str::FromStr;

use orrery_core::Timestamp;
use orrery_core::id::{DispatchId, MessageId};

pub use content::{Content, SealedContent, UnreadableContent};
pub use template_type::TemplateType;

/// A stored word that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a known {0}")]
pub struct UnknownWord(pub &'static str);

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Electronic mail; the recipient is an address.
    Email,
    /// A text message; the recipient is a phone number in E.164.
    Sms,
}

impl Channel {
    /// Both channels.
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    /// The word in storage, in configuration and in the contract's `channel`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

impl FromStr for Channel {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text).ok_or(UnknownWord("channel"))
    }
}

/// Where a message is on its way (the contract's `courierMessageStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageStatus {
    /// Waiting for its first or next attempt.
    Queued,
    /// Claimed by a node that holds a lease on it.
    Processing,
    /// Accepted by the transport.
    Sent,
    /// Given up.
    Abandoned,
}

impl MessageStatus {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Processing, Self::Sent, Self::Abandoned];

    /// The word in storage and in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Processing => "processing",
            Self::Sent => "sent",
            Self::Abandoned => "abandoned",
        }
    }
}

impl FromStr for MessageStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownWord("message status"))
    }
}

/// A rendered message, ready to be inserted as [`MessageStatus::Queued`] with a `send_count` of zero.
#[derive(Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Its id, from which the Message-ID header is derived.
    pub id: MessageId,
    /// How it travels.
    pub channel: Channel,
    /// A validated address or phone number, free of control characters, at most 320 bytes.
    pub recipient: String,
    /// What it is about.
    pub template_type: TemplateType,
    /// Subject, bodies and template data, sealed: they carry codes and personal data.
    pub content: SealedContent,
    /// When it was composed.
    pub created_at: Timestamp,
    /// Not to be sent before this moment.
    pub send_after: Timestamp,
    /// When the row and its dispatches may be removed, whatever became of it.
    pub expires_at: Timestamp,
}

impl fmt::Debug for NewMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage").field("id", &self.id).field("template_type", &self.template_type).finish()
    }
}

/// A stored message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where it is on its way.
    pub status: MessageStatus,
    /// How it travels.
    pub channel: Channel,
    /// Address or phone number.
    pub recipient: String,
    /// What it is about.
    pub template_type: TemplateType,
    /// Subject, bodies and template data, sealed.
    pub content: SealedContent,
    /// Attempts begun so far: the claim counts, so that a message which brings down its node is given up in the end.
    pub send_count: u32,
    /// When it was composed.
    pub created_at: Timestamp,
    /// When its status last changed.
    pub updated_at: Timestamp,
    /// Not to be sent before this moment.
    pub send_after: Timestamp,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("template_type", &self.template_type)
            .field("send_count", &self.send_count)
            .finish()
    }
}

/// How one attempt ended (the contract's `messageDispatch.status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DispatchStatus {
    /// The transport took the message.
    Success,
    /// The transport refused or could not be reached.
    Failed,
}

impl DispatchStatus {
    /// The word in storage and in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for DispatchStatus {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Success, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(UnknownWord("dispatch status"))
    }
}

/// One attempt to deliver a message; written once, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// Its id.
    pub id: DispatchId,
    /// How it ended.
    pub status: DispatchStatus,
    /// Why it failed, for operators: plain text of at most 1000 characters.
    pub error: Option<String>,
    /// When it ended.
    pub created_at: Timestamp,
}

/// Which messages a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only with this status.
    pub status: Option<MessageStatus>,
    /// Only to exactly this recipient.
    pub recipient: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_words_read_back() {
        for channel in Channel::ALL {
            assert_eq!(channel.as_str().parse(), Ok(channel));
        }
        for status in MessageStatus::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        for status in [DispatchStatus::Success, DispatchStatus::Failed] {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert_eq!("Queued".parse::<MessageStatus>(), Err(UnknownWord("message status")));
    }
}
