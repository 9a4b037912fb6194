//! `orrery routes`.

use serde_json::json;

use super::say;
use crate::config::Mode;
use crate::wiring::{self, Surfaces};

pub(super) fn routes(as_json: bool) -> anyhow::Result<()> {
    let routes = wiring::routes(Surfaces::All, Mode::Dev);
    if as_json {
        let list: Vec<_> = routes
            .list()
            .map(|route| {
                json!({
                    "listener": route.listener.to_string(), "method": route.method.as_str(), "path": route.path,
                    "surface": route.surface, "operation": route.operation,
                })
            })
            .collect();
        return say(&serde_json::to_string_pretty(&list)?);
    }
    let longest = routes.list().map(|route| route.path.len()).max().unwrap_or_default();
    routes.list().try_for_each(|route| {
        let operation = route.operation.unwrap_or("–");
        say(&format!(
            "{:<7} {:<6} {:<longest$}  {:<10} {operation}",
            route.listener, route.method, route.path, route.surface
        ))
    })
}
