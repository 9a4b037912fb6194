//! The kinds of values that a configuration holds besides numbers and text.

use std::fmt;

use orrery_core::GoDuration;
use orrery_courier::config::without_credentials;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// What stands in the place of a secret wherever a configuration is shown.
pub const REDACTED: &str = "<redacted>";

/// A secret: written literally, or as `file:///run/secrets/name`, whose content without the final line break is it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value that did not come from a configuration file.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// The value in a wrapper that does not print.
    #[must_use]
    pub const fn as_secret(&self) -> &SecretString {
        &self.0
    }

    /// The bare value.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let secret = read_secret(String::deserialize(deserializer)?).map_err(de::Error::custom)?;
        Ok(Self(SecretString::from(secret)))
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "A secret, or `file://` and the path of a file that holds it." })
    }
}

/// The text itself, or the content of the file that it names, without the final line break.
pub(super) fn read_secret(text: String) -> Result<String, String> {
    let Some(path) = text.strip_prefix("file://") else { return Ok(text) };
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(content.trim_end_matches(['\r', '\n']).to_owned()),
        Err(why) => Err(format!("the secret cannot be read from {path}: {why}")),
    }
}

/// Where a database is, in any of the forms that [`orrery_persistence::DatabaseConfig`] understands.
#[derive(Clone)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The whole text, password included.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ok(mut url) = Url::parse(&self.0) else {
            return f.write_str(if self.0.contains(['@', '=']) { REDACTED } else { &self.0 });
        };
        if url.password().is_some() && url.set_password(Some("redacted")).is_err() {
            return f.write_str(REDACTED);
        }
        // Connection parameters may repeat the password (`?password=…`).
        if url.query_pairs().any(|(key, _)| key.to_ascii_lowercase().contains("pass")) {
            url.set_query(Some("redacted"));
        }
        url.fmt(f)
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_secret(String::deserialize(deserializer)?).map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for DatabaseUrl {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DatabaseUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "The URL of a database, or `file://` and the path of a file that holds it." })
    }
}

/// A size in bytes: a number, or a number with a unit (`19MB`, `5 MiB`, `1GB`; units are powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            bytes if bytes > 0 && bytes % (1 << 20) == 0 => serializer.collect_str(&format_args!("{}MB", bytes >> 20)),
            bytes if bytes > 0 && bytes % (1 << 10) == 0 => serializer.collect_str(&format_args!("{}KB", bytes >> 10)),
            bytes => serializer.collect_str(&format_args!("{bytes}B")),
        }
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "expected a size such as 19MB")]
        enum Written {
            Number(u64),
            Text(String),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Number(bytes) => return Ok(Self(bytes)),
            Written::Text(text) => text,
        };
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let factor: u64 = match unit.trim().to_ascii_uppercase().as_str() {
            "" | "B" => 1,
            "KB" | "KIB" | "K" => 1 << 10,
            "MB" | "MIB" | "M" => 1 << 20,
            "GB" | "GIB" | "G" => 1 << 30,
            _ => return Err(de::Error::custom("expected a size such as 19MB")),
        };
        let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        bytes.map(Self).ok_or_else(|| de::Error::custom("expected a size such as 19MB"))
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"], "description": "A size in bytes, such as `19MB`." })
    }
}

/// A part whose keys belong to somebody else (a provider, a webhook). Members that look like secrets are not shown.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Opaque(pub serde_json::Map<String, serde_json::Value>);

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Serialize for Opaque {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hide_secrets(&serde_json::Value::Object(self.0.clone())).serialize(serializer)
    }
}

/// Members whose name sounds like a secret, all values of headers, and what an address carries besides its place.
fn hide_secrets(value: &serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| {
                let headers = value.as_object().filter(|_| key.eq_ignore_ascii_case("headers"));
                let shown = match headers {
                    // Any of them can be the one that authenticates.
                    Some(headers) => headers.keys().map(|name| (name.clone(), Value::from(REDACTED))).collect(),
                    None if value.is_string() && sounds_secret(key) => Value::from(REDACTED),
                    None => hide_secrets(value),
                };
                (key.clone(), shown)
            })
            .collect(),
        Value::Array(items) => items.iter().map(hide_secrets).collect(),
        Value::String(text) => match Url::parse(text) {
            // What holds nothing stays as it is written.
            Ok(url) if url.has_host() && carries_something(&url) => without_credentials(&url).into(),
            Ok(_) | Err(_) => value.clone(),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["secret", "password", "private_key", "api_key", "apikey", "token", "authorization", "cookie", "value"]
        .iter()
        .any(|part| key.contains(part) && !key.ends_with("_url") && !key.ends_with("_id"))
}

/// Whether an address carries more than its place.
fn carries_something(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some() || url.query().is_some()
}

/// Addresses that may carry secrets. They are read as they are, and shown without what comes before and after the path.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(transparent)]
pub struct SecretUrl(Url);

impl SecretUrl {
    /// The whole address.
    #[must_use]
    pub const fn expose(&self) -> &Url {
        &self.0
    }

    fn shown(&self) -> String {
        if carries_something(&self.0) { without_credentials(&self.0) } else { self.0.to_string() }
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl Serialize for SecretUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

/// How a [`GoDuration`] appears in the schema.
#[derive(JsonSchema)]
#[schemars(transparent)]
pub struct DurationText(
    /// A duration such as `90s`, `15m` or `1h30m`.
    #[schemars(regex(pattern = r"^(0|([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+)$"))]
    #[expect(dead_code, reason = "only its schema is used")]
    String,
);

/// Whole seconds.
#[must_use]
pub const fn seconds(seconds: u64) -> GoDuration {
    GoDuration(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_understood() {
        for (json, bytes) in [("5", 5), ("\"19MB\"", 19 << 20), ("\"5 MiB\"", 5 << 20), ("\"7B\"", 7)] {
            assert_eq!(serde_json::from_str::<ByteSize>(json).ok(), Some(ByteSize(bytes)), "{json}");
        }
        for bad in ["\"MB\"", "\"1TBx\"", "-1", "\"99999999999999999999GB\""] {
            assert!(serde_json::from_str::<ByteSize>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_authenticates_a_web_hook_is_not_shown() {
        let hook: Opaque = serde_json::from_value(serde_json::json!({
            "url": "https://crm:hunter2@hooks.example/x?key=hunter3&v=1", "method": "POST",
            "headers": {"X-Api-Key": "hunter4", "X-Tenant": "hunter5"},
            "auth": {"type": "api_key", "config": {"in": "header", "name": "X-Key", "value": "hunter6"}},
            "targets": ["https://hooks.example/y?sig=hunter7", "https://hooks.example"], "api_key": "hunter8",
        }))
        .expect("settings");
        let shown = serde_json::to_value(&hook).expect("JSON");
        assert!(!shown.to_string().contains("hunter") && !format!("{hook:?}").contains("hunter"), "{shown}");
        assert_eq!(shown["url"], "https://hooks.example/x");
        assert_eq!(
            (&shown["headers"]["X-Tenant"], &shown["auth"]["config"]["name"]),
            (&REDACTED.into(), &"X-Key".into())
        );
        assert_eq!(shown["targets"][1], "https://hooks.example", "as it is written");
    }

    #[test]
    fn passwords_in_urls_are_not_shown() {
        for text in ["postgres://u:hunter2@db/x", "postgres://db?password=hunter2", "host=db password=hunter2"] {
            let url: DatabaseUrl = serde_json::from_value(text.into()).expect("a URL");
            let shown = format!("{url:?} {url} {}", serde_json::to_string(&url).expect("JSON"));
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
