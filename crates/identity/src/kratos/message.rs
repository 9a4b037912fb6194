//! Messages that were sent or given up: history, and no more. What is still to be sent is for Kratos to send.

use std::collections::BTreeMap;

use orrery_core::id::{DispatchId, MessageId};
use orrery_core::moving::{Row, Unreadable};
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use orrery_courier::message::{Channel, Content, Dispatch, Message, MessageStatus};
use serde_json::json;

use crate::store::ImportedMessage;

/// Longest recipient, in bytes, and longest error of an attempt, in characters, as everywhere.
const MAX_RECIPIENT: usize = 320;
const MAX_ERROR: usize = 1000;

/// Whether a message is history.
pub(super) enum State {
    /// It is.
    Over(MessageStatus),
    /// Kratos will still send it.
    UnderWay,
}

/// What Kratos has done with it.
///
/// # Errors
/// For a status that nobody knows.
pub(super) fn state(row: &Row) -> Result<State, Unreadable> {
    match row.number("status") {
        Some(1 | 3) => Ok(State::UnderWay),
        Some(2) => Ok(State::Over(MessageStatus::Sent)),
        Some(4) => Ok(State::Over(MessageStatus::Abandoned)),
        Some(_) | None => Err(Unreadable("status")),
    }
}

/// Whose message it becomes, and under which secrets it is sealed.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) project: ProjectId,
    pub(super) keyring: &'a Keyring,
    pub(super) entropy: &'a dyn Entropy,
}

/// The message of a row and the attempts to deliver it.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(
    row: &Row,
    dispatches: &[Row],
    status: MessageStatus,
    expires_at: Timestamp,
    place: Place<'_>,
) -> Result<ImportedMessage, Unreadable> {
    let id = MessageId::from_uuid(row.needed_id("id")?);
    let created_at = row.needed_moment("created_at")?;
    let content = Content {
        subject: row.text("subject").unwrap_or_default().chars().filter(|c| !c.is_control()).collect(),
        text: row.text("body").unwrap_or_default().to_owned(),
        html: None,
        locale: "en".to_owned(),
        // Their variables have other names; nobody renders them again.
        template_data: json!({}),
        request_headers: BTreeMap::new(),
        useless_after: None,
    };
    let content = content.seal(place.project, id, place.keyring, place.entropy).map_err(|_| Unreadable("body"))?;
    let recipient = row.needed_text("recipient")?;
    if recipient.len() > MAX_RECIPIENT || recipient.chars().any(char::is_control) {
        return Err(Unreadable("recipient"));
    }
    let message = Message {
        id,
        status,
        channel: match row.number("type") {
            Some(1) => Channel::Email,
            Some(2) => Channel::Sms,
            Some(_) | None => return Err(Unreadable("type")),
        },
        recipient: recipient.to_owned(),
        template_type: row.needed_text("template_type")?.parse().map_err(|_| Unreadable("template_type"))?,
        content,
        send_count: row.number("send_count").and_then(|count| u32::try_from(count).ok()).unwrap_or_default(),
        created_at,
        updated_at: row.moment("updated_at")?.unwrap_or(created_at),
        send_after: created_at,
    };
    let dispatches = dispatches.iter().map(dispatch).collect::<Result<_, _>>()?;
    Ok(ImportedMessage { message, expires_at, dispatches })
}

fn dispatch(row: &Row) -> Result<Dispatch, Unreadable> {
    let error = row.document("error").ok().flatten();
    let said = error.as_ref().and_then(|error| error.get("message")).or(error.as_ref());
    let said = said.map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned));
    Ok(Dispatch {
        id: DispatchId::from_uuid(row.needed_id("id")?),
        status: row.needed_text("status")?.parse().map_err(|_| Unreadable("status"))?,
        error: said.map(|said| said.chars().take(MAX_ERROR).collect()),
        created_at: row.needed_moment("created_at")?,
    })
}
