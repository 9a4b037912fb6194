//! The contracts as judges: which operations there are, and whether an answer has the promised shape.
//!
//! Every HTTP test goes through [`assert_response`], so that no test can pass with a body that a generated client
//! would refuse.

#![expect(clippy::panic, reason = "a contract that cannot be read leaves nothing to judge by")]

mod document;
mod schema;

use std::sync::OnceLock;

use serde_json::Value;

pub use document::{Contract, Operation};

/// Which generation of clients an answer was made for.
///
/// The two contracts describe the same paths; older clients refuse some values that newer ones know, and the server
/// leaves those out for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Current clients: `ory-kratos-v26.2` and `ory-hydra-v26.2`.
    Current,
    /// Clients of `ory-v0alpha2`.
    V0alpha2,
}

/// The contracts of one generation.
pub fn contracts(generation: Generation) -> &'static [Contract] {
    static CURRENT: OnceLock<Vec<Contract>> = OnceLock::new();
    static V0ALPHA2: OnceLock<Vec<Contract>> = OnceLock::new();
    match generation {
        Generation::Current => {
            CURRENT.get_or_init(|| vec![Contract::read("ory-kratos-v26.2"), Contract::read("ory-hydra-v26.2")])
        }
        Generation::V0alpha2 => V0ALPHA2.get_or_init(|| vec![Contract::read("ory-v0alpha2")]),
    }
}

/// What Kratos answers beside its own contract: whoever navigates to a flow without being signed in is sent to sign in.
const BESIDE: [(&str, u16); 1] = [("getSettingsFlow", 302)];

/// Panics when an answer breaks the contract of the operation that `method` and `path` name.
///
/// `path` may carry a query. A path outside the contracts is not judged: pages and our own endpoints have tests of
/// their own. `body` is `None` for an answer without JSON.
///
/// # Panics
///
/// When the status promises a JSON body and none came, or when the body does not fit its schema. The message lists
/// each wrong place.
pub fn assert_response(generation: Generation, method: &str, path: &str, status: u16, body: Option<&Value>) {
    let path = path.split('?').next().unwrap_or_default();
    for contract in contracts(generation) {
        let Some(operation) = contract.operation(method, path) else { continue };
        if BESIDE.contains(&(operation.id.as_str(), status)) {
            continue;
        }
        let problems = contract.problems(operation, status, body);
        assert!(
            problems.is_empty(),
            "{method} {path} answered {status}, which breaks {} ({}):\n{}\nbody: {}",
            operation.id,
            contract.name,
            problems.join("\n"),
            body.map_or_else(|| "none".into(), |body| serde_json::to_string_pretty(body).unwrap_or_default()),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(generation: Generation, method: &str, path: &str, status: u16, body: &Value) -> usize {
        contracts(generation)
            .iter()
            .filter_map(|contract| Some(contract.problems(contract.operation(method, path)?, status, Some(body)).len()))
            .sum()
    }

    fn login_flow(node_type: &str) -> Value {
        json!({
            "id": "6f0b5a3e-3f5c-4f0d-9d3a-0c8f2f4f9a11", "type": "api", "state": "choose_method",
            "expires_at": "2030-01-01T00:00:00Z", "issued_at": "2030-01-01T00:00:00Z",
            "request_url": "http://127.0.0.1/", "organization_id": null,
            "ui": {"action": "http://127.0.0.1/", "method": "POST", "nodes": [{
                "type": "input", "group": "default", "messages": [], "meta": {},
                "attributes": {"name": "csrf_token", "type": "hidden", "value": "", "disabled": false,
                               "node_type": node_type},
            }]},
        })
    }

    #[test]
    fn a_good_flow_fits_both_generations() {
        for generation in [Generation::Current, Generation::V0alpha2] {
            let path = "/self-service/login/api";
            assert_eq!(problems(generation, "GET", path, 200, &login_flow("input")), 0, "{generation:?}");
        }
    }

    #[test]
    fn attributes_are_judged_by_their_discriminator() {
        let path = "/self-service/login/api";
        assert_ne!(problems(Generation::Current, "GET", path, 200, &login_flow("img")), 0);
        assert_ne!(problems(Generation::Current, "GET", path, 200, &login_flow("no-such-type")), 0);
    }

    #[test]
    fn a_missing_field_breaks_the_contract() {
        let mut flow = login_flow("input");
        flow.as_object_mut().unwrap().remove("expires_at");
        assert_ne!(problems(Generation::Current, "GET", "/self-service/login/api", 200, &flow), 0);
    }

    #[test]
    fn formats_are_checked() {
        let mut flow = login_flow("input");
        flow["expires_at"] = json!("tomorrow");
        assert_ne!(problems(Generation::Current, "GET", "/self-service/login/api", 200, &flow), 0);
    }

    #[test]
    fn values_that_old_clients_refuse_break_only_their_contract() {
        let mut flow = login_flow("input");
        flow["active"] = json!("code");
        assert_eq!(problems(Generation::Current, "GET", "/self-service/login/api", 200, &flow), 0);
        assert_ne!(problems(Generation::V0alpha2, "GET", "/self-service/login/api", 200, &flow), 0);
    }

    #[test]
    fn every_error_needs_a_message() {
        let bare = json!({"error": {"code": 404}});
        let full = json!({"error": {"code": 404, "message": "gone", "details": {"a": 1}}});
        for status in [404, 429, 503] {
            assert_ne!(problems(Generation::Current, "GET", "/sessions/whoami", status, &bare), 0, "{status}");
            assert_eq!(problems(Generation::Current, "GET", "/sessions/whoami", status, &full), 0, "{status}");
        }
    }

    #[test]
    fn an_undocumented_success_breaks_the_contract() {
        assert_ne!(problems(Generation::Current, "GET", "/sessions/whoami", 202, &json!({})), 0);
    }

    #[test]
    fn templates_match_one_segment_and_the_literal_wins() {
        let kratos = &contracts(Generation::Current)[0];
        let id = |path| kratos.operation("GET", path).map(|operation| operation.id.as_str());
        assert_eq!(id("/admin/identities/1"), Some("getIdentity"));
        assert_eq!(id("/admin/identities/by/external/1"), Some("getIdentityByExternalID"));
        assert_eq!(id("/sessions/whoami"), Some("toSession"));
        assert_eq!(id("/admin/identities/1/2/3/4"), None);
    }
}
