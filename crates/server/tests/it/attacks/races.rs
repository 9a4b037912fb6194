//! The same thing sixteen times at once.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, TestServer, on_both_databases};
use serde_json::{Value, json};

use super::{PASSWORD, begin, credentials, register, submit};

on_both_databases!(
    one_address_is_registered_once,
    one_flow_makes_one_account,
    one_flow_makes_one_session,
    one_code_is_good_once,
);

const RACERS: usize = 16;

fn person(email: &str) -> Value {
    json!({"method": "password", "password": PASSWORD, "traits": {"email": email, "name": "Ada"}})
}

/// Submits the same flow from every racer; how many were answered with each of the two statuses.
async fn race(server: &TestServer, flow: &Value, fields: impl Fn(usize) -> Value) -> (usize, usize) {
    let answers = join_all((0..RACERS).map(async |n| submit(server, flow, &fields(n)).await.status().as_u16())).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    (count(200), count(400))
}

async fn identities(server: &TestServer) -> usize {
    let answer = server.api().get(server.admin("/admin/identities")).send().await.expect("an answer");
    answer.json::<Vec<Value>>().await.expect("a list").len()
}

async fn one_address_is_registered_once(backend: Backend) {
    let server = TestServer::start(backend).await;
    let spellings = ["ada@example.org", "ADA@example.org", "Ada@Example.Org"];
    let mut flows = Vec::new();
    for _ in 0..RACERS {
        flows.push(begin(&server, "registration").await);
    }
    let answers = flows
        .iter()
        .enumerate()
        .map(async |(n, flow)| submit(&server, flow, &person(spellings[n % spellings.len()])).await.status().as_u16());
    let answers = join_all(answers).await;
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 400)), "{answers:?}");
    assert_eq!((identities(&server).await, server.inbox().await.len()), (1, 1));
}

async fn one_flow_makes_one_account(backend: Backend) {
    let server = TestServer::start(backend).await;
    let flow = begin(&server, "registration").await;
    assert_eq!(race(&server, &flow, |n| person(&format!("ada{n}@example.org"))).await, (1, RACERS - 1));
    assert_eq!((identities(&server).await, server.inbox().await.len()), (1, 1));
}

async fn one_flow_makes_one_session(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    let flow = begin(&server, "login").await;
    assert_eq!(race(&server, &flow, |_| credentials("ada@example.org", PASSWORD)).await, (1, RACERS - 1));
    let sessions = server.api().get(server.admin("/admin/sessions")).send().await.expect("an answer");
    assert_eq!(sessions.json::<Vec<Value>>().await.expect("a list").len(), 2, "with that of the registration");
}

async fn one_code_is_good_once(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    // So that the message of the registration is the older one.
    server.advance(Duration::from_secs(1));
    let flow = begin(&server, "verification").await;
    submit(&server, &flow, &json!({"method": "code", "email": "ada@example.org"})).await;
    let code = server.code_for("ada@example.org").await;
    let entered = json!({"method": "code", "code": code});
    let answers = join_all((0..RACERS).map(async |_| {
        let answer: Value = submit(&server, &flow, &entered).await.json().await.expect("JSON");
        answer["state"] == "passed_challenge" && answer["id"] == flow["id"]
    }))
    .await;
    assert_eq!(answers.iter().filter(|passed| **passed).count(), 1);
}
