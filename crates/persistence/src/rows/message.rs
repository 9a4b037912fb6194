//! Messages and attempts to deliver them.

use std::str::FromStr;

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::id::{DispatchId, MessageId};
use orrery_core::{ProjectId, Timestamp};
use orrery_courier::message::{Dispatch, Message, MessageStatus, NewMessage, SealedContent};

use crate::columns::{At, Uid};
use crate::error::Failure;
use crate::schema::{message_dispatches, messages};

/// A new message.
#[derive(Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
pub(crate) struct NewMessageRow {
    project_id: Uid<ProjectId>,
    id: Uid<MessageId>,
    status: &'static str,
    channel: &'static str,
    recipient: String,
    template_type: &'static str,
    content: Vec<u8>,
    send_count: i32,
    send_after: At,
    due_at: Option<At>,
    created_at: At,
    updated_at: At,
    expires_at: At,
}

impl NewMessageRow {
    pub(crate) fn new(project: ProjectId, message: &NewMessage) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(message.id),
            status: MessageStatus::Queued.as_str(),
            channel: message.channel.as_str(),
            recipient: message.recipient.clone(),
            template_type: message.template_type.as_str(),
            content: message.content.0.clone(),
            send_count: 0,
            send_after: At(message.send_after),
            due_at: Some(At(message.send_after)),
            created_at: At(message.created_at),
            updated_at: At(message.created_at),
            expires_at: At(message.expires_at),
        }
    }

    /// One that nobody delivers any more.
    pub(crate) fn over(project: ProjectId, message: &Message, expires_at: Timestamp) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(message.id),
            status: message.status.as_str(),
            channel: message.channel.as_str(),
            recipient: message.recipient.clone(),
            template_type: message.template_type.as_str(),
            content: message.content.0.clone(),
            send_count: i32::try_from(message.send_count).unwrap_or(i32::MAX),
            send_after: At(message.send_after),
            due_at: None,
            created_at: At(message.created_at),
            updated_at: At(message.updated_at),
            expires_at: At(expires_at),
        }
    }

    pub(crate) fn all(project: ProjectId, messages: &[NewMessage]) -> Vec<Self> {
        messages.iter().map(|message| Self::new(project, message)).collect()
    }
}

/// A stored message.
#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
pub(crate) struct MessageRow {
    pub(crate) project_id: Uid<ProjectId>,
    pub(crate) id: Uid<MessageId>,
    status: String,
    channel: String,
    recipient: String,
    template_type: String,
    content: Vec<u8>,
    send_count: i32,
    send_after: At,
    pub(crate) created_at: At,
    updated_at: At,
}

impl MessageRow {
    /// Whoever has waited longest comes first.
    pub(crate) fn send_order(&self) -> (Timestamp, MessageId) {
        (self.send_after.0, self.id.0)
    }

    pub(crate) fn into_message(self) -> Result<Message, Failure> {
        Ok(Message {
            id: self.id.0,
            status: read(&self.status, "messages.status")?,
            channel: read(&self.channel, "messages.channel")?,
            recipient: self.recipient,
            template_type: read(&self.template_type, "messages.template_type")?,
            content: SealedContent(self.content),
            send_count: u32::try_from(self.send_count).map_err(|_| Failure::Corrupt("messages.send_count"))?,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            send_after: self.send_after.0,
        })
    }
}

/// One attempt to deliver.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = message_dispatches, treat_none_as_default_value = false)]
pub(crate) struct DispatchRow {
    project_id: Uid<ProjectId>,
    id: Uid<DispatchId>,
    message_id: Uid<MessageId>,
    status: String,
    error: Option<String>,
    created_at: At,
}

impl DispatchRow {
    pub(crate) fn new(project: ProjectId, message: MessageId, dispatch: &Dispatch) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(dispatch.id),
            message_id: Uid(message),
            status: dispatch.status.as_str().to_owned(),
            error: dispatch.error.clone(),
            created_at: At(dispatch.created_at),
        }
    }

    pub(crate) fn into_dispatch(self) -> Result<Dispatch, Failure> {
        Ok(Dispatch {
            id: self.id.0,
            status: read(&self.status, "message_dispatches.status")?,
            error: self.error,
            created_at: self.created_at.0,
        })
    }
}

fn read<T: FromStr>(text: &str, column: &'static str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Corrupt(column))
}
