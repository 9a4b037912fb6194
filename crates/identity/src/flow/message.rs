//! Numbered messages: the ids are a contract that front ends match on; the texts are ours.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageType {
    /// For information.
    Info,
    /// Something has to be corrected.
    Error,
    /// Something was done.
    Success,
}

/// One message to the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Stable for ever.
    pub id: u32,
    /// English text; pages translate by id and context.
    pub text: String,
    /// What kind of message it is.
    #[serde(rename = "type")]
    pub kind: MessageType,
    /// Values that the text mentions.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// A message and the node it stands at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlacedMessage {
    /// Node name such as `traits.email`; none for the whole form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The message.
    pub message: Message,
}
