//! One line of an export, as the body that creates the identity again.

use serde_json::Value;

/// The kinds of credentials that are exported. Codes have no data of their own: they follow from the traits.
pub(super) const KINDS: &[&str] = &["password", "oidc", "saml", "totp", "lookup_secret", "webauthn", "passkey"];

/// A line that can be sent.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number, from one.
    pub(super) line: usize,
    /// The id that it brings along.
    pub(super) id: Option<String>,
    /// The body of `createIdentity`.
    pub(super) body: Value,
    /// Its length in bytes.
    pub(super) size: usize,
}

impl Row {
    /// Reads a line; none when it is empty.
    ///
    /// # Errors
    /// What is wrong with it. Never what it says, because that may be a secret.
    pub(super) fn read(line: usize, text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let value: Value = serde_json::from_str(text).map_err(|why| format!("not JSON (column {})", why.column()))?;
        let Value::Object(mut identity) = value else { return Err("not a JSON object".to_owned()) };
        // Only read: it follows from the schema.
        identity.remove("schema_url");
        if let Some(credentials) = identity.get_mut("credentials") {
            let credentials = credentials.as_object_mut().ok_or("the member \"credentials\" is not an object")?;
            credentials.retain(|kind, credential| {
                // What an export shows, as opposed to what somebody wrote to be imported.
                let shown = credential.get("type").is_some();
                let data = credential.get("config").and_then(Value::as_object).filter(|data| !data.is_empty());
                !shown || (KINDS.contains(&kind.as_str()) && data.is_some())
            });
            for credential in credentials.values_mut().filter_map(Value::as_object_mut) {
                // What an export shows besides the data follows from the data and the traits.
                for member in ["type", "identifiers", "version", "created_at", "updated_at"] {
                    credential.remove(member);
                }
            }
        }
        let id = identity.get("id").and_then(Value::as_str).map(str::to_owned);
        let size = text.len();
        Ok(Some(Self { line, id, body: Value::Object(identity), size }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(row: &Value) -> Value {
        Row::read(1, &row.to_string()).expect("read").expect("not empty").body
    }

    #[test]
    fn what_is_shown_becomes_what_creates() {
        let shown = json!({
            "id": "x", "schema_id": "person", "schema_url": "https://x/schemas/y", "traits": {"email": "a@b"},
            "created_at": "2020-01-01T00:00:00Z",
            "credentials": {
                "password": {"type": "password", "identifiers": ["a@b"], "config": {"hashed_password": "h"}, "version": 0,
                    "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"},
                "oidc": {"type": "oidc", "identifiers": [], "config": {}, "version": 0},
                "webauthn": {"type": "webauthn", "identifiers": ["a@b"], "version": 0},
                "code": {"type": "code", "identifiers": ["a@b"], "config": {"addresses": []}, "version": 0},
            },
        });
        let expected = json!({
            "id": "x", "schema_id": "person", "traits": {"email": "a@b"}, "created_at": "2020-01-01T00:00:00Z",
            "credentials": {"password": {"config": {"hashed_password": "h"}}},
        });
        assert_eq!(body(&shown), expected);
    }

    #[test]
    fn a_body_that_was_written_by_hand_stays_as_it_is() {
        let written = json!({"traits": {}, "credentials": {"pasword": {"config": {"password": "x"}}}});
        assert_eq!(body(&written), written, "the server finds the misspelt member");
    }

    #[test]
    fn a_broken_line_is_named_without_what_it_says() {
        for bad in ["{\"hunter2\": ", "[\"hunter2\"]", "\"hunter2\"", "{\"credentials\": \"hunter2\"}"] {
            let error = Row::read(7, bad).expect_err("refused");
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(Row::read(1, "  \r").expect("read").is_none());
    }
}
