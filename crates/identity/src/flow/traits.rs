//! Traits as nodes.

use serde_json::{Map, Value, json};

use super::node::{Choice, Group, Input, Node};
use super::steps::invalid;
use super::{Encoding, PlacedMessage, Submission, catalogue};
use crate::schema::{Field, IdentitySchema};

/// Traits beyond this many bytes of JSON are refused: they are kept in the flow between submits.
const MAX_TRAITS: usize = 64 * 1024;

/// The traits of a submit, if it carries any.
///
/// # Errors
/// What is wrong with them, for the form.
pub fn submitted(schema: &IdentitySchema, submitted: &Submission) -> Result<Option<Map<String, Value>>, PlacedMessage> {
    let mut traits = match submitted.value("traits") {
        Some(Value::Object(traits)) => traits.clone(),
        None => return Ok(None),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            return Err(invalid("The traits must be an object."));
        }
    };
    if json!(traits).to_string().len() > MAX_TRAITS {
        return Err(invalid("The traits are too large."));
    }
    if submitted.encoding() == Encoding::Form {
        schema.coerce(&mut traits);
    }
    Ok(Some(traits))
}

/// The field of a trait, with its present value.
#[must_use]
pub fn field(field: &Field, group: Group, traits: &Map<String, Value>) -> Node {
    let mut input = Input::new(&field.name, field.kind);
    input.value = field.value(traits).cloned();
    input.required = field.required;
    input.autocomplete = field.autocomplete;
    input.pattern.clone_from(&field.pattern);
    input.disabled = field.disabled;
    input.maxlength = field.max_length;
    input.options = field.choices.iter().map(|value| Choice { value: value.clone() }).collect();
    let node = input.node(group);
    match &field.title {
        Some(title) => {
            node.labelled(catalogue::LABEL_TRAIT.with([("title", json!(title)), ("name", json!(field.name))]))
        }
        None => node,
    }
}

/// A trait that is filled in already, carried along unseen. Nothing for one that is not.
#[must_use]
pub fn hidden(field: &Field, group: Group, traits: &Map<String, Value>) -> Option<Node> {
    field.value(traits).map(|value| Input::hidden(&field.name, value.clone()).node(group))
}
