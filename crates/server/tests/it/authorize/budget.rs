//! What a request costs: budgets of the design, counted.

use std::time::Duration;

use orrery_persistence::Statements;
use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::json;

use super::world::{World, location, query};

/// The verifier of the challenge that [`World::request`] sends (RFC 7636 appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

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

#[tokio::test]
async fn tokens_of_people_keep_their_budget() {
    let urls = json!({"login": super::world::LOGIN_APP, "consent": super::world::CONSENT_APP});
    let mut world = quiet(json!({"oauth2": {"urls": urls}})).await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    let code = async || {
        let consent = json!({"grant_scope": ["openid", "offline"]});
        let url = world.authorized(&world.server.browser(), &[("scope", "openid offline")], consent).await;
        query(&url, "code").expect("a code")
    };
    let redeem = async |code: &str| {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", super::world::CALLBACK)];
        token(&world, &[form.as_slice(), &[("code_verifier", VERIFIER)]].concat()).await
    };
    let refresh = async |tokens: &serde_json::Value| {
        let text = tokens["refresh_token"].as_str().expect("a token");
        token(&world, &[("grant_type", "refresh_token"), ("refresh_token", text)]).await
    };
    // The first time, the client and the keys have to be read.
    refresh(&redeem(&code().await).await).await;

    let fresh = code().await;
    let (spent, tokens) = cost(&world, redeem(&fresh)).await;
    assert!(spent.reads <= 1 && spent.writes <= 4 && spent.commits == 1, "code: {spent:?}");
    let (spent, tokens) = cost(&world, refresh(&tokens)).await;
    assert!(spent.reads <= 1 && spent.writes <= 4 && spent.commits == 1, "refresh: {spent:?}");
    let userinfo = world.server.api().get(world.server.public("/userinfo"));
    let userinfo = userinfo.bearer_auth(tokens["access_token"].as_str().expect("a token")).send();
    let (spent, answer) = cost(&world, userinfo).await;
    assert_eq!(answer.expect("an answer").status(), 200);
    assert_eq!(spent, Statements { reads: 1, writes: 0, commits: 0 }, "userinfo");
}

async fn token(world: &World, form: &[(&str, &str)]) -> serde_json::Value {
    let form = form.iter().copied().chain([("client_id", world.client.as_str())]);
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let call = world.server.api().post(world.server.public("/oauth2/token")).body(form);
    let answer = call.header("content-type", "application/x-www-form-urlencoded").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.json().await.expect("JSON")
}
