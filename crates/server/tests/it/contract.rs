//! Every operation of the contracts is routed on the right listener, or stands on the list of missing ones, which may
//! only shrink.

use std::collections::BTreeSet;

use orrery_server::config::Mode;
use orrery_server::wiring::{Surfaces, routes};
use orrery_testkit::contract::{Generation, contracts};

/// What is not served yet, one operation on a line: listener, method, path, operation.
const MISSING: &str = include_str!("../../../../docs/api/missing-operations.txt");

/// Paths of the contracts whose surfaces exist. A surface is added here together with its first route.
const SERVED: &[&str] = &[
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/ory/",
    "/admin/clients",
    "/admin/courier/",
    "/admin/identities",
    "/admin/keys/",
    "/admin/oauth2/introspect",
    "/admin/oauth2/tokens",
    "/admin/oauth2/auth/requests/consent",
    "/admin/oauth2/auth/requests/device",
    "/admin/oauth2/auth/requests/login",
    "/admin/oauth2/auth/requests/logout",
    "/admin/oauth2/auth/sessions/",
    "/admin/recovery/",
    "/admin/sessions",
    "/admin/trust/",
    "/credentials",
    "/health/",
    "/oauth2/auth",
    "/oauth2/device/",
    "/oauth2/register",
    "/oauth2/revoke",
    "/oauth2/token",
    "/oauth2/sessions/",
    "/schemas",
    "/self-service/",
    "/sessions",
    "/userinfo",
    "/version",
];

/// Where an operation belongs. Both listeners answer for their health, and administrators' clients ask for schemas.
fn listeners(path: &str) -> &'static [&'static str] {
    if path.starts_with("/health/") || path.starts_with("/schemas") {
        &["public", "admin"]
    } else if path.starts_with("/admin/") || path == "/version" {
        &["admin"]
    } else {
        &["public"]
    }
}

/// A place in the router: listener, method, and path without the names of its parameters.
fn place(listener: &str, method: &str, path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    format!("{listener} {method} {}", segments.collect::<Vec<_>>().join("/"))
}

fn routed() -> BTreeSet<String> {
    let routes = routes(Surfaces::All, Mode::Dev);
    routes.list().map(|route| place(&route.listener.to_string(), route.method.as_str(), route.path)).collect()
}

/// Every operation of the served paths: its place and its names in the contracts.
fn promised() -> BTreeSet<(String, String)> {
    let generations = [Generation::Current, Generation::V0alpha2];
    let operations = generations.into_iter().flat_map(contracts).flat_map(|contract| contract.operations());
    operations
        .filter(|operation| SERVED.iter().any(|prefix| operation.path.starts_with(prefix)))
        .flat_map(|operation| {
            let places = listeners(&operation.path).iter();
            places.map(|listener| (place(listener, &operation.method, &operation.path), operation.id.clone()))
        })
        .collect()
}

fn missing() -> BTreeSet<String> {
    MISSING
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let mut words = line.split_whitespace();
            let mut word = || words.next().unwrap_or_else(|| panic!("`{line}` wants listener, method and path"));
            let (listener, method, path) = (word(), word(), word());
            place(listener, method, path)
        })
        .collect()
}

#[test]
fn every_operation_is_routed_or_listed_as_missing() {
    let (routed, missing) = (routed(), missing());
    let forgotten: Vec<_> =
        promised().into_iter().filter(|(place, _)| !routed.contains(place) && !missing.contains(place)).collect();
    assert!(
        forgotten.is_empty(),
        "These operations of the contracts are neither routed nor on docs/api/missing-operations.txt. That list only \
         shrinks: serve them.\n{forgotten:#?}"
    );
}

#[test]
fn no_operation_on_the_list_is_routed() {
    let done: Vec<_> = missing().intersection(&routed()).cloned().collect();
    assert!(
        done.is_empty(),
        "These operations are served now; take them off docs/api/missing-operations.txt.\n{done:#?}"
    );
}

#[test]
fn the_list_names_nothing_else() {
    let promised: BTreeSet<String> = promised().into_iter().map(|(place, _)| place).collect();
    let strange: Vec<_> = missing().difference(&promised).cloned().collect();
    assert!(strange.is_empty(), "docs/api/missing-operations.txt names what no contract has.\n{strange:#?}");
}

#[test]
fn a_route_names_the_operation_that_its_contract_has_there() {
    let promised = promised();
    for route in routes(Surfaces::All, Mode::Dev).list() {
        let Some(operation) = route.operation else { continue };
        let place = place(&route.listener.to_string(), route.method.as_str(), route.path);
        assert!(
            promised.contains(&(place.clone(), operation.to_owned())),
            "{place} is not {operation} in any contract"
        );
    }
}

#[test]
fn no_admin_route_exists_on_the_public_listener() {
    let leaked: Vec<_> =
        routed().into_iter().filter(|place| place.starts_with("public ") && place.contains(" /admin")).collect();
    assert!(leaked.is_empty(), "{leaked:#?}");
}
