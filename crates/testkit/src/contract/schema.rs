//! OpenAPI 3.0 schemas as JSON Schema, and the few places where the contracts differ from the wire they describe.

use serde_json::{Map, Value, json};

/// Where [`follow_the_wire`] puts the shape that every error has.
pub(super) const ANY_ERROR: &str = "#/components/schemas/anyError";

/// Where [`follow_the_wire`] puts the shape that every error of the OAuth2 server has.
pub(super) const FLAT_ERROR: &str = "#/components/schemas/flatError";

/// Rewrites what OpenAPI 3.0 says in its own way: `nullable` and `discriminator`.
pub(super) fn to_json_schema(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(object) => {
            object.values_mut().for_each(to_json_schema);
            discriminate(object);
            if object.remove("nullable") == Some(Value::Bool(true)) {
                let present = std::mem::take(object);
                object.insert("anyOf".into(), json!([{"type": "null"}, present]));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The contracts say less than the servers that they were generated from; generated clients accept the wire.
pub(super) fn follow_the_wire(schemas: &mut Map<String, Value>) {
    let message = json!({"type": "string", "minLength": 1});
    let error = json!({"type": "object", "required": ["message"], "properties": {"message": message}});
    // The OAuth2 server's errors are flat, also where its contracts promise the envelope. Clients made from those look
    // for `message`, and everybody else for `error`.
    let flat = json!({
        "type": "object", "required": ["error", "error_description", "message"],
        "properties": {"error": message, "error_description": {"type": "string"}, "message": message},
    });
    schemas.insert("flatError".into(), flat);
    schemas.insert("anyError".into(), json!({"type": "object", "required": ["error"], "properties": {"error": error}}));
    // An object without declared members was generated as one that may have none.
    if let Some(details) = schemas.get_mut("genericError").and_then(|error| error.pointer_mut("/properties/details")) {
        *details = json!({"type": "object"});
    }
    // Absent and null mean the same to every client, and null is what they have always been sent.
    for (schema, member) in
        [("successfulNativeLogin", "continue_with"), ("successfulNativeRegistration", "continue_with")]
    {
        if let Some(value) = schemas.get_mut(schema).and_then(|schema| schema["properties"].get_mut(member)) {
            *value = json!({"anyOf": [{"type": "null"}, value.take()]});
        }
    }
}

/// `oneOf` with a discriminator: the named member alone decides which alternative must fit.
fn discriminate(object: &mut Map<String, Value>) {
    let Some(discriminator) = object.remove("discriminator") else { return };
    let (Some(property), Some(mapping)) =
        (discriminator["propertyName"].as_str(), discriminator["mapping"].as_object())
    else {
        return;
    };
    object.remove("oneOf");
    let known: Vec<&String> = mapping.keys().collect();
    let mut rules = vec![json!({"required": [property], "properties": {property: {"enum": known}}})];
    rules.extend(mapping.iter().map(
        |(value, reference)| json!({"if": {"properties": {property: {"const": value}}}, "then": {"$ref": reference}}),
    ));
    object.insert("allOf".into(), Value::Array(rules));
}
