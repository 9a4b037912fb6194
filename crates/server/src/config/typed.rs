//! From the merged tree to typed sections, with serde's complaints in words for people.

use config::Value;
use serde_json::Value as Json;

use super::Config;
use super::problem::{Problem, Problems, nearest};
use super::tree::{ENVIRONMENT, get, get_mut, json, origin, remove};
use super::value::read_secret;

/// Parses the merged tree. Text from the environment is read as the type that its key wants. A wrong part is taken
/// out and the rest judged again, so that everything wrong is reported at once.
pub(super) fn typed(merged: &Value) -> Result<Config, Problems> {
    let mut tree = json(merged);
    let mut problems = Vec::new();
    if let Some(courier) = tree.pointer_mut("/identity/courier") {
        secrets_from_files(courier, &mut vec!["identity".to_owned(), "courier".to_owned()], &mut problems);
    }
    // Each round mends or removes one value of a finite tree.
    loop {
        let why = match serde_path_to_error::deserialize::<_, Config>(tree.clone()) {
            Ok(config) if problems.is_empty() => return Ok(config),
            Ok(_) => return Err(Problems(problems)),
            Err(why) => why,
        };
        let mut path: Vec<String> = why.path().iter().filter_map(segment).collect();
        let message = why.inner().to_string();
        let in_environment = origin(merged, &path).is_some_and(|origin| origin == ENVIRONMENT);
        if in_environment && reinterpret(&mut tree, &path, &message) {
            continue;
        }
        problems.push(explain(&mut path, &message, &tree));
        if path.iter().any(|part| part.parse::<usize>().is_ok()) || !remove(&mut tree, &path) {
            return Err(Problems(problems));
        }
    }
}

fn segment(segment: &serde_path_to_error::Segment) -> Option<String> {
    use serde_path_to_error::Segment;
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } => Some(key.clone()),
        // The variant is chosen by a value, it is not a key.
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// Turns serde's sentence into ours, and completes the path of an unknown key.
fn explain(path: &mut Vec<String>, message: &str, tree: &Json) -> Problem {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let mut names = rest.split('`').step_by(2);
        let unknown = names.next().unwrap_or_default().to_owned();
        let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
        if path.last() != Some(&unknown) {
            path.push(unknown.clone());
        }
        let mut problem = Problem::new(path.join("."), "unknown key");
        problem.hint = nearest(&unknown, &known);
        return problem;
    }
    if let Some(rest) = message.strip_prefix("unknown variant `") {
        let unknown = rest.split('`').next().unwrap_or_default();
        let known: Vec<&str> = rest.split('`').skip(2).step_by(2).collect();
        let allowed = format!("allowed: {}", known.join(", "));
        return Problem::new(path.join("."), format!("`{unknown}` is not a known value")).hint(allowed);
    }
    // Never the value itself: it may be a secret in the wrong place.
    let message = match message.split_once(", expected ") {
        Some((_, expected)) => format!("{} given, {} expected", kind(get(tree, path)), plain(expected)),
        None => message.to_owned(),
    };
    Problem::new(path.join("."), message)
}

const fn kind(value: Option<&Json>) -> &'static str {
    match value {
        None | Some(Json::Null) => "nothing is",
        Some(Json::Bool(_)) => "true or false is",
        Some(Json::Number(_)) => "a number is",
        Some(Json::String(_)) => "text is",
        Some(Json::Array(_)) => "a list is",
        Some(Json::Object(_)) => "a section is",
    }
}

/// serde's words for types in those of people who write configurations.
fn plain(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" | "i64" => "a whole number",
        "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text",
        "a sequence" => "a list",
        "a map" => "a section",
        other if other.starts_with("struct ") => "a section",
        other => other,
    }
}

/// Reads a text from the environment as what is wanted: a list with commas, or JSON. False when it is no text any more.
fn reinterpret(tree: &mut Json, path: &[String], wanted: &str) -> bool {
    let Some(value) = get_mut(tree, path) else { return false };
    let Json::String(text) = &*value else { return false };
    let is_list = wanted.ends_with("a sequence") && !text.trim_start().starts_with('[');
    *value = if is_list {
        text.split(',').map(|item| Json::String(item.trim().to_owned())).collect()
    } else {
        match serde_json::from_str(text) {
            Ok(Json::String(_)) | Err(_) => return false,
            Ok(parsed) => parsed,
        }
    };
    true
}

/// The courier's own types take secrets as text; here, a `file://` in the place of one becomes the file's content.
fn secrets_from_files(tree: &mut Json, path: &mut Vec<String>, problems: &mut Vec<Problem>) {
    const SECRETS: [&str; 3] = ["connection_uri", "password", "value"];
    let Some(table) = tree.as_object_mut() else {
        for (index, item) in tree.as_array_mut().into_iter().flatten().enumerate() {
            path.push(index.to_string());
            secrets_from_files(item, path, problems);
            path.pop();
        }
        return;
    };
    for (key, value) in table {
        path.push(key.clone());
        if let (Json::String(text), true) = (&mut *value, SECRETS.contains(&key.as_str())) {
            match read_secret(std::mem::take(text)) {
                Ok(secret) => *text = secret,
                Err(why) => problems.push(Problem::new(path.join("."), why)),
            }
        } else {
            secrets_from_files(value, path, problems);
        }
        path.pop();
    }
}
