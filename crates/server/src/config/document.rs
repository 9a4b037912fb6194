//! The configuration's own documentation: a JSON Schema for editors and a reference for people, both generated.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Config;

/// The JSON Schema of a configuration file.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "Orrery configuration".into());
    }
    schema
}

/// The reference page: every key with type, default and meaning.
fn markdown() -> String {
    let schema = schema();
    let mut page = String::from(INTRODUCTION);
    let Some(sections) = schema["properties"].as_object() else { return page };
    for (name, section) in sections {
        let definition = resolve(&schema, section);
        let _ = write!(page, "\n## `{name}`\n\n{}\n\n", sentence(section, definition));
        page.push_str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
        rows(&schema, definition, name, &section["default"], &mut page, 0);
    }
    page
}

const INTRODUCTION: &str = "# Configuration

Generated from the types in `crates/server/src/config` by `cargo test -p orrery-server`; do not edit.
`configuration.schema.json` beside this page is the same as a JSON Schema for editors.

Values come from, later winning over earlier: `--dev`, `--hydra-config`, `--kratos-config`, each `--config` file (YAML, TOML or
JSON) in order, and environment variables. A variable is the key in capitals, its parts joined by two underscores, after
`ORRERY__`: `serve.public.port` is `ORRERY__SERVE__PUBLIC__PORT`. Lists are written with commas, or as JSON; sections
can be JSON too. Every secret may be `file://` and the path of a file that holds it.

`orrery config check` judges a configuration, `orrery config print` shows the result without secrets. Unknown keys are
refused. On SIGHUP, and when a file changes, the configuration is read again: what concerns flows, messages, limits,
log level and certificates changes at once; listeners, database and secrets change with the next start.
";

fn rows(schema: &Value, definition: &Value, path: &str, default: &Value, page: &mut String, depth: usize) {
    let Some(members) = definition["properties"].as_object() else { return };
    for (name, member) in members {
        let key = format!("{path}.{name}");
        let target = resolve(schema, member);
        let own = if member["default"].is_null() { &default[name] } else { &member["default"] };
        // Far below, sections repeat themselves: flows all have hooks.
        if target["properties"].is_object() && depth < 5 {
            rows(schema, target, &key, own, page, depth + 1);
            continue;
        }
        let shown = if own.is_null() { "–".to_owned() } else { format!("`{}`", own.to_string().trim_matches('"')) };
        let _ = writeln!(page, "| `{key}` | {} | {shown} | {} |", kind(schema, member), sentence(member, target));
        if let Some(item) = target.get("items").map(|item| resolve(schema, item)) {
            rows(schema, item, &format!("{key}[]"), &Value::Null, page, depth + 1);
        }
    }
}

/// The description at the key, else that of its type; one line, safe inside a table.
fn sentence(member: &Value, target: &Value) -> String {
    let text = member["description"].as_str().or_else(|| target["description"].as_str()).unwrap_or_default();
    text.replace('\n', " ").replace('|', "\\|")
}

fn kind(schema: &Value, member: &Value) -> String {
    let target = resolve(schema, member);
    if let Some(values) = variants(target) {
        return values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(" ");
    }
    match &target["type"] {
        Value::String(name) if name == "array" => format!("list of {}", kind(schema, &target["items"])),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect::<Vec<_>>().join(" or ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "any".to_owned(),
    }
}

/// The values of an enumeration, however the schema spells it.
fn variants(target: &Value) -> Option<Vec<&str>> {
    if let Some(values) = target["enum"].as_array() {
        return Some(values.iter().filter_map(Value::as_str).collect());
    }
    let choices = target["oneOf"].as_array()?;
    choices.iter().map(|choice| choice["const"].as_str()).collect()
}

/// Follows `$ref`, and the one alternative of an optional key that is not null.
fn resolve<'a>(schema: &'a Value, node: &'a Value) -> &'a Value {
    if let Some(reference) = node["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
        return schema.pointer(reference).map_or(node, |target| resolve(schema, target));
    }
    let alternatives = node["anyOf"].as_array();
    let real = alternatives.and_then(|choices| choices.iter().find(|choice| choice["type"] != "null"));
    real.map_or(node, |choice| resolve(schema, choice))
}

/// Both generated documents by file name under `docs/`.
#[must_use]
pub fn generated() -> Map<String, Value> {
    let pretty = serde_json::to_string_pretty(&schema()).unwrap_or_default() + "\n";
    Map::from_iter([
        ("configuration.md".to_owned(), markdown().into()),
        ("configuration.schema.json".to_owned(), pretty.into()),
    ])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the one who writes the documents anew says so in the environment")]
    fn the_documents_are_those_of_the_types() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for (name, content) in generated() {
            let content = content.as_str().expect("text");
            if std::env::var("ORRERY_WRITE_DOCS").is_ok() {
                std::fs::write(folder.join(&name), content).expect("written");
            }
            let kept = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
            assert!(
                kept == content,
                "docs/{name} is out of date; write it anew: ORRERY_WRITE_DOCS=1 cargo test -p orrery-server --lib documents"
            );
        }
    }

    #[test]
    fn every_key_is_explained() {
        for line in markdown().lines().filter(|line| line.starts_with("| `")) {
            assert!(!line.ends_with("|  |"), "no meaning: {line}");
        }
    }
}
