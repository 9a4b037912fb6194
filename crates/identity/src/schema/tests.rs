use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::credentials::CredentialKind;
use crate::flow::node::{Autocomplete, InputType};
use crate::identity::Via;

const PERSON: &str = r##"{
  "$id": "https://example.org/person.schema.json",
  "$schema": "http://json-schema.org/draft-07/schema#",
  "type": "object",
  "properties": {
    "traits": {
      "type": "object",
      "properties": {
        "email": {
          "type": "string", "format": "email", "title": "E-Mail", "minLength": 3,
          "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}, "code": {"identifier": true, "via": "email"}, "totp": {"account_name": true}},
            "verification": {"via": "email"}, "recovery": {"via": "email"}
          }
        },
        "phone": {
          "type": "string", "format": "tel",
          "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}, "verification": {"via": "sms"}}
        },
        "name": {
          "type": "object",
          "properties": {
            "last": {"type": "string", "title": "Last name", "maxLength": 5},
            "first": {"type": "string", "pattern": "^[A-Z]"}
          },
          "required": ["first"]
        },
        "age": {"type": "integer", "minimum": 18},
        "newsletter": {"type": "boolean", "disableFormField": true},
        "colour": {"$ref": "#/definitions/colour"},
        "aliases": {"type": "array", "uniqueItems": true, "items": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}}
      },
      "required": ["email"],
      "additionalProperties": false
    }
  },
  "definitions": {"colour": {"type": "string", "enum": ["red", "green"], "title": "Colour"}}
}"##;

fn person() -> IdentitySchema {
    IdentitySchema::parse("person", PERSON).expect("valid")
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(object) = value else { panic!("an object") };
    object
}

fn wrong(traits: Value) -> Vec<(String, u32)> {
    let errors = person().check(&mut object(traits)).expect_err("refused");
    errors.into_iter().map(|error| (error.node, error.message.id)).collect()
}

#[test]
fn fields_come_in_schema_order_with_everything_a_form_needs() {
    let schema = person();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "traits.email",
            "traits.phone",
            "traits.name.last",
            "traits.name.first",
            "traits.age",
            "traits.newsletter",
            "traits.colour"
        ]
    );
    let field = |name: &str| schema.fields().iter().find(|field| field.name == name).expect("known").clone();
    let email = field("traits.email");
    assert_eq!((email.kind, email.autocomplete, email.required), (InputType::Email, Some(Autocomplete::Email), true));
    assert_eq!((email.title.as_deref(), email.identifier), (Some("E-Mail"), true));
    assert_eq!(field("traits.age").kind, InputType::Number);
    assert_eq!((field("traits.newsletter").kind, field("traits.newsletter").disabled), (InputType::Checkbox, true));
    assert_eq!(field("traits.colour").choices, [json!("red"), json!("green")]);
    assert_eq!(field("traits.name.first").pattern.as_deref(), Some("^[A-Z]"));
    assert_eq!(field("traits.name.last").max_length, Some(5));
    assert_eq!(schema.identifier_title(), Some("E-Mail"));
}

#[test]
fn identifiers_and_addresses_follow_from_traits() {
    let mut traits =
        object(json!({"email": "Foo@Example.org", "phone": "+49 30 901820", "aliases": ["Bar", "bar", "baz"]}));
    let derived = person().check(&mut traits).expect("valid");
    assert_eq!(traits["phone"], "+4930901820");
    assert_eq!(traits["email"], "Foo@Example.org");
    assert_eq!(derived.identifiers[&CredentialKind::Password], ["foo@example.org", "+4930901820", "bar", "baz"]);
    assert_eq!(derived.identifiers[&CredentialKind::Code], ["foo@example.org"]);
    assert_eq!(derived.code_addresses, [(Via::Email, "foo@example.org".to_owned())]);
    assert_eq!(derived.verifiable, [(Via::Email, "foo@example.org".to_owned()), (Via::Sms, "+4930901820".to_owned())]);
    assert_eq!(derived.recovery, [(Via::Email, "foo@example.org".to_owned())]);
    assert_eq!(derived.totp_account_name.as_deref(), Some("Foo@Example.org"));
}

