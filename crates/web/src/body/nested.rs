//! Dotted keys into nested JSON: `traits.name.first=A` becomes `{"traits":{"name":{"first":"A"}}}`.

use serde_json::{Map, Value};

use super::MAX_DEPTH;
use crate::ApiError;

/// Puts a value where a dotted key points. A later value replaces an earlier one.
///
/// A numeric part makes an array when it is the next index, so that `codes.0`, `codes.1` build a list without
/// letting a caller ask for a list of a billion holes; otherwise it is an ordinary member name.
///
/// # Errors
/// 400 when one key calls a member a value and another calls it an object, or the key is nested too deeply.
pub(super) fn insert(object: &mut Map<String, Value>, key: &str, value: Value) -> Result<(), ApiError> {
    let parts: Vec<&str> = key.split('.').collect();
    if parts.len() > MAX_DEPTH {
        return Err(ApiError::bad_request(format!("A field name is nested deeper than {MAX_DEPTH} levels.")));
    }
    let (first, rest) = parts.split_first().unwrap_or((&"", &[]));
    let slot = object.entry(*first).or_insert(Value::Null);
    *descend(slot, rest).ok_or_else(|| contradiction(key))? = value;
    Ok(())
}

/// Replaces every dotted member name of an object by nested members; plain members come first.
///
/// # Errors
/// As [`insert`].
pub(super) fn expand(object: Map<String, Value>) -> Result<Map<String, Value>, ApiError> {
    if !object.keys().any(|key| key.contains('.')) {
        return Ok(object);
    }
    let (dotted, mut plain): (Map<_, _>, Map<_, _>) = object.into_iter().partition(|(key, _)| key.contains('.'));
    for (key, value) in dotted {
        insert(&mut plain, &key, value)?;
    }
    Ok(plain)
}

fn descend<'a>(mut slot: &'a mut Value, parts: &[&str]) -> Option<&'a mut Value> {
    for part in parts {
        if slot.is_null() {
            *slot = if *part == "0" { Value::Array(Vec::new()) } else { Value::Object(Map::new()) };
        }
        slot = match slot {
            Value::Object(object) => object.entry(*part).or_insert(Value::Null),
            Value::Array(items) => {
                let index: usize = part.parse().ok()?;
                if index == items.len() {
                    items.push(Value::Null);
                }
                items.get_mut(index)?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
    }
    Some(slot)
}

fn contradiction(key: &str) -> ApiError {
    let top = super::json::cut(key.split('.').next().unwrap_or_default());
    ApiError::bad_request(format!("Fields below \"{top}\" contradict each other: one is a value, another an object."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn nested(pairs: &[(&str, &str)]) -> Result<Value, ApiError> {
        let mut object = Map::new();
        for (key, value) in pairs {
            insert(&mut object, key, json!(value))?;
        }
        Ok(Value::Object(object))
    }

    #[test]
    fn dots_nest_and_the_last_value_wins() {
        let value = nested(&[("traits.name.first", "A"), ("traits.name.last", "B"), ("x", "1"), ("x", "2")]);
        assert_eq!(value.expect("valid"), json!({"traits": {"name": {"first": "A", "last": "B"}}, "x": "2"}));
    }

    #[test]
    fn indices_make_dense_lists_only() {
        assert_eq!(nested(&[("a.0", "x"), ("a.1", "y")]).expect("valid"), json!({"a": ["x", "y"]}));
        assert_eq!(nested(&[("a.4000000000", "x")]).expect("valid"), json!({"a": {"4000000000": "x"}}));
        assert!(nested(&[("a.0", "x"), ("a.4000000000", "y")]).is_err());
    }

    #[test]
    fn contradictions_and_depth_are_refused() {
        assert!(nested(&[("a", "x"), ("a.b", "y")]).is_err());
        assert!(nested(&[(&"a.".repeat(100), "x")]).is_err());
    }

    #[test]
    fn json_may_mix_both_styles() {
        let Value::Object(object) = json!({"traits.email": "a@b", "traits": {"name": "x"}}) else { unreachable!() };
        assert_eq!(Value::Object(expand(object).expect("valid")), json!({"traits": {"name": "x", "email": "a@b"}}));
    }

    proptest! {
        #[test]
        fn no_key_breaks_it(keys in proptest::collection::vec("[a0.]{0,12}", 0..20)) {
            let mut object = Map::new();
            for key in &keys {
                let _: Result<(), ApiError> = insert(&mut object, key, json!(1));
            }
        }
    }
}
