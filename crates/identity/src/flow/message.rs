//! Numbered messages: the ids are a contract that front ends match on; the texts are ours.
//!
//! [`super::catalogue`] lists every message. A use case fills one in (`catalogue::TOO_SHORT.with([…])`) and places it
//! on a node or on the whole form.

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

impl Message {
    /// This message for the whole form.
    #[must_use]
    pub fn on_form(self) -> PlacedMessage {
        PlacedMessage { node: None, message: self }
    }

    /// This message at the node of that name.
    #[must_use]
    pub fn on_node(self, name: impl Into<String>) -> PlacedMessage {
        PlacedMessage { node: Some(name.into()), message: self }
    }
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

/// A message of the catalogue before its values are filled in.
#[derive(Debug, PartialEq, Eq)]
pub struct Template {
    /// Stable for ever.
    pub id: u32,
    /// What kind of message it is.
    pub kind: MessageType,
    /// English text; `{key}` stands for the value of that key.
    pub text: &'static str,
    /// The keys that its context has.
    pub keys: &'static [&'static str],
}

impl Template {
    /// A message without values.
    #[must_use]
    pub fn message(&self) -> Message {
        self.with([])
    }

    /// A message with its values, one for each of [`Template::keys`].
    #[must_use]
    pub fn with<const N: usize>(&self, values: [(&str, Value); N]) -> Message {
        let context: Map<_, _> = values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        debug_assert!(
            context.len() == self.keys.len() && self.keys.iter().all(|key| context.contains_key(*key)),
            "message {} needs exactly {:?}",
            self.id,
            self.keys
        );
        Message { id: self.id, text: fill(self.text, &context), kind: self.kind, context }
    }
}

/// Replaces each `{key}` once, in one pass: a value that looks like a placeholder stays as it is.
fn fill(text: &str, values: &Map<String, Value>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((key, after)) = after.split_once('}') else { break };
        match values.get(key) {
            Some(Value::String(value)) => out.push_str(value),
            Some(Value::Array(values)) => {
                let values: Vec<_> = values
                    .iter()
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                    .collect();
                out.push_str(&values.join(", "));
            }
            Some(value) => out.push_str(&value.to_string()),
            None => {}
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::catalogue;

    #[test]
    fn a_value_is_never_expanded_again() {
        let message = catalogue::LOGIN_WITH_PROVIDER
            .with([("provider", json!("{provider_id} {x")), ("provider_id", json!("evil"))]);
        assert_eq!(message.text, "Sign in with {provider_id} {x");
    }

    #[test]
    fn numbers_are_written_plainly() {
        let message = catalogue::TOO_SHORT.with([("min_length", json!(8)), ("actual_length", json!(3))]);
        assert_eq!(message.text, "Please use at least 8 characters; there are only 3.");
    }
}
