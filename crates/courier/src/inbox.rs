//! Messages with their contents, for the development inbox and for operators who run in development mode.

use orrery_core::id::MessageId;
use orrery_core::{Keyring, Page, PageRequest, ProjectId, StoreError};

use crate::message::{Content, Dispatch, Message, MessageFilter};
use crate::store::MessageStore;

/// A message that has been opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedMessage {
    /// The message.
    pub message: Message,
    /// What it says; none when it was sealed under a secret that is no longer configured.
    pub content: Option<Content>,
}

/// The project's messages, newest first.
///
/// # Errors
/// When storage fails.
pub async fn list(
    store: &dyn MessageStore,
    keyring: &Keyring,
    project: ProjectId,
    filter: &MessageFilter,
    page: &PageRequest,
) -> Result<Page<OpenedMessage>, StoreError> {
    let page = store.messages_list(project, filter, page).await?;
    Ok(page.map(|message| open(message, keyring, project)))
}

/// One message of the project with its dispatches, oldest first.
///
/// # Errors
/// When storage fails.
pub async fn get(
    store: &dyn MessageStore,
    keyring: &Keyring,
    project: ProjectId,
    id: MessageId,
) -> Result<Option<(OpenedMessage, Vec<Dispatch>)>, StoreError> {
    let found = store.message_find(project, id).await?;
    Ok(found.map(|(message, dispatches)| (open(message, keyring, project), dispatches)))
}

fn open(message: Message, keyring: &Keyring, project: ProjectId) -> OpenedMessage {
    let content = message.content.open(project, message.id, keyring).ok();
    OpenedMessage { message, content }
}
