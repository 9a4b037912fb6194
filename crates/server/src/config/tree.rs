//! Finding values in merged trees, and where they came from.

use config::{Value, ValueKind};
use serde_json::Value as Json;

/// How the `config` crate names values from the environment.
pub(super) const ENVIRONMENT: &str = "the environment";

/// The source of the value at `path`, or of the nearest value around it.
pub(super) fn origin<'a>(merged: &'a Value, path: &[String]) -> Option<&'a str> {
    let Some((first, rest)) = path.split_first() else { return leaf_origin(merged) };
    let inner = if let ValueKind::Table(table) = &merged.kind {
        table.get(first)
    } else if let ValueKind::Array(items) = &merged.kind {
        first.parse().ok().and_then(|index: usize| items.get(index))
    } else {
        None
    };
    inner.map_or_else(|| leaf_origin(merged), |inner| origin(inner, rest))
}

/// Whether a file or the environment names this very key. What `--dev` supplies has no source.
pub(super) fn is_set(merged: &Value, key: &str) -> bool {
    let found = key.split('.').try_fold(merged, |value, part| match &value.kind {
        ValueKind::Table(table) => table.get(part),
        ValueKind::Array(_)
        | ValueKind::Nil
        | ValueKind::Boolean(_)
        | ValueKind::I64(_)
        | ValueKind::U64(_)
        | ValueKind::I128(_)
        | ValueKind::U128(_)
        | ValueKind::Float(_)
        | ValueKind::String(_) => None,
    });
    found.is_some_and(|value| leaf_origin(value).is_some())
}

/// A merged table has no source of its own; its members have.
fn leaf_origin(value: &Value) -> Option<&str> {
    value.origin().or_else(|| {
        if let ValueKind::Table(table) = &value.kind {
            table.values().find_map(leaf_origin)
        } else if let ValueKind::Array(items) = &value.kind {
            items.iter().find_map(leaf_origin)
        } else {
            None
        }
    })
}

pub(super) fn get<'a>(tree: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(tree, |tree, part| match tree.as_array() {
        Some(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
        None => tree.get(part),
    })
}

pub(super) fn get_mut<'a>(tree: &'a mut Json, path: &[String]) -> Option<&'a mut Json> {
    path.iter().try_fold(tree, |tree, part| match part.parse::<usize>() {
        Ok(index) if tree.is_array() => tree.get_mut(index),
        Ok(_) | Err(_) => tree.get_mut(part),
    })
}

pub(super) fn remove(tree: &mut Json, path: &[String]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    get_mut(tree, parents).and_then(Json::as_object_mut).is_some_and(|table| table.remove(last).is_some())
}

pub(super) fn json(value: &Value) -> Json {
    match &value.kind {
        ValueKind::Nil => Json::Null,
        ValueKind::Boolean(value) => (*value).into(),
        ValueKind::I64(value) => (*value).into(),
        ValueKind::U64(value) => (*value).into(),
        ValueKind::I128(value) => value.to_string().into(),
        ValueKind::U128(value) => value.to_string().into(),
        ValueKind::Float(value) => (*value).into(),
        ValueKind::String(value) => value.as_str().into(),
        ValueKind::Table(table) => Json::Object(table.iter().map(|(key, value)| (key.clone(), json(value))).collect()),
        ValueKind::Array(items) => items.iter().map(json).collect(),
    }
}
