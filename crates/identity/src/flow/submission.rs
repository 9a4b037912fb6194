//! What was submitted to a flow, whatever the encoding.

use std::fmt;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::FlowMethod;

/// How the fields were sent. Forms know only text: numbers and booleans are recognised by the schema, and an empty
/// field is an absent one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// `application/json`.
    Json,
    /// A form.
    Form,
}

/// The fields of one submit, with dotted names nested.
#[derive(Clone)]
pub struct Submission {
    fields: Map<String, Value>,
    encoding: Encoding,
}

// The fields may hold a password.
impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Submission({:?}, {:?})", self.encoding, self.fields.keys())
    }
}

/// What the `method` field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// A method of the contract, whether or not it is on.
    Method(FlowMethod),
    /// The second page of a login that asks for the identifier first: a method in name only.
    Identifier,
    /// Nothing, or a word that is no method.
    Nothing,
}

impl Submission {
    /// From decoded fields.
    #[must_use]
    pub const fn new(fields: Map<String, Value>, encoding: Encoding) -> Self {
        Self { fields, encoding }
    }

    /// Every field.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// How the fields were sent.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// A text field; an empty one is absent.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// A secret text field; an empty one is absent.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// A field of any type.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// The anti-CSRF token.
    #[must_use]
    pub fn csrf_token(&self) -> Option<&str> {
        self.text("csrf_token")
    }

    /// `transient_payload`, which must be an object; anything else is left out.
    #[must_use]
    pub fn transient_payload(&self) -> Option<Value> {
        self.value("transient_payload").filter(|payload| payload.is_object()).cloned()
    }

    /// The method asked for. Fields that only one method has imply it, because old clients omit the name.
    #[must_use]
    pub fn asked(&self) -> Asked {
        let named = match self.text("method") {
            Some("identifier_first") => return Asked::Identifier,
            Some(name) => FlowMethod::from_name(name),
            None if self.text("provider").is_some() => Some(FlowMethod::Oidc),
            None if self.text("address").is_some() => Some(FlowMethod::Code),
            None => None,
        };
        named.map_or(Asked::Nothing, Asked::Method)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn submission(fields: Value) -> Submission {
        let Value::Object(fields) = fields else { panic!("an object") };
        Submission::new(fields, Encoding::Json)
    }

    #[test]
    fn the_method_is_named_or_implied() {
        for (fields, asked) in [
            (json!({"method": "password"}), Asked::Method(FlowMethod::Password)),
            (json!({"method": "lookup_secret"}), Asked::Method(FlowMethod::LookupSecret)),
            (json!({"provider": "google"}), Asked::Method(FlowMethod::Oidc)),
            (json!({"address": "a@b"}), Asked::Method(FlowMethod::Code)),
            (json!({"method": "identifier_first"}), Asked::Identifier),
            (json!({"method": "magic"}), Asked::Nothing),
            (json!({"method": ["password"]}), Asked::Nothing),
            (json!({"password": "x"}), Asked::Nothing),
        ] {
            assert_eq!(submission(fields.clone()).asked(), asked, "{fields}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let text = format!("{:?}", submission(json!({"password": "hunter2"})));
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_transient_payload_is_an_object_or_nothing() {
        assert_eq!(submission(json!({"transient_payload": {"a": 1}})).transient_payload(), Some(json!({"a": 1})));
        assert_eq!(submission(json!({"transient_payload": "a"})).transient_payload(), None);
    }
}
