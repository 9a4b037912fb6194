//! What the endpoints that clients call cost: budgets of the design, counted.

use orrery_persistence::Statements;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::json;

use super::token_endpoint::{introspect, machine, post};
use crate::stage::{Stage, cost, costs, quiet, send};

on_both_databases!(tokens_of_machines_keep_their_budget, what_is_the_same_for_everybody_costs_nothing);

const NOTHING: Statements = Statements { reads: 0, writes: 0, commits: 0 };
const ONE_READ: Statements = Statements { reads: 1, writes: 0, commits: 0 };
const ONE_WRITE: Statements = Statements { reads: 0, writes: 1, commits: 1 };

/// The request costs exactly `budget`, once its client and its keys are known.
async fn keeps<T>(stage: &Stage, budget: Statements, what: &str, request: impl AsyncFn() -> T) {
    let [usual] = costs(async |_| [cost(stage.database(), request()).await.0]).await;
    assert_eq!(usual, budget, "{what}");
}

async fn tokens_of_machines_keep_their_budget(backend: Backend) {
    let stage = Stage::with(backend, quiet(json!({}))).await;
    for (strategy, issuing, looking) in
        [("opaque", ONE_WRITE, ONE_READ), ("jwt", ONE_WRITE, ONE_READ), ("stateless_jwt", NOTHING, NOTHING)]
    {
        let members = json!({"token_endpoint_auth_method": "client_secret_post", "access_token_strategy": strategy});
        let (id, secret) = machine(&stage, members).await;
        let sent = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &secret)];
        let issue = async || send(post(&stage, "/oauth2/token", &sent)).await.expect(200).body;
        keeps(&stage, issuing, strategy, issue).await;
        let issued = issue().await;
        let token = issued["access_token"].as_str().expect("a token");
        let look = async || assert_eq!(introspect(&stage, token).await["active"], true);
        keeps(&stage, looking, strategy, look).await;
    }
}

async fn what_is_the_same_for_everybody_costs_nothing(backend: Backend) {
    let stage = Stage::with(backend, quiet(json!({}))).await;
    for path in
        ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]
    {
        keeps(&stage, NOTHING, path, async || send(stage.public(Method::GET, path)).await.expect(200)).await;
    }
}
