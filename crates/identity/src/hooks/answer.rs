//! What the answer of a hook says (`response.parse`).

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::flow::PlacedMessage;
use crate::flow::message::{Message, MessageType};

/// Objections are kept in the flow: no more than so many bytes of them.
const MAX_OBJECTIONS: usize = 64 * 1024;
/// Longest node name, in bytes. What is said about something further down is said about the whole form.
const MAX_NODE: usize = 512;

/// What an answer says.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// Go on.
    GoOn,
    /// Go on, with an identity that is changed like this.
    Change(Value),
    /// Do not go on, and say this.
    Object(Vec<PlacedMessage>),
}

#[derive(Deserialize)]
struct Objections {
    messages: Vec<Objection>,
}

/// What is said about one place of the form.
#[derive(Deserialize)]
struct Objection {
    #[serde(default)]
    instance_ptr: String,
    #[serde(default)]
    messages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    id: u32,
    text: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    context: Option<Map<String, Value>>,
}

/// Understands an answer.
///
/// # Errors
/// Why it says neither yes nor no.
pub(super) fn understand(status: u16, body: &[u8]) -> Result<Answer, String> {
    match status {
        200 => {
            let value: Value = serde_json::from_slice(body).map_err(|_| "its body is not JSON".to_owned())?;
            if holds_null_character(body) {
                return Err("it has the character U+0000, which cannot be stored".to_owned());
            }
            match value.get("identity") {
                None | Some(Value::Null) => Ok(Answer::GoOn),
                Some(identity @ Value::Object(_)) => Ok(Answer::Change(identity.clone())),
                Some(_) => Err("its member identity is not an object".to_owned()),
            }
        }
        201..=299 => Ok(Answer::GoOn),
        400..=599 => objections(body).map(Answer::Object).ok_or_else(|| format!("it has the status {status}")),
        _ => Err(format!("it has the status {status}")),
    }
}

/// Whether a body holds objections that can be told.
pub(super) fn objects(body: &[u8]) -> bool {
    objections(body).is_some()
}

fn objections(body: &[u8]) -> Option<Vec<PlacedMessage>> {
    if body.len() > MAX_OBJECTIONS || holds_null_character(body) {
        return None;
    }
    let said: Objections = serde_json::from_slice(body).ok()?;
    let placed: Vec<_> = said.messages.into_iter().flat_map(Objection::placed).collect();
    (!placed.is_empty()).then_some(placed)
}

/// PostgreSQL cannot store it.
fn holds_null_character(body: &[u8]) -> bool {
    body.windows(6).any(|bytes| bytes == b"\\u0000")
}

impl Objection {
    fn placed(self) -> impl Iterator<Item = PlacedMessage> {
        let node = node(&self.instance_ptr);
        self.messages.into_iter().map(move |said| {
            let kind = if said.kind == "error" { MessageType::Error } else { MessageType::Info };
            let message = Message { id: said.id, text: said.text, kind, context: said.context.unwrap_or_default() };
            PlacedMessage { node: node.clone(), message }
        })
    }
}

/// The node that a JSON pointer (`#/traits/email`) names; none for the whole form.
fn node(pointer: &str) -> Option<String> {
    let path = pointer.strip_prefix('#').unwrap_or(pointer).strip_prefix('/')?;
    let segments = path.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~"));
    Some(segments.collect::<Vec<_>>().join(".")).filter(|name| !name.is_empty() && name.len() <= MAX_NODE)
}

/// The words of objections, for whoever sees no form.
pub(crate) fn words(messages: &[PlacedMessage]) -> String {
    messages.iter().map(|placed| placed.message.text.as_str()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn objected(answer: Result<Answer, String>) -> Vec<(Option<String>, u32, MessageType)> {
        let Ok(Answer::Object(placed)) = answer else { panic!("{answer:?}") };
        placed.into_iter().map(|placed| (placed.node, placed.message.id, placed.message.kind)).collect()
    }

    #[test]
    fn objections_stand_where_they_point_to() {
        let body = json!({"messages": [
            {"instance_ptr": "#/traits/email", "messages": [
                {"id": 1234, "text": "No.", "type": "error", "context": {"a": 1}},
                {"id": 1235, "text": "Look.", "type": "validation"},
            ]},
            {"instance_ptr": "#/traits/a~1b/c", "messages": [{"id": 1, "text": "x", "type": "info"}]},
            {"instance_ptr": "#/", "messages": [{"id": 2, "text": "x", "type": "error"}]},
            {"messages": [{"id": 3, "text": "x", "type": "error"}]},
        ]});
        let node = |name: &str| Some(name.to_owned());
        assert_eq!(
            objected(understand(400, body.to_string().as_bytes())),
            [
                (node("traits.email"), 1234, MessageType::Error),
                (node("traits.email"), 1235, MessageType::Info),
                (node("traits.a/b.c"), 1, MessageType::Info),
                (None, 2, MessageType::Error),
                (None, 3, MessageType::Error),
            ]
        );
    }

    #[test]
    fn two_hundred_is_json_and_may_change_the_identity() {
        assert_eq!(understand(200, b"{}"), Ok(Answer::GoOn));
        assert_eq!(understand(204, b""), Ok(Answer::GoOn));
        let change = json!({"traits": {"a": 1}});
        let body = json!({"identity": change}).to_string();
        assert_eq!(understand(200, body.as_bytes()), Ok(Answer::Change(change)));
        for body in [&b""[..], b"no", b"{\"identity\": 1}", b"{\"identity\": {\"a\": \"\\u0000\"}}"] {
            assert!(understand(200, body).is_err(), "{body:?}");
        }
    }

    #[test]
    fn whatever_says_neither_yes_nor_no_is_a_failure() {
        let negative = json!({"messages": [{"messages": [{"id": -1, "text": "x"}]}]}).to_string();
        let endless = json!({"messages": [{"messages": [{"id": 1, "text": "x".repeat(70_000)}]}]}).to_string();
        for body in ["", "{}", "{\"messages\": []}", "{\"messages\": [{\"messages\": []}]}", &negative, &endless] {
            assert!(understand(400, body.as_bytes()).is_err(), "{body:.40}");
        }
        for status in [100, 301, 302, 304] {
            assert!(understand(status, b"{}").is_err(), "{status}");
        }
    }
}
