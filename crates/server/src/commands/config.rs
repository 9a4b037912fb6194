//! `orrery config`.

use super::{say, source};
use crate::cli::ConfigAction;
use crate::config;

pub(super) fn config(action: ConfigAction) -> anyhow::Result<()> {
    match action {
        ConfigAction::Check { source } => {
            source::load(&source)?;
            say("the configuration is valid")
        }
        ConfigAction::Print { source } => {
            let loaded = source::load(&source)?;
            say(&serde_json::to_string_pretty(&loaded.config)?)
        }
        ConfigAction::Schema => say(&serde_json::to_string_pretty(&config::schema())?),
    }
}
