//! What the endpoints that clients call cost: budgets of the design, counted.

use orrery_persistence::Statements;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::create;
use super::token_endpoint::{introspect, post};
use crate::stage::{Stage, send};

on_both_databases!(tokens_of_machines_keep_their_budget, what_is_the_same_for_everybody_costs_nothing);

const NOTHING: Statements = Statements { reads: 0, writes: 0, commits: 0 };
const ONE_READ: Statements = Statements { reads: 1, writes: 0, commits: 0 };
const ONE_WRITE: Statements = Statements { reads: 0, writes: 1, commits: 1 };

/// The request costs no more than `budget`, once its client and its keys are known. What the server does besides, such as
/// sweeping, is counted too, but not every time.
async fn keeps<T>(stage: &Stage, budget: Statements, what: &str, request: impl AsyncFn() -> T) -> T {
    let mut spent = Vec::new();
    for _ in 0..50 {
        let before = stage.database().statements();
        let answer = request().await;
        let cost = stage.database().statements() - before;
        if cost == budget {
            return answer;
        }
        spent.push(cost);
    }
    panic!("{what} never cost {budget:?} but {spent:?}");
}

async fn machine(stage: &Stage, strategy: &str) -> (String, String) {
    let body = json!({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "client_secret_post",
        "access_token_strategy": strategy});
    let made = create(stage, body).await.body;
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("client_id"), text("client_secret"))
}

async fn tokens_of_machines_keep_their_budget(backend: Backend) {
    let stage = Stage::start(backend).await;
    for (strategy, issuing, looking) in
        [("opaque", ONE_WRITE, ONE_READ), ("jwt", ONE_WRITE, ONE_READ), ("stateless_jwt", NOTHING, NOTHING)]
    {
        let (id, secret) = machine(&stage, strategy).await;
        let sent = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
        let issue = async || send(post(&stage, "/oauth2/token", &sent)).await.expect(200).body;
        let answer: Value = keeps(&stage, issuing, strategy, issue).await;
        let token = answer["access_token"].as_str().expect("a token");
        let seen = keeps(&stage, looking, strategy, async || introspect(&stage, token).await).await;
        assert_eq!(seen["active"], true);
    }
}

async fn what_is_the_same_for_everybody_costs_nothing(backend: Backend) {
    let stage = Stage::start(backend).await;
    for path in
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]
    {
        keeps(&stage, NOTHING, path, async || send(stage.public(Method::GET, path)).await.expect(200)).await;
    }
}
