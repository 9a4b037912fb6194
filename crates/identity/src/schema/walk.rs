//! One walk through a schema document finds every trait, its rules and its form field.

use serde::Deserialize;

use super::document::Node;
use super::extension::{Extension, KEY};
use super::form::Field;
use super::{InvalidSchema, MAX_DEPTH};

/// More traits than any form can show.
const MAX_TRAITS: usize = 1_000;
/// More visits than a schema without runaway references needs.
const MAX_VISITS: usize = 20_000;

/// One step from the traits object down to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of this name.
    Member(String),
    /// Each item.
    Items,
}

/// Where a value stands, what the extension says about it and what its format is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) path: Vec<Step>,
    pub(super) format: Option<String>,
    pub(super) title: Option<String>,
    pub(super) extension: Extension,
}

/// Everything that a schema says about traits, in its own order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Traits {
    pub(super) rules: Vec<Rule>,
    pub(super) fields: Vec<Field>,
}

/// Walks the traits of a document.
///
/// Rules in every branch of `allOf`, `anyOf`, `oneOf`, `then` and `else` count, whichever branch a value takes: a
/// name that can sign in must be unique even when another branch would not have used it.
pub(super) fn walk(root: &Node) -> Result<Traits, InvalidSchema> {
    let traits = root.get("properties").and_then(|properties| properties.get("traits"));
    let traits = traits.ok_or(InvalidSchema::NoTraits)?;
    let mut walk = Walk { root, found: Traits::default(), references: Vec::new(), visits: 0 };
    walk.visit(traits, &mut Vec::new(), false)?;
    if walk.found.fields.is_empty() && walk.found.rules.is_empty() && !has_properties(root, traits) {
        return Err(InvalidSchema::NoTraits);
    }
    Ok(walk.found)
}

fn has_properties(root: &Node, traits: &Node) -> bool {
    let traits = traits.text_at("$ref").and_then(|reference| root.resolve(reference)).unwrap_or(traits);
    traits.get("properties").is_some_and(|properties| properties.members().next().is_some())
}

struct Walk<'a> {
    root: &'a Node,
    found: Traits,
    /// References being followed, so that a recursive schema ends.
    references: Vec<&'a str>,
    visits: usize,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, node: &'a Node, path: &mut Vec<Step>, required: bool) -> Result<(), InvalidSchema> {
        self.visits += 1;
        if path.len() > MAX_DEPTH || self.references.len() > MAX_DEPTH || self.visits > MAX_VISITS {
            return Err(InvalidSchema::TooComplex);
        }
        if let Some(reference) = node.text_at("$ref") {
            return self.follow(reference, path, required);
        }
        if let Some(extension) = node.get(KEY) {
            let extension = Extension::deserialize(extension.to_value())
                .map_err(|error| InvalidSchema::Extension { path: name(path), problem: error.to_string() })?;
            self.found.rules.push(Rule {
                path: path.clone(),
                format: node.text_at("format").map(str::to_owned),
                title: node.text_at("title").map(str::to_owned),
                extension,
            });
        }
        self.field(node, path, required);
        if self.found.fields.len() > MAX_TRAITS || self.found.rules.len() > MAX_TRAITS {
            return Err(InvalidSchema::TooComplex);
        }
        let needed: Vec<&str> =
            node.get("required").map_or(&[][..], Node::items).iter().filter_map(Node::text).collect();
        if let Some(properties) = node.get("properties") {
            for (member, schema) in properties.members() {
                path.push(Step::Member(member.to_owned()));
                self.visit(schema, path, needed.contains(&member))?;
                path.pop();
            }
        }
        if let Some(items) = node.get("items") {
            path.push(Step::Items);
            let several = items.items();
            let one = if several.is_empty() { std::slice::from_ref(items) } else { several };
            for schema in one {
                self.visit(schema, path, false)?;
            }
            path.pop();
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in node.get(keyword).map_or(&[][..], Node::items) {
                self.visit(branch, path, required)?;
            }
        }
        for keyword in ["then", "else"] {
            if let Some(branch) = node.get(keyword) {
                self.visit(branch, path, required)?;
            }
        }
        Ok(())
    }

    fn follow(&mut self, reference: &'a str, path: &mut Vec<Step>, required: bool) -> Result<(), InvalidSchema> {
        if self.references.contains(&reference) {
            return Ok(());
        }
        let target = self.root.resolve(reference);
        let target = target.ok_or_else(|| InvalidSchema::Reference(reference.to_owned()))?;
        self.references.push(reference);
        self.visit(target, path, required)?;
        self.references.pop();
        Ok(())
    }

    fn field(&mut self, node: &Node, path: &[Step], required: bool) {
        let members: Option<Vec<&str>> = path
            .iter()
            .map(|step| match step {
                Step::Member(member) => Some(member.as_str()),
                Step::Items => None,
            })
            .collect();
        let Some(members) = members.filter(|members| !members.is_empty()) else { return };
        let Some(field) = Field::of(node, &members, required) else { return };
        if self.found.fields.iter().all(|known| known.name != field.name) {
            self.found.fields.push(field);
        }
    }
}

fn name(path: &[Step]) -> String {
    let mut name = "traits".to_owned();
    for step in path {
        name.push('.');
        name.push_str(match step {
            Step::Member(member) => member,
            Step::Items => "*",
        });
    }
    name
}
