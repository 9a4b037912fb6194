//! Every route, called as nobody, as a stranger, as the owner and as an administrator, against a checked-in table.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use orrery_server::config::Mode;
use orrery_server::wiring::{Surfaces, routes};

use self::world::{Caller, World};

/// Listener, method, path, and the status for each of [`Caller::ALL`].
const TABLE: &str = include_str!("table.txt");

/// `listener method path` to the expected statuses.
fn table() -> BTreeMap<String, Vec<u16>> {
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (place, statuses) = words.split_at_checked(3).unwrap_or_else(|| panic!("`{line}` is too short"));
            let statuses: Vec<u16> =
                statuses.iter().map(|status| status.parse().expect("a status in access/table.txt")).collect();
            assert_eq!(statuses.len(), Caller::ALL.len(), "`{line}` wants a status for each caller");
            (place.join(" "), statuses)
        })
        .collect()
}

/// Every route with its table key.
fn routed() -> Vec<(String, orrery_web::Route)> {
    let routes = routes(Surfaces::All, Mode::Dev);
    let key = |route: &orrery_web::Route| format!("{} {} {}", route.listener, route.method.as_str(), route.path);
    routes.list().map(|route| (key(route), route.clone())).collect()
}

#[test]
fn the_table_lists_every_route_and_nothing_else() {
    let routed: BTreeSet<String> = routed().into_iter().map(|(key, _)| key).collect();
    let listed: BTreeSet<String> = table().into_keys().collect();
    let unlisted: Vec<_> = routed.difference(&listed).collect();
    assert!(unlisted.is_empty(), "Decide who may call these and write it into access/table.txt: {unlisted:#?}");
    let stale: Vec<_> = listed.difference(&routed).collect();
    assert!(stale.is_empty(), "access/table.txt lists routes that do not exist: {stale:#?}");
}

#[tokio::test]
async fn every_route_answers_each_caller_as_the_table_says() {
    let (table, world) = (table(), World::start().await);
    let mut wrong = String::new();
    for (number, (key, route)) in routed().into_iter().enumerate() {
        let Some(expected) = table.get(&key) else { continue };
        let statuses = world.call_as_each(number, &route).await;
        if statuses != *expected {
            wrong.push_str(&format!("{key} answered {statuses:?}, not {expected:?}\n"));
        }
    }
    assert!(wrong.is_empty(), "nobody, stranger, owner, admin:\n{wrong}");
}