#[test]
fn every_mistake_lands_on_its_field() {
    for (traits, node, id) in [
        (json!({}), "traits.email", 4_000_002),
        (json!({"email": "a@b", "name": {}}), "traits.name.first", 4_000_002),
        (json!({"email": "nonsense"}), "traits.email", 4_000_040),
        (json!({"email": 7}), "traits.email", 4_000_026),
        (json!({"email": "a@b", "phone": "123"}), "traits.phone", 4_000_041),
        (json!({"email": "a@b", "age": 17}), "traits.age", 4_000_018),
        (json!({"email": "a@b", "name": {"first": "x"}}), "traits.name.first", 4_000_004),
        (json!({"email": "a@b", "name": {"first": "X", "last": "toolong"}}), "traits.name.last", 4_000_017),
        (json!({"email": "a@b", "aliases": ["x", "x"]}), "traits.aliases", 4_000_025),
        (json!({"email": "a@b", "colour": "blue"}), "traits.colour", 4_000_001),
        (json!({"email": "a@b", "unknown": 1}), "traits", 4_000_001),
    ] {
        assert!(wrong(traits.clone()).contains(&(node.to_owned(), id)), "{traits}: {:?}", wrong(traits.clone()));
    }
    let errors = person().check(&mut object(json!({"email": 7}))).expect_err("refused");
    assert_eq!(errors[0].message.context["allowed_types"], json!(["string"]));
}

#[test]
fn a_refusal_stays_small_and_quick_whatever_was_sent() {
    let long = "x".repeat(1_000_000);
    let many: Vec<_> = (0..100_000).chain([0]).map(|number| json!(number.to_string())).collect();
    for traits in [json!({"email": long}), json!({"email": "a@b", "aliases": many}), json!({"email": "a@b", long: 1})] {
        let errors = person().check(&mut object(traits)).expect_err("refused");
        assert!(json!(errors.iter().map(|error| &error.message).collect::<Vec<_>>()).to_string().len() < 10_000);
        assert!(errors.iter().all(|error| error.node.len() < 600));
    }
}

#[test]
fn refused_traits_are_left_as_they_were() {
    let mut traits = object(json!({"email": "nonsense", "age": 1}));
    let before = traits.clone();
    assert!(person().check(&mut traits).is_err());
    assert_eq!(traits, before);
}

#[test]
fn form_text_becomes_what_the_schema_expects() {
    let mut traits = object(json!({
        "email": " ", "age": "42", "newsletter": "true", "colour": "red", "name": {"first": "", "last": ""},
    }));
    person().coerce(&mut traits);
    assert_eq!(Value::Object(traits), json!({"age": 42, "newsletter": true, "colour": "red"}));
    let mut traits = object(json!({"age": "many", "newsletter": "perhaps"}));
    person().coerce(&mut traits);
    assert_eq!(Value::Object(traits), json!({"age": "many", "newsletter": "perhaps"}));
}

