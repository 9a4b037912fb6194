//! Jsonnet programs of a configuration, read before anything depends on them: a mistyped one would otherwise show only when
//! a message, a hook or a token needs it.

use std::sync::Arc;

use anyhow::anyhow;
use orrery_core::jsonnet::{Jsonnet, JsonnetError, Program};
use serde_json::Map;

/// Programs with the keys of the configuration that name them.
pub(super) type Programs = Vec<(String, Arc<str>)>;

/// Refuses what is no Jsonnet. What a program does when it runs is not judged.
pub(super) async fn check(jsonnet: &dyn Jsonnet, programs: &Programs) -> anyhow::Result<()> {
    for (key, source) in programs {
        // Read and understood, but not evaluated: only its callers know what it is to be given.
        let unread = format!("if true then null else (\n{source}\n)");
        let program = Program { source: unread.into(), arguments: Map::new(), variables: Map::new() };
        match jsonnet.evaluate(program).await {
            Ok(_) => {}
            Err(JsonnetError::Failed(why)) => return Err(anyhow!("{key}: {why}")),
            // The machine may be too busy now: no reason not to serve.
            Err(why @ (JsonnetError::TooMuch | JsonnetError::Unavailable(_))) => {
                tracing::warn!(key, why = &why as &dyn std::error::Error, "a Jsonnet program could not be checked");
            }
        }
    }
    Ok(())
}
