//! Traits as form fields: what a page shows, and what the text that it sends means.

use serde_json::{Map, Number, Value};

use super::document::Node;
use super::extension::{Extension, KEY};
use crate::flow::node::{Autocomplete, InputType};

/// Most choices that a field offers.
const MAX_CHOICES: usize = 500;

/// The form field of one trait.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Node name: `traits.` and the members down to the trait, with dots.
    pub name: String,
    /// Members down to the trait.
    pub(super) path: Vec<String>,
    /// What kind of input it is.
    pub kind: InputType,
    /// The type of its value.
    pub value_type: ValueType,
    /// Label, when the schema has a title.
    pub title: Option<String>,
    /// Whether its object requires it.
    pub required: bool,
    /// Regular expression that its value matches.
    pub pattern: Option<String>,
    /// Most characters.
    pub max_length: Option<u32>,
    /// The values to choose from; empty for any.
    pub choices: Vec<Value>,
    /// Whether the person cannot change it.
    pub disabled: bool,
    /// What browsers may fill in.
    pub autocomplete: Option<Autocomplete>,
    /// Whether the person signs in with it.
    pub identifier: bool,
}

/// The JSON type of a trait's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueType {
    /// Text.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
}

impl Field {
    /// The field of a schema node; none for lists, objects and nodes that only combine others.
    pub(super) fn of(node: &Node, members: &[&str], required: bool) -> Option<Self> {
        let combines = ["properties", "items", "allOf", "anyOf", "oneOf", "additionalProperties"];
        if combines.iter().any(|keyword| node.get(keyword).is_some()) {
            return None;
        }
        let types = node.get("type");
        let named = types
            .and_then(Node::text)
            .or_else(|| types.map_or(&[][..], Node::items).iter().filter_map(Node::text).find(|name| *name != "null"));
        let value_type = match named {
            Some("number") => ValueType::Number,
            Some("integer") => ValueType::Integer,
            Some("boolean") => ValueType::Boolean,
            Some("object" | "array" | "null") => return None,
            Some(_) => ValueType::Text,
            // A branch that only adds `required` or `const` describes no field of its own.
            None if node.get("format").is_none() && node.get("enum").is_none() && node.get("title").is_none() => {
                return None;
            }
            None => ValueType::Text,
        };
        let (kind, autocomplete) = match (value_type, node.text_at("format")) {
            (ValueType::Number | ValueType::Integer, _) => (InputType::Number, None),
            (ValueType::Boolean, _) => (InputType::Checkbox, None),
            (ValueType::Text, Some("email")) => (InputType::Email, Some(Autocomplete::Email)),
            (ValueType::Text, Some("tel")) => (InputType::Tel, Some(Autocomplete::Tel)),
            (ValueType::Text, Some("uri")) => (InputType::Url, Some(Autocomplete::Url)),
            (ValueType::Text, Some("date")) => (InputType::Date, None),
            (ValueType::Text, Some("date-time")) => (InputType::DatetimeLocal, None),
            (ValueType::Text, _) => (InputType::Text, None),
        };
        let extension: Extension =
            node.get(KEY).and_then(|extension| serde_json::from_value(extension.to_value()).ok()).unwrap_or_default();
        let length = if let Some(Node::Number(length)) = node.get("maxLength") { length.as_u64() } else { None };
        Some(Self {
            name: format!("traits.{}", members.join(".")),
            path: members.iter().map(|member| (*member).to_owned()).collect(),
            kind,
            value_type,
            title: node.text_at("title").filter(|title| !title.is_empty()).map(str::to_owned),
            required,
            pattern: node.text_at("pattern").map(str::to_owned),
            max_length: length.and_then(|length| u32::try_from(length).ok()),
            choices: node
                .get("enum")
                .map_or(&[][..], Node::items)
                .iter()
                .take(MAX_CHOICES)
                .map(Node::to_value)
                .collect(),
            disabled: node.get("disableFormField") == Some(&Node::Bool(true)),
            autocomplete,
            identifier: extension.is_identifier(),
        })
    }

    /// This trait's value.
    #[must_use]
    pub fn value<'a>(&self, traits: &'a Map<String, Value>) -> Option<&'a Value> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(traits.get(first)?, |value, member| value.get(member))
    }
}

/// Gives the text of a submitted form the types that the schema expects. Text that is no number or boolean stays text,
/// for validation to refuse; an empty text field counts as not filled in.
pub(super) fn coerce(fields: &[Field], traits: &mut Map<String, Value>) {
    for field in fields {
        let Some((last, parents)) = field.path.split_last() else { continue };
        let parent = parents.iter().try_fold(&mut *traits, |object, member| object.get_mut(member)?.as_object_mut());
        let Some(parent) = parent else { continue };
        let Some(Value::String(text)) = parent.get(last) else { continue };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            parent.remove(last);
            continue;
        }
        let typed = match field.value_type {
            ValueType::Text => None,
            ValueType::Integer => trimmed.parse::<i64>().ok().map(Value::from),
            ValueType::Number => trimmed
                .parse::<i64>()
                .map(Number::from)
                .ok()
                .or_else(|| trimmed.parse::<f64>().ok().and_then(Number::from_f64))
                .map(Value::Number),
            ValueType::Boolean => match trimmed {
                "true" | "on" | "1" => Some(Value::Bool(true)),
                "false" | "off" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
        };
        if let Some(typed) = typed {
            parent.insert(last.clone(), typed);
        }
    }
    // An object whose every field was left empty was not filled in either.
    traits.retain(|_, value| !value.as_object().is_some_and(Map::is_empty));
}
