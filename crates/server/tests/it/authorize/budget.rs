//! What a request costs: budgets of the design, counted.

use orrery_persistence::Statements;
use orrery_testkit::Backend;
use serde_json::json;

use super::world::{CONSENT_APP, LOGIN_APP, World, location, query};
use crate::stage::{cost, costs, quiet, send};

const ONE_READ: Statements = Statements { reads: 1, writes: 0, commits: 0 };

async fn world() -> World {
    let urls = json!({"login": LOGIN_APP, "consent": CONSENT_APP});
    World::with(Backend::Sqlite, quiet(json!({"oauth2": {"urls": urls}}))).await
}

#[tokio::test]
async fn an_authorization_keeps_its_budget() {
    let world = world().await;
    let database = world.server.database();
    let [first, decided, returned, consented, ended, again] = costs(async |number| {
        let browser = world.server.browser();
        let (first, challenge) = cost(database, world.begin(&browser, &[])).await;
        let accept = json!({"subject": format!("person {number}"), "remember": true});
        let (decided, next) = cost(database, world.decide("login", "accept", &challenge, accept)).await;
        let (returned, answer) = cost(database, browser.get(next)).await;
        let consent = query(&location(&answer), "consent_challenge").expect("a challenge");
        let granted = json!({"grant_scope": ["openid"], "remember": true});
        let (consented, next) = cost(database, world.decide("consent", "accept", &consent, granted)).await;
        let (ended, answer) = cost(database, browser.get(next)).await;
        assert!(query(&location(&answer), "code").is_some());
        let (again, _) = cost(database, world.begin(&browser, &[])).await;
        [first, decided, returned, consented, ended, again]
    })
    .await;
    assert_eq!(first, ONE_READ, "first leg");
    assert!(decided.reads <= 2 && decided.writes <= 1, "login decision: {decided:?}");
    // One round trip for the authorization, one for an earlier grant, one commit of two rows.
    assert!(returned.reads <= 2 && returned.writes <= 2 && returned.commits == 1, "login return: {returned:?}");
    assert!(consented.reads <= 1 && consented.writes <= 1, "consent decision: {consented:?}");
    // The end of the flow, the grant, the code, and the grants that it replaces: one commit.
    assert!(ended.reads <= 1 && ended.writes <= 4 && ended.commits == 1, "consent return: {ended:?}");
    assert_eq!(again, ONE_READ, "first leg of a remembered person");
}

#[tokio::test]
async fn tokens_of_people_keep_their_budget() {
    let mut world = world().await;
    world.client = world.register(json!({"token_endpoint_auth_method": "none"})).await;
    let database = world.server.database();
    let [redeemed, refreshed, told] = costs(async |_| {
        let code = world.code(&world.server.browser(), "openid offline", json!({})).await;
        let (redeemed, tokens) = cost(database, send(world.redeem(&code, &[]))).await;
        let token = tokens.expect(200).body["refresh_token"].as_str().expect("a token").to_owned();
        let client = ("client_id", world.client.as_str());
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), client];
        let (refreshed, tokens) = cost(database, send(world.form("/oauth2/token", &pairs))).await;
        let token = tokens.expect(200).body["access_token"].as_str().expect("a token").to_owned();
        let userinfo = world.server.api().get(world.server.public("/userinfo")).bearer_auth(token);
        let (told, answer) = cost(database, send(userinfo)).await;
        answer.expect(200);
        [redeemed, refreshed, told]
    })
    .await;
    let stateless =
        world.register(json!({"token_endpoint_auth_method": "none", "access_token_strategy": "stateless_jwt"}));
    world.client = stateless.await;
    let code = world.code(&world.server.browser(), "openid", json!({})).await;
    let token = send(world.redeem(&code, &[])).await.expect(200).body["access_token"].clone();
    let userinfo =
        || world.server.api().get(world.server.public("/userinfo")).bearer_auth(token.as_str().expect("a token"));
    let [told_without_row] = costs(async |_| [cost(database, send(userinfo())).await.0]).await;
    assert_eq!(told_without_row, ONE_READ, "userinfo of a stateless token");
    assert!(redeemed.reads <= 1 && redeemed.writes <= 4 && redeemed.commits == 1, "code: {redeemed:?}");
    assert!(refreshed.reads <= 1 && refreshed.writes <= 4 && refreshed.commits == 1, "refresh: {refreshed:?}");
    assert_eq!(told, ONE_READ, "userinfo");
}
