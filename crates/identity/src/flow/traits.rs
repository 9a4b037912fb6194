//! Traits as nodes.

use serde_json::{Map, Value, json};

use super::catalogue;
use super::node::{Choice, Group, Input, Node};
use crate::schema::Field;

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
