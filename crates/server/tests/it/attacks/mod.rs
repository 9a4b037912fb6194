//! What somebody hostile tries, each test named after what it prevents.

mod floods;
mod forgery;
mod guessing;
mod input;
mod races;

use orrery_testkit::TestServer;
use reqwest::Response;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery";

/// Begins a flow as a native app; its JSON.
async fn begin(server: &TestServer, kind: &str) -> Value {
    let init = server.public(&format!("/self-service/{kind}/api"));
    let answer = server.api().get(init).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "a {kind} begins");
    answer.json().await.expect("JSON")
}

/// Submits to a flow as a native app.
async fn submit(server: &TestServer, flow: &Value, fields: &Value) -> Response {
    let action = flow["ui"]["action"].as_str().expect("an action");
    server.api().post(action).json(fields).send().await.expect("an answer")
}

/// Registers somebody as a native app.
async fn register(server: &TestServer, email: &str) -> Response {
    let fields = json!({"method": "password", "password": PASSWORD, "traits": {"email": email, "name": "Ada"}});
    submit(server, &begin(server, "registration").await, &fields).await
}

/// What a sign-in submits.
fn credentials(identifier: &str, password: &str) -> Value {
    json!({"method": "password", "identifier": identifier, "password": password})
}

/// The ids of the messages of a flow.
fn messages(flow: &Value) -> Vec<u64> {
    let messages = flow["ui"]["messages"].as_array().into_iter().flatten();
    messages.filter_map(|message| message["id"].as_u64()).collect()
}
