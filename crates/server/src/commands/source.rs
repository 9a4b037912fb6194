//! From command-line flags, files and the environment to a configuration.

use std::path::{Path, PathBuf};

use orrery_core::SystemEntropy;

use crate::cli::Source;
use crate::config::{self, Loaded, Mode, Sources};

/// What `--dev` keeps, in the working directory.
const DATA: &str = "data";

/// Everything that the flags name, ready to be loaded as often as needed.
pub(super) fn sources(source: &Source) -> anyhow::Result<Sources> {
    let defaults = source.dev.then(|| config::dev::defaults(Path::new(DATA), &SystemEntropy::default())).transpose()?;
    Ok(Sources {
        defaults,
        kratos: source.kratos_config.clone(),
        hydra: source.hydra_config.clone(),
        files: source.files.clone(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        mode: if source.dev { Mode::Dev } else { Mode::Production },
    })
}

/// Whether the database is the one that `--dev` made for itself.
pub(super) fn has_dev_database(loaded: &Loaded) -> bool {
    let url = loaded.config.database.url.as_ref().map(|url| url.expose());
    loaded.mode == Mode::Dev && url == Some(config::dev::database_url(Path::new(DATA)).as_str())
}

/// Loads once; warnings go to standard error.
#[expect(clippy::print_stderr, reason = "warnings of a command, before or without a log")]
pub(super) fn load(source: &Source) -> anyhow::Result<Loaded> {
    let loaded = config::load(&sources(source)?)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    Ok(loaded)
}

/// The files whose change means a new configuration.
pub(super) fn watched(sources: &Sources) -> Vec<PathBuf> {
    sources.files.iter().chain(&sources.kratos).chain(&sources.hydra).cloned().collect()
}
