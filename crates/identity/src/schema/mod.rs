//! Identity schemas: which traits an identity has, which of them sign in, and which can be verified or recovered.
//!
//! The server hands over the documents; nothing here reads a file or an address. A schema is a JSON Schema of
//! draft 7 for an object with a member `traits`, whose traits may carry the extension `ory.sh/kratos`. Patterns run on
//! an engine whose time is linear in the text, so no pattern can be made to hang.

mod derive;
mod document;
mod errors;
mod extension;
mod form;
pub mod normalize;
mod walk;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use derive::Derived;
pub use errors::TraitError;
pub use form::{Field, ValueType};

/// Largest schema document, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of traits and of references to each other.
const MAX_DEPTH: usize = 32;
/// Most errors that one validation reports.
const MAX_ERRORS: usize = 50;
/// Largest compiled pattern, in bytes.
const MAX_PATTERN: usize = 1024 * 1024;

/// One identity schema, ready to use.
pub struct IdentitySchema {
    id: String,
    document: Box<RawValue>,
    validator: Validator,
    traits: walk::Traits,
}

/// Why a document cannot serve as identity schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSchema {
    /// Larger than [`MAX_BYTES`].
    #[error("the document is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not JSON.
    #[error("the document is not JSON: {0}")]
    NotJson(String),
    /// No `properties.traits` with at least one property.
    #[error("the document describes no traits: it needs \"properties\": {{\"traits\": {{\"properties\": …}}}}")]
    NoTraits,
    /// The extension of a trait has a misspelt or ill-typed member.
    #[error("the extension \"ory.sh/kratos\" of {path} is not understood: {problem}")]
    Extension {
        /// The trait.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// A reference leads nowhere or outside the document.
    #[error("the reference \"{0}\" does not point into this document; remote references are not followed")]
    Reference(String),
    /// Nested or branched beyond what is sensible.
    #[error("the document is nested too deeply or has too many traits")]
    TooComplex,
    /// Not a valid JSON Schema.
    #[error("the document is not a valid JSON Schema: {0}")]
    Schema(String),
}

impl IdentitySchema {
    /// Parses and compiles a document.
    ///
    /// # Errors
    /// Names what is wrong with the document.
    pub fn parse(id: impl Into<String>, document: &str) -> Result<Self, InvalidSchema> {
        if document.len() > MAX_BYTES {
            return Err(InvalidSchema::TooLarge);
        }
        let root: document::Node =
            serde_json::from_str(document).map_err(|error| InvalidSchema::NotJson(error.to_string()))?;
        let traits = walk::walk(&root)?;
        let mut schema = root.to_value();
        if let Some(object) = schema.as_object_mut() {
            // The draft is fixed, and a foreign base address would only redirect local references.
            object.remove("$schema");
            object.remove("$id");
        }
        let validator = jsonschema::options()
            .with_draft(Draft::Draft7)
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(MAX_PATTERN))
            .with_format("tel", |text: &str| normalize::phone(text).is_some())
            .with_format("email_loose", |text: &str| text.contains('@'))
            .with_format("no-validate", |_: &str| true)
            .build(&schema)
            .map_err(|error| InvalidSchema::Schema(error.to_string()))?;
        let document = RawValue::from_string(document.to_owned());
        let document = document.map_err(|error| InvalidSchema::NotJson(error.to_string()))?;
        Ok(Self { id: id.into(), document, validator, traits })
    }

    /// The schema's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The document as it was given.
    #[must_use]
    pub fn document(&self) -> &str {
        self.document.get()
    }

    /// The document as it was given, to be written into other JSON without parsing it again.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        &self.document
    }

    /// Form fields in schema order.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.traits.fields
    }

    /// The title of the trait that people sign in with, when exactly one such trait has a title.
    #[must_use]
    pub fn identifier_title(&self) -> Option<&str> {
        let mut titles = self.traits.rules.iter().filter(|rule| rule.extension.is_identifier());
        let title = titles.find_map(|rule| rule.title.as_deref())?;
        titles.all(|rule| rule.title.is_none()).then_some(title)
    }

    /// Gives the text of a submitted form the types that the schema expects, and drops empty text fields.
    pub fn coerce(&self, traits: &mut Map<String, Value>) {
        form::coerce(&self.traits.fields, traits);
    }

    /// Checks traits and derives identifiers and addresses from them. Phone numbers are rewritten to E.164.
    ///
    /// # Errors
    /// Everything that is wrong, at most fifty things.
    pub fn check(&self, traits: &mut Map<String, Value>) -> Result<Derived, Vec<TraitError>> {
        let mut document = Map::new();
        document.insert("traits".to_owned(), Value::Object(std::mem::take(traits)));
        let document = Value::Object(document);
        let errors: Vec<_> = self
            .validator
            .iter_errors(&document)
            .take(MAX_ERRORS)
            .map(|error| errors::from_validation(&error))
            .collect();
        if let Value::Object(mut document) = document
            && let Some(Value::Object(checked)) = document.remove("traits")
        {
            *traits = checked;
        }
        if errors.is_empty() { derive::derive(&self.traits.rules, traits) } else { Err(errors) }
    }
}

impl fmt::Debug for IdentitySchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentitySchema").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The schemas of a project, in configured order.
#[derive(Debug, Clone, Default)]
pub struct Schemas(Vec<Arc<IdentitySchema>>);

impl Schemas {
    /// A set of schemas; of two with the same id the first counts.
    #[must_use]
    pub fn new(schemas: Vec<IdentitySchema>) -> Self {
        Self(schemas.into_iter().map(Arc::new).collect())
    }

    /// The schema of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<IdentitySchema>> {
        self.0.iter().find(|schema| schema.id == id)
    }

    /// Every schema.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<IdentitySchema>> {
        self.0.iter()
    }
}
