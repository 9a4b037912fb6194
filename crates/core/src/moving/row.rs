//! One row of the source. Installations differ in age, so that a column may be missing; databases differ in types, so that a
//! document may be text and a truth a number.

use std::fmt;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Timestamp;

/// A column that holds what nobody expects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the column {0} cannot be understood")]
pub struct Unreadable(pub &'static str);

/// Columns by name.
#[derive(Clone, PartialEq)]
pub struct Row(pub Map<String, Value>);

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Some of its columns are secrets.
        write!(f, "Row({})", self.name())
    }
}

impl Row {
    /// The row's id, for telling which it is.
    #[must_use]
    pub fn name(&self) -> String {
        self.text("id").unwrap_or("without id").to_owned()
    }

    /// A text; none when it is missing, null or empty.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.0.get(column).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn needed_text(&self, column: &'static str) -> Result<&str, Unreadable> {
        self.text(column).ok_or(Unreadable(column))
    }

    /// An id; none when it is missing or null.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn id(&self, column: &'static str) -> Result<Option<Uuid>, Unreadable> {
        self.text(column).map(|text| Uuid::try_parse(text).map_err(|_| Unreadable(column))).transpose()
    }

    /// An id that must be there.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn needed_id(&self, column: &'static str) -> Result<Uuid, Unreadable> {
        self.id(column)?.ok_or(Unreadable(column))
    }

    /// A whole number; none when it is missing or null.
    #[must_use]
    pub fn number(&self, column: &str) -> Option<i64> {
        self.0.get(column).and_then(Value::as_i64)
    }

    /// Whether something is so; `false` when the column is missing.
    #[must_use]
    pub fn flag(&self, column: &str) -> bool {
        let value = self.0.get(column);
        value.is_some_and(|value| value.as_bool().unwrap_or(value.as_i64().is_some_and(|number| number != 0)))
    }

    /// A moment; none when it is missing or null.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn moment(&self, column: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        self.text(column).map(|text| moment(text).ok_or(Unreadable(column))).transpose()
    }

    /// A moment that must be there.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn needed_moment(&self, column: &'static str) -> Result<Timestamp, Unreadable> {
        self.moment(column)?.ok_or(Unreadable(column))
    }

    /// A document; none when it is missing or null.
    ///
    /// # Errors
    /// [`Unreadable`], naming the column.
    pub fn document(&self, column: &'static str) -> Result<Option<Value>, Unreadable> {
        let document = match self.0.get(column) {
            None => return Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| Unreadable(column))?,
            Some(document) => document.clone(),
        };
        Ok(Some(document).filter(|document| !document.is_null()))
    }
}

/// What PostgreSQL, Go's SQLite drivers and people write: a date, a time, and mostly UTC.
fn moment(text: &str) -> Option<Timestamp> {
    // `2026-01-02 03:04:05.123456 +0000 UTC m=+0.1`: Go's own notation, whose offset stands apart.
    let mut parts = text.split(' ');
    let (date, time, offset) = match (parts.next()?, parts.next(), parts.next()) {
        (both, None, _) => {
            let (date, time) = both.split_once('T')?;
            (date, time, None)
        }
        (date, Some(time), offset) => (date, time, offset),
    };
    let zoned = time.ends_with('Z') || time.contains(['+', '-']);
    let offset = match offset {
        _ if zoned => String::new(),
        Some(offset) if offset.len() == 5 => format!("{}:{}", &offset[..3], &offset[3..]),
        Some(_) | None => "Z".to_owned(),
    };
    Timestamp::parse_rfc3339(&format!("{date}T{time}{offset}")).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> Row {
        Row(value.as_object().cloned().unwrap_or_default())
    }

    #[test]
    fn moments_are_read_in_every_notation() {
        let expected = Timestamp::parse_rfc3339("2026-01-02T03:04:05.5Z").ok();
        for text in [
            "2026-01-02T03:04:05.5",
            "2026-01-02T03:04:05.5Z",
            "2026-01-02T04:04:05.5+01:00",
            "2026-01-02 03:04:05.5",
            "2026-01-02 03:04:05.500000000+00:00",
            "2026-01-02 02:04:05.5-01:00",
            "2026-01-02 03:04:05.5 +0000 UTC",
            "2026-01-02 04:04:05.5 +0100 CET m=+0.25",
        ] {
            assert_eq!(moment(text), expected, "{text}");
        }
        for bad in ["", "yesterday", "2026-01-02", "2026-13-02T03:04:05Z", "2026-01-02 nonsense"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn both_databases_read_alike() {
        for row in [
            row(json!({"id": "x", "traits": {"a": 1}, "verified": true, "nothing": null, "meta": null})),
            row(json!({"id": "x", "traits": "{\"a\": 1}", "verified": 1, "nothing": "", "meta": "null"})),
        ] {
            assert_eq!(row.document("traits"), Ok(Some(json!({"a": 1}))));
            assert_eq!(row.document("meta"), Ok(None));
            assert_eq!((row.flag("verified"), row.flag("absent")), (true, false));
            assert_eq!((row.text("nothing"), row.moment("nothing"), row.id("absent")), (None, Ok(None), Ok(None)));
            assert_eq!(row.needed_id("id"), Err(Unreadable("id")));
        }
        assert_eq!(row(json!({"traits": "{"})).document("traits"), Err(Unreadable("traits")));
    }
}
