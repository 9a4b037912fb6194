//! Sources in, typed configuration out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat, Value, ValueKind};
use serde_json::Value as Json;

use super::problem::{Problem, Problems, nearest};
use super::value::read_secret;
use super::{Config, check, kratos, locate};

/// Where a configuration comes from. Later sources win over earlier ones: `--dev`, a Kratos file, the files in
/// order, the environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Defaults below everything else, as YAML; what `--dev` supplies.
    pub defaults: Option<String>,
    /// A Kratos configuration as it is.
    pub kratos: Option<PathBuf>,
    /// YAML, TOML or JSON by extension.
    pub files: Vec<PathBuf>,
    /// Variables; those that begin with `ORRERY__` count.
    pub environment: BTreeMap<String, String>,
    /// How strictly the result is judged.
    pub mode: Mode,
}

/// How strictly a configuration is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing unsafe is accepted.
    #[default]
    Production,
    /// For one developer on one machine: the inbox, cheap hashes, verbose errors.
    Dev,
}

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The typed sections.
    pub config: Config,
    /// How it was judged.
    pub mode: Mode,
    /// What was accepted but has no effect here, and why.
    pub warnings: Vec<String>,
}

/// Reads, merges and judges.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let mut warnings = Vec::new();
    let mut builder = config::Config::builder();
    if let Some(defaults) = &sources.defaults {
        builder = builder.add_source(File::from_str(defaults, FileFormat::Yaml));
    }
    if let Some(path) = &sources.kratos {
        let translated = kratos::translate(&read_file(path)?);
        warnings.extend(translated.warnings);
        builder = builder.add_source(translated.source);
    }
    for path in &sources.files {
        builder = builder.add_source(read_file(path)?);
    }
    let environment = Environment::with_prefix("ORRERY").prefix_separator("__").separator("__");
    builder = builder.add_source(environment.source(Some(sources.environment.clone().into_iter().collect())));
    let merged = builder.build().map_err(|why| Problem::new("", why.to_string()))?;

    let config = typed(&merged.cache).and_then(|config| {
        let problems = check::check(&config, sources.mode, &mut warnings);
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    });
    match config {
        Ok(config) => Ok(Loaded { config, mode: sources.mode, warnings }),
        Err(Problems(problems)) => {
            let files: Vec<String> =
                sources.files.iter().rev().chain(&sources.kratos).map(|file| file.display().to_string()).collect();
            Err(Problems(problems.into_iter().map(|problem| place(problem, &merged.cache, &files)).collect()))
        }
    }
}

/// One file, every value of which knows the file's name as it was given.
pub(super) fn read_file(path: &Path) -> Result<config::Config, Problems> {
    let name = path.display().to_string();
    let format = match path.extension().and_then(|extension| extension.to_str()) {
        Some("yml" | "yaml") => FileFormat::Yaml,
        Some("toml") => FileFormat::Toml,
        Some("json") => FileFormat::Json,
        _ => {
            return Err(Problem::new("", format!("{name} has no known file extension"))
                .hint("a configuration file ends in .yml, .yaml, .toml or .json")
                .into());
        }
    };
    let content =
        std::fs::read_to_string(path).map_err(|why| Problem::new("", format!("{name} cannot be read: {why}")))?;
    let parsed = config::Config::builder().add_source(File::from_str(&content, format)).build();
    let mut parsed = parsed.map_err(|why| Problem::new("", format!("{name} cannot be understood: {why}")))?;
    parsed.cache = named(parsed.cache, &name);
    Ok(parsed)
}

fn named(value: Value, name: &String) -> Value {
    let kind = match value.kind {
        ValueKind::Table(table) => {
            ValueKind::Table(table.into_iter().map(|(key, value)| (key, named(value, name))).collect())
        }
        ValueKind::Array(items) => ValueKind::Array(items.into_iter().map(|value| named(value, name)).collect()),
        other => other,
    };
    Value::new(Some(name), kind)
}

/// Parses the merged tree. Text from the environment is read as the type that its key wants. A wrong part is taken
/// out and the rest judged again, so that everything wrong is reported at once.
fn typed(merged: &Value) -> Result<Config, Problems> {
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

/// How the `config` crate names values from the environment.
const ENVIRONMENT: &str = "the environment";

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

fn place(mut problem: Problem, merged: &Value, files: &[String]) -> Problem {
    let path: Vec<String> = problem.key.split('.').map(str::to_owned).collect();
    problem.place = match origin(merged, &path) {
        Some(ENVIRONMENT) => Some(format!("environment variable ORRERY__{}", path.join("__").to_uppercase())),
        Some(file) => Some(in_file(file, &path).unwrap_or_else(|| file.to_owned())),
        // A section that is empty has lost its source when it was merged.
        None if problem.key.is_empty() => None,
        None => files.iter().find_map(|file| in_file(file, &path)),
    };
    problem
}

/// The place in a file of ours, or in a Kratos file, where the sections have other names.
fn in_file(file: &str, path: &[String]) -> Option<String> {
    let content = std::fs::read_to_string(file).ok()?;
    let line = locate::line_of(file, &content, path)
        .or_else(|| locate::line_of(file, &content, &kratos::original_path(path)))?;
    Some(format!("{file}:{line}"))
}

/// The source of the value at `path`, or of the nearest value around it.
fn origin<'a>(merged: &'a Value, path: &[String]) -> Option<&'a str> {
    let Some((first, rest)) = path.split_first() else { return leaf_origin(merged) };
    let inner = match &merged.kind {
        ValueKind::Table(table) => table.get(first),
        ValueKind::Array(items) => first.parse().ok().and_then(|index: usize| items.get(index)),
        _ => None,
    };
    inner.map_or_else(|| leaf_origin(merged), |inner| origin(inner, rest))
}

/// A merged table has no source of its own; its members have.
fn leaf_origin(value: &Value) -> Option<&str> {
    value.origin().or_else(|| match &value.kind {
        ValueKind::Table(table) => table.values().find_map(leaf_origin),
        ValueKind::Array(items) => items.iter().find_map(leaf_origin),
        _ => None,
    })
}

fn get<'a>(tree: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(tree, |tree, part| match tree {
        Json::Array(items) => part.parse().ok().and_then(|index: usize| items.get(index)),
        other => other.get(part),
    })
}

fn get_mut<'a>(tree: &'a mut Json, path: &[String]) -> Option<&'a mut Json> {
    path.iter().try_fold(tree, |tree, part| match tree {
        Json::Array(items) => part.parse().ok().and_then(|index: usize| items.get_mut(index)),
        other => other.get_mut(part),
    })
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
        match value {
            Json::String(text) if SECRETS.contains(&key.as_str()) => match read_secret(std::mem::take(text)) {
                Ok(secret) => *text = secret,
                Err(why) => problems.push(Problem::new(path.join("."), why)),
            },
            other => secrets_from_files(other, path, problems),
        }
        path.pop();
    }
}

fn remove(tree: &mut Json, path: &[String]) -> bool {
    let Some((last, parents)) = path.split_last() else { return false };
    get_mut(tree, parents).and_then(Json::as_object_mut).is_some_and(|table| table.remove(last).is_some())
}

fn json(value: &Value) -> Json {
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
