//! Sources in, typed configuration out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat, Value, ValueKind};

use super::hydra::{self, HYDRA};
use super::kratos::KRATOS;
use super::problem::{Problem, Problems};
use super::tree::{ENVIRONMENT, is_set, origin};
use super::typed::typed;
use super::{Config, check, idle, locate};

/// Where a configuration comes from. Later sources win over earlier ones: `--dev`, a Hydra file, a Kratos file, the
/// files in order, the environment.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Defaults below everything else, as YAML; what `--dev` supplies.
    pub defaults: Option<String>,
    /// A Kratos configuration as it is.
    pub kratos: Option<PathBuf>,
    /// A Hydra configuration as it is. Where both name a key, the Kratos one wins.
    pub hydra: Option<PathBuf>,
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
    if let Some(path) = &sources.hydra {
        builder = builder.add_source(File::from_str(hydra::COOKIES, FileFormat::Yaml));
        if sources.kratos.is_none() {
            builder = builder.add_source(File::from_str(hydra::PORTS, FileFormat::Yaml));
        }
        let translated = HYDRA.translate(&read_file(path)?);
        warnings.extend(translated.warnings);
        builder = builder.add_source(translated.source);
    }
    if let Some(path) = &sources.kratos {
        let translated = KRATOS.translate(&read_file(path)?);
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
        let problems = check::check(&config, sources.mode);
        if problems.is_empty() { Ok(config) } else { Err(Problems(problems)) }
    });
    let files: Vec<String> = sources
        .files
        .iter()
        .rev()
        .chain(&sources.kratos)
        .chain(&sources.hydra)
        .map(|file| file.display().to_string())
        .collect();
    let placed = |problems: Vec<Problem>| {
        let mut placed: Vec<_> = problems.into_iter().map(|problem| place(problem, &merged.cache, &files)).collect();
        placed.sort_by(|left, right| left.key.cmp(&right.key));
        placed
    };
    match config {
        Ok(config) => {
            let idle = idle::idle(&config, sources.mode, |key| is_set(&merged.cache, key));
            warnings.extend(placed(idle).iter().map(Problem::to_string));
            Ok(Loaded { config, mode: sources.mode, warnings })
        }
        Err(Problems(problems)) => Err(Problems(placed(problems))),
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
    let kind = if let ValueKind::Table(table) = value.kind {
        ValueKind::Table(table.into_iter().map(|(key, value)| (key, named(value, name))).collect())
    } else if let ValueKind::Array(items) = value.kind {
        ValueKind::Array(items.into_iter().map(|value| named(value, name)).collect())
    } else {
        value.kind
    };
    Value::new(Some(name), kind)
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

/// The place in a file of ours, or in one of Kratos or Hydra, where the sections have other names.
fn in_file(file: &str, path: &[String]) -> Option<String> {
    let content = std::fs::read_to_string(file).ok()?;
    let names = [path.to_vec(), KRATOS.original_path(path), HYDRA.original_path(path)];
    let lines = names.iter().filter_map(|path| locate::line_of(file, &content, path));
    // A section may have the same name there and mean more: the name that leads furthest is the right one.
    let (_, line) = lines.min_by_key(|(missing, _)| *missing)?;
    Some(format!("{file}:{line}"))
}
