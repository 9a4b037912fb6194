//! What a request costs: budgets of the design, counted.

use std::time::Duration;

use orrery_persistence::Statements;
use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::json;

use super::world::{World, location, query};

/// What a step sends to the database, when nothing else does.
async fn cost<T>(world: &World, step: impl Future<Output = T>) -> (Statements, T) {
    let before = world.server.database().statements();
    let done = step.await;
    (world.server.database().statements() - before, done)
}

/// A server whose sweeping and delivery stay out of the way.
async fn quiet(config: serde_json::Value) -> World {
    let mut world_config = json!({"database": {"cleanup": {"interval": "1h"}}});
    for (name, value) in config.as_object().expect("an object") {
        world_config[name.as_str()] = value.clone();
    }
    let options = TestOptions {
        surfaces: orrery_server::wiring::Surfaces::OAuth2,
        ..TestOptions::with(Backend::Sqlite, world_config)
    };
    let mut world = World { server: TestServer::start(options).await, client: String::new() };
    world.client = world.register(json!({})).await;
    // The keys have been made: that is the longest of what a server does at its start.
    while signing_keys(&world).await == 0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut before = world.server.database().statements();
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = world.server.database().statements();
        if now == before {
            return world;
        }
        before = now;
    }
}

async fn signing_keys(world: &World) -> usize {
    let answer = world.server.api().get(world.server.public("/.well-known/jwks.json")).send().await;
    let answer: serde_json::Value = answer.expect("an answer").json().await.expect("JSON");
    answer["keys"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn an_authorization_keeps_its_budget() {
    let urls = json!({"login": super::world::LOGIN_APP, "consent": super::world::CONSENT_APP});
    let world = quiet(json!({"oauth2": {"urls": urls}})).await;
    let browser = world.server.browser();
    let (spent, challenge) = cost(&world, world.begin(&browser, &[])).await;
    assert_eq!(spent, Statements { reads: 1, writes: 0, commits: 0 }, "first leg");

    let accept = json!({"subject": "ada", "remember": true});
    let (spent, next) = cost(&world, world.decide("login", "accept", &challenge, accept)).await;
    assert!(spent.reads <= 2 && spent.writes <= 1, "login decision: {spent:?}");
    let (spent, answer) = cost(&world, browser.get(next)).await;
    // One round trip for the authorization, one for an earlier grant, one commit of two rows.
    assert!(spent.reads <= 2 && spent.writes <= 2 && spent.commits == 1, "login return: {spent:?}");

    let consent = query(&location(&answer), "consent_challenge").expect("a challenge");
    let decision = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"], "remember": true}));
    let (spent, next) = cost(&world, decision).await;
    assert!(spent.reads <= 1 && spent.writes <= 1, "consent decision: {spent:?}");
    let (spent, answer) = cost(&world, browser.get(next)).await;
    assert!(query(&location(&answer), "code").is_some());
    // The end of the flow, the grant, the code, and the grants that it replaces: one commit.
    assert!(spent.reads <= 1 && spent.writes <= 4 && spent.commits == 1, "consent return: {spent:?}");

    let (spent, _) = cost(&world, world.begin(&browser, &[])).await;
    assert_eq!(spent, Statements { reads: 1, writes: 0, commits: 0 }, "first leg of a remembered person");
}
