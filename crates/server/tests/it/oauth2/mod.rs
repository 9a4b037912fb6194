//! The OAuth2 server.

mod assertion_grant;
mod budget;
mod client_changes;
mod client_rules;
mod clients;
mod discovery;
pub(crate) mod dpop;
mod registration;
mod token_endpoint;
mod token_exchange;
mod token_hooks;
mod trusted_issuers;

use orrery_testkit::{Backend, Call};
use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Answer, Stage, send};

/// What a client of the older generation says it is.
const OLD: &str = "OpenAPI-Generator/1.0.0/go";

/// A server on which clients may register themselves.
async fn open(backend: Backend) -> Stage {
    let registration = json!({"enabled": true, "default_scope": ["openid", "profile"]});
    Stage::with(backend, json!({"oauth2": {"oidc": {"dynamic_client_registration": registration}}})).await
}

async fn call(stage: &Stage, method: Method, path: &str, body: &Value) -> Answer {
    send(stage.admin(method, path).json(body)).await
}

async fn get(stage: &Stage, path: &str) -> Answer {
    send(stage.admin(Method::GET, path)).await
}

/// A client that an administrator registers.
async fn create(stage: &Stage, body: Value) -> Answer {
    call(stage, Method::POST, "/admin/clients", &body).await.expect(201)
}

fn with_token(call: Call, token: &Value) -> Call {
    call.bearer_auth(token.as_str().expect("a token"))
}

/// `error` and `error_description` of a refusal; every refusal has `message` too.
fn refusal(answer: &Answer) -> (u16, String, String) {
    let text = |name: &str| answer.body[name].as_str().expect("a text").to_owned();
    assert_eq!(answer.body["message"], answer.body["error_description"], "{}", answer.body);
    (answer.status.as_u16(), text("error"), text("error_description"))
}
