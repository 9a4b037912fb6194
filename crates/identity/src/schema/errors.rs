//! What is wrong with traits, as numbered messages at the fields concerned.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::types::JsonType;
use serde_json::{Value, json};

use crate::flow::catalogue;
use crate::flow::message::{Message, PlacedMessage};

/// Longest text of a caller that a message repeats, in characters.
const MAX_QUOTED: usize = 128;
/// Longest node name, in bytes. What is wrong further down is reported for the traits as a whole.
const MAX_NODE: usize = 512;
/// Most items that are compared to name the two that are equal.
const MAX_COMPARED: usize = 1_000;

/// One thing that is wrong with traits.
#[derive(Debug, Clone, PartialEq)]
pub struct TraitError {
    /// The node of the form that it concerns, such as `traits.name.first`; `traits` for the traits as a whole.
    pub node: String,
    /// The schema keyword that refused the value.
    pub keyword: String,
    /// The numbered message; its context holds the keyword's parameters.
    pub message: Message,
}

impl TraitError {
    /// The message at its node, for a flow.
    #[must_use]
    pub fn placed(self) -> PlacedMessage {
        if self.node == "traits" { self.message.on_form() } else { self.message.on_node(self.node) }
    }

    pub(super) fn new(pointer: &str, keyword: &str, message: Message) -> Self {
        Self { node: node(pointer), keyword: keyword.to_owned(), message }
    }
}

/// From the validator's error, whose pointer begins at the document that holds `traits`.
pub(super) fn from_validation(error: &ValidationError<'_>) -> TraitError {
    let pointer = error.instance_path().as_str();
    let instance = error.instance();
    let keyword = error.kind().keyword();
    if let ValidationErrorKind::Required { property: Value::String(property) } = error.kind() {
        let pointer = format!("{pointer}/{}", property.replace('~', "~0").replace('/', "~1"));
        return TraitError::new(&pointer, keyword, catalogue::REQUIRED.with([("property", json!(property))]));
    }
    TraitError::new(pointer, keyword, message(error.kind(), instance))
}

fn message(kind: &ValidationErrorKind, value: &Value) -> Message {
    use ValidationErrorKind as Kind;
    let characters = || json!(value.as_str().map_or(0, |text| text.chars().count()));
    let items = || json!(value.as_array().map_or(0, Vec::len));
    match kind {
        Kind::MinLength { limit } => {
            catalogue::TOO_SHORT.with([("min_length", json!(limit)), ("actual_length", characters())])
        }
        Kind::MaxLength { limit } => {
            catalogue::TOO_LONG.with([("max_length", json!(limit)), ("actual_length", characters())])
        }
        Kind::Pattern { pattern } => catalogue::PATTERN_MISMATCH.with([("pattern", json!(pattern))]),
        Kind::Minimum { limit } => {
            catalogue::BELOW_MINIMUM.with([("minimum", limit.clone()), ("actual", value.clone())])
        }
        Kind::ExclusiveMinimum { limit } => {
            catalogue::NOT_ABOVE_MINIMUM.with([("minimum", limit.clone()), ("actual", value.clone())])
        }
        Kind::Maximum { limit } => {
            catalogue::ABOVE_MAXIMUM.with([("maximum", limit.clone()), ("actual", value.clone())])
        }
        Kind::ExclusiveMaximum { limit } => {
            catalogue::NOT_BELOW_MAXIMUM.with([("maximum", limit.clone()), ("actual", value.clone())])
        }
        Kind::MultipleOf { multiple_of } => {
            catalogue::NOT_A_MULTIPLE.with([("base", json!(multiple_of)), ("actual", value.clone())])
        }
        Kind::MaxItems { limit } => {
            catalogue::TOO_MANY_ITEMS.with([("max_items", json!(limit)), ("actual_items", items())])
        }
        Kind::AdditionalItems { limit } => {
            catalogue::TOO_MANY_ITEMS.with([("max_items", json!(limit)), ("actual_items", items())])
        }
        Kind::MinItems { limit } => {
            catalogue::TOO_FEW_ITEMS.with([("min_items", json!(limit)), ("actual_items", items())])
        }
        Kind::UniqueItems => {
            let (a, b) = duplicates(value);
            catalogue::DUPLICATE_ITEMS.with([("index_a", json!(a)), ("index_b", json!(b))])
        }
        Kind::Type { kind } => catalogue::WRONG_TYPE
            .with([("allowed_types", json!(allowed(kind))), ("actual_type", json!(JsonType::from(value).as_str()))]),
        Kind::Constant { expected_value } => {
            catalogue::NOT_THE_CONSTANT.with([("expected", expected_value.as_ref().clone())])
        }
        Kind::Format { format } if format == "email" || format == "email_loose" => {
            catalogue::INVALID_EMAIL.with([("value", quoted(value))])
        }
        Kind::Format { format } if format == "tel" => catalogue::INVALID_PHONE.with([("value", quoted(value))]),
        Kind::Format { format } => invalid(format!("This is not a valid {format}.")),
        Kind::Enum { options } => invalid(format!("This must be one of {options}.")),
        Kind::AdditionalProperties { unexpected } => {
            let names: Vec<_> = unexpected.iter().take(5).map(|name| cut(name)).collect();
            invalid(format!("The schema does not know: {}.", names.join(", ")))
        }
        Kind::Required { .. } => invalid("A required value is missing.".to_owned()),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            invalid("This matches none of the forms that are allowed here.".to_owned())
        }
        Kind::OneOfMultipleValid { .. } => {
            invalid("This matches several of the forms that exclude each other here.".to_owned())
        }
        Kind::MaxProperties { limit } => invalid(format!("At most {limit} members are allowed.")),
        Kind::MinProperties { limit } => invalid(format!("At least {limit} members are needed.")),
        Kind::FalseSchema => invalid("Nothing is allowed here.".to_owned()),
        Kind::BacktrackLimitExceeded { .. }
        | Kind::RegexEngineFailure { .. }
        | Kind::Contains
        | Kind::ContentEncoding { .. }
        | Kind::ContentMediaType { .. }
        | Kind::Custom { .. }
        | Kind::FromUtf8 { .. }
        | Kind::Not { .. }
        | Kind::PropertyNames { .. }
        | Kind::UnevaluatedItems { .. }
        | Kind::UnevaluatedProperties { .. }
        | Kind::Referencing(_) => invalid(format!("This breaks the rule \"{}\" of the schema.", kind.keyword())),
    }
}

/// A value as a message repeats it: long text is cut, so that nobody can fill a flow with it.
pub(super) fn quoted(value: &Value) -> Value {
    value.as_str().map_or(Value::Null, |text| Value::String(cut(text)))
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_QUOTED).collect()
}

fn invalid(reason: String) -> Message {
    catalogue::INVALID.with([("reason", json!(reason))])
}

fn allowed(kind: &TypeKind) -> Vec<&'static str> {
    match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(several) => several.iter().map(|kind| kind.as_str()).collect(),
    }
}

/// The first two places with equal items.
fn duplicates(value: &Value) -> (usize, usize) {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    let items = &items[..items.len().min(MAX_COMPARED)];
    let pair = (0..items.len()).find_map(|a| (a + 1..items.len()).find(|b| items[a] == items[*b]).map(|b| (a, b)));
    pair.unwrap_or_default()
}

/// A JSON pointer as a node name: `/traits/name/first` is `traits.name.first`.
fn node(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
    if parts.is_empty() || pointer.len() > MAX_NODE { "traits".to_owned() } else { parts.join(".") }
}