fn schema_of(traits: &str) -> Result<IdentitySchema, InvalidSchema> {
    IdentitySchema::parse("x", &format!(r#"{{"properties": {{"traits": {traits}}}}}"#))
}

#[test]
fn misspelt_rules_are_refused_with_their_place() {
    let error =
        schema_of(r#"{"properties": {"a": {"type": "string", "ory.sh/kratos": {"credentials": {"pasword": {}}}}}}"#);
    assert!(error.expect_err("refused").to_string().contains("traits.a"));
    let error = schema_of(r#"{"properties": {"a": {"ory.sh/kratos": {"verification": {"via": "fax"}}}}}"#);
    assert!(matches!(error, Err(InvalidSchema::Extension { .. })));
}

#[test]
fn hostile_schemas_are_refused() {
    assert!(matches!(IdentitySchema::parse("x", "{"), Err(InvalidSchema::NotJson(_))));
    assert!(matches!(IdentitySchema::parse("x", "{}"), Err(InvalidSchema::NoTraits)));
    assert!(matches!(schema_of(r#"{"type": "object"}"#), Err(InvalidSchema::NoTraits)));
    assert!(matches!(IdentitySchema::parse("x", &" ".repeat(MAX_BYTES + 1)), Err(InvalidSchema::TooLarge)));
    for reference in ["https://evil.example/schema.json", "file:///etc/passwd", "#/nowhere", "other.json"] {
        let schema = schema_of(&format!(r#"{{"properties": {{"a": {{"$ref": "{reference}"}}}}}}"#));
        assert!(matches!(schema, Err(InvalidSchema::Reference(_))), "{reference}");
    }
    assert!(matches!(schema_of(r#"{"properties": {"a": {"type": "strin"}}}"#), Err(InvalidSchema::Schema(_))));
    let lookahead = schema_of(r#"{"properties": {"a": {"type": "string", "pattern": "(?=a)b"}}}"#);
    assert!(matches!(lookahead, Err(InvalidSchema::Schema(_))));
    let deep = format!("{}{{}}{}", r#"{"properties": {"a": "#.repeat(40), "}}".repeat(40));
    assert!(matches!(schema_of(&deep), Err(InvalidSchema::TooComplex)));
    let bomb: String = (0..30)
        .map(|n| {
            format!(
                r##""d{n}": {{"allOf": [{{"$ref": "#/definitions/d{0}"}}, {{"$ref": "#/definitions/d{0}"}}]}},"##,
                n + 1
            )
        })
        .collect();
    let bomb = format!(
        r##"{{"properties": {{"traits": {{"properties": {{"a": {{"$ref": "#/definitions/d0"}}}}}}}},
            "definitions": {{{bomb} "d30": {{"type": "string"}}}}}}"##
    );
    assert!(matches!(IdentitySchema::parse("x", &bomb), Err(InvalidSchema::TooComplex)));
}

#[test]
fn a_recursive_schema_ends() {
    let schema = IdentitySchema::parse(
        "x",
        r##"{"properties": {"traits": {"$ref": "#/definitions/node"}},
            "definitions": {"node": {"type": "object", "properties": {"name": {"type": "string"}, "child": {"$ref": "#/definitions/node"}}}}}"##,
    );
    let schema = schema.expect("valid");
    assert_eq!(schema.fields().len(), 1);
    let mut nested = json!({"name": "x"});
    for _ in 0..60 {
        nested = json!({"child": nested});
    }
    assert!(schema.check(&mut object(nested)).is_ok());
}

#[test]
fn a_pattern_cannot_be_made_to_hang() {
    let schema = schema_of(r#"{"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}"#).expect("valid");
    let mut traits = object(json!({"a": format!("{}b", "a".repeat(100_000))}));
    assert!(schema.check(&mut traits).is_err());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        r"\PC{0,12}|[a-z]{0,4}@[a-z.]{0,6}|\+[0-9 ]{0,16}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("email|phone|name|first|last|age|aliases|[~/.]{1,3}", inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn hostile_traits_are_accepted_or_refused_but_never_break(value in any_json()) {
        let schema = person();
        let mut traits = value.as_object().cloned().unwrap_or_else(|| object(json!({"email": value})));
        schema.coerce(&mut traits);
        match schema.check(&mut traits) {
            Ok(derived) => {
                for identifier in derived.identifiers.values().flatten() {
                    prop_assert_eq!(&normalize::normalize(identifier), identifier);
                    prop_assert!(!identifier.chars().any(char::is_control));
                }
                let again = schema.check(&mut traits);
                prop_assert_eq!(again, Ok(derived));
            }
            Err(errors) => prop_assert!(errors.iter().all(|error| error.node.starts_with("traits"))),
        }
    }
}
