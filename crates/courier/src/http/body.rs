//! The JSON of messages.

use orrery_core::Timestamp;
use orrery_core::id::{DispatchId, MessageId};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::SmsType;
use crate::inbox::OpenedMessage;
use crate::message::{Channel, Content, Dispatch, Message};

/// Stands for what is withheld; clients compare with these very words.
const REDACTED: &str = "<redacted-unless-dev-mode>";

/// The contract's `message`.
#[derive(Serialize)]
pub(super) struct MessageBody<'a> {
    id: MessageId,
    status: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    recipient: &'a str,
    body: &'a str,
    subject: &'a str,
    template_type: &'static str,
    channel: &'static str,
    send_count: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dispatches: Option<Vec<DispatchBody>>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// The contract's `messageDispatch`.
#[derive(Serialize)]
struct DispatchBody {
    id: DispatchId,
    message_id: MessageId,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> MessageBody<'a> {
    /// Without `content`, subject and body are redacted.
    pub(super) fn new(message: &'a Message, content: Option<&'a Content>, sms_type: SmsType) -> Self {
        Self {
            id: message.id,
            status: message.status.as_str(),
            kind: match message.channel {
                Channel::Email => "email",
                Channel::Sms => sms_type.as_str(),
            },
            recipient: &message.recipient,
            body: content.map_or(REDACTED, |content| &content.text),
            subject: content.map_or(REDACTED, |content| &content.subject),
            template_type: message.template_type.as_str(),
            channel: message.channel.as_str(),
            send_count: message.send_count,
            dispatches: None,
            created_at: message.created_at,
            updated_at: message.updated_at,
        }
    }

    pub(super) fn with_dispatches(mut self, dispatches: Vec<Dispatch>) -> Self {
        let message_id = self.id;
        let bodies = dispatches.into_iter().map(|dispatch| DispatchBody {
            id: dispatch.id,
            message_id,
            status: dispatch.status.as_str(),
            error: dispatch.error.map(|error| json!({ "message": error })),
            created_at: dispatch.created_at,
            updated_at: dispatch.created_at,
        });
        self.dispatches = Some(bodies.collect());
        self
    }
}

/// A message of the development inbox.
#[derive(Serialize)]
pub(super) struct InboxBody<'a> {
    id: MessageId,
    status: &'static str,
    channel: &'static str,
    recipient: &'a str,
    template_type: &'static str,
    subject: &'a str,
    text: &'a str,
    html: Option<&'a str>,
    template_data: &'a Value,
    created_at: Timestamp,
}

impl<'a> InboxBody<'a> {
    /// None for a message that can no longer be read.
    pub(super) fn new(opened: &'a OpenedMessage) -> Option<Self> {
        let (message, content) = (&opened.message, opened.content.as_ref()?);
        Some(Self {
            id: message.id,
            status: message.status.as_str(),
            channel: message.channel.as_str(),
            recipient: &message.recipient,
            template_type: message.template_type.as_str(),
            subject: &content.subject,
            text: &content.text,
            html: content.html.as_deref(),
            template_data: &content.template_data,
            created_at: message.created_at,
        })
    }
}
