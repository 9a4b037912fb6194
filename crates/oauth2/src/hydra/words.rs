//! Columns that hold lists and sealed texts, in the notations that Hydra has had.

use std::borrow::Cow;

use orrery_core::moving::{Row, Unreadable};
use serde_json::Value;

/// A list: a JSON array today, words between bars before.
///
/// # Errors
/// When it is a document of another shape.
pub(super) fn list(row: &Row, column: &'static str) -> Result<Vec<String>, Unreadable> {
    match row.text(column) {
        Some("null") => Ok(Vec::new()),
        Some(text) if !text.trim_start().starts_with('[') => {
            Ok(text.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        Some(_) | None => {
            let document = row.document(column)?.unwrap_or(Value::Array(Vec::new()));
            serde_json::from_value(document).map_err(|_| Unreadable(column))
        }
    }
}

/// A text that some databases keep as bytes.
pub(super) fn bytes<'a>(row: &'a Row, column: &'static str) -> Result<Cow<'a, str>, Unreadable> {
    let text = row.needed_text(column)?;
    let Some(digits) = text.strip_prefix("\\x") else { return Ok(Cow::Borrowed(text)) };
    let decoded = hex::decode(digits).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.map(Cow::Owned).ok_or(Unreadable(column))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        Row(value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn lists_are_read_in_every_notation() {
        for (given, expected) in [
            (json!("openid|offline"), vec!["openid", "offline"]),
            (json!("[\"openid\",\"offline\"]"), vec!["openid", "offline"]),
            (json!(["openid", "offline"]), vec!["openid", "offline"]),
            (json!("openid"), vec!["openid"]),
            (json!(""), vec![]),
            (json!("null"), vec![]),
            (Value::Null, vec![]),
        ] {
            assert_eq!(
                list(&row(json!({"scope": given})), "scope"),
                Ok(expected.iter().map(|w| (*w).to_owned()).collect())
            );
        }
        assert_eq!(list(&row(json!({"scope": "[1]"})), "scope"), Err(Unreadable("scope")));
    }

    #[test]
    fn bytes_are_text() {
        assert_eq!(bytes(&row(json!({"a": "\\x4142"})), "a").as_deref(), Ok("AB"));
        assert_eq!(bytes(&row(json!({"a": "AB"})), "a").as_deref(), Ok("AB"));
        for broken in ["\\x4", "\\xzz", "\\xff", ""] {
            assert!(bytes(&row(json!({"a": broken})), "a").is_err(), "{broken}");
        }
    }
}
