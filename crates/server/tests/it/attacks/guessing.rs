//! Guessing passwords and codes.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, TestServer, on_both_databases};
use serde_json::{Value, json};

use super::{PASSWORD, begin, credentials, messages, register, submit};

on_both_databases!(
    two_hundred_guesses_at_once_are_no_more_than_ten,
    another_spelling_brings_no_further_guesses,
    a_fresh_flow_brings_no_further_codes,
    nobody_learns_who_has_an_account,
    a_locked_door_leaves_sessions_alone,
);

/// The default of `limits.failed_attempts`.
const ATTEMPTS: usize = 10;
const WRONG: u64 = 4_000_006;
const WRONG_CODE: u64 = 4_070_006;

async fn sign_in(server: &TestServer, identifier: &str, password: &str) -> Value {
    let answer = submit(server, &begin(server, "login").await, &credentials(identifier, password)).await;
    answer.json().await.expect("JSON")
}

async fn two_hundred_guesses_at_once_are_no_more_than_ten(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    for identifier in ["ada@example.org", "nobody@example.org"] {
        let flow = begin(&server, "login").await;
        let guesses = (0..200).map(async |n| {
            let answer = submit(&server, &flow, &credentials(identifier, &format!("guess {n}"))).await;
            messages(&answer.json().await.expect("JSON"))
        });
        let evaluated = join_all(guesses).await.iter().filter(|messages| messages.contains(&WRONG)).count();
        assert_eq!(evaluated, ATTEMPTS, "{identifier}");
        let right = sign_in(&server, identifier, PASSWORD).await;
        assert!(right["session_token"].is_null(), "the right password gets nobody through a locked door");
    }
}

async fn another_spelling_brings_no_further_guesses(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    let spellings =
        ["ada@example.org", "ADA@example.org", " ada@example.org ", "ada\u{200b}@example.org", "ａda@example.org"];
    let mut evaluated = 0;
    for n in 0..4 * ATTEMPTS {
        let answer = sign_in(&server, spellings[n % spellings.len()], "a guess").await;
        evaluated += usize::from(messages(&answer).contains(&WRONG));
    }
    assert_eq!(evaluated, ATTEMPTS);
}

async fn a_fresh_flow_brings_no_further_codes(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    let mut evaluated = 0;
    for n in 0..8 {
        let flow = begin(&server, "verification").await;
        let sent = submit(&server, &flow, &json!({"method": "code", "email": "ada@example.org"})).await;
        assert_eq!(sent.status(), 200);
        for guess in 0..3 {
            let code = json!({"method": "code", "code": format!("{n:03}{guess:03}")});
            let answer = submit(&server, &flow, &code).await.json().await.expect("JSON");
            evaluated += usize::from(messages(&answer).contains(&WRONG_CODE));
        }
    }
    assert_eq!(evaluated, ATTEMPTS);
}

/// A flow as JSON without what differs from one flow to the next.
fn comparable(mut flow: Value, address: &str) -> String {
    let id = flow["id"].as_str().expect("an id").to_owned();
    flow["organization_id"].take();
    flow.to_string().replace(&id, "<id>").replace(address, "<address>")
}

async fn nobody_learns_who_has_an_account(backend: Backend) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "known@example.org").await.status(), 200);
    let mut answers = Vec::new();
    for address in ["known@example.org", "other@example.org"] {
        let login = sign_in(&server, address, "a guess").await;
        let flow = begin(&server, "verification").await;
        let sent = submit(&server, &flow, &json!({"method": "code", "email": address})).await;
        let status = sent.status();
        let sent = sent.json().await.expect("JSON");
        let entered = submit(&server, &flow, &json!({"method": "code", "code": "000000"})).await;
        let entered = entered.json().await.expect("JSON");
        answers.push((status, comparable(login, address), comparable(sent, address), comparable(entered, address)));
    }
    assert_eq!(answers[0], answers[1]);
}

async fn a_locked_door_leaves_sessions_alone(backend: Backend) {
    let server = TestServer::start(backend).await;
    let registered: Value = register(&server, "ada@example.org").await.json().await.expect("JSON");
    let token = registered["session_token"].as_str().expect("a token");
    for _ in 0..=ATTEMPTS {
        sign_in(&server, "ada@example.org", "a guess").await;
    }
    let whoami = server.api().get(server.public("/sessions/whoami")).header("x-session-token", token).send().await;
    assert_eq!(whoami.expect("an answer").status(), 200);
    server.advance(Duration::from_secs(15 * 60 + 1));
    let answer = sign_in(&server, "ada@example.org", PASSWORD).await;
    assert!(answer["session_token"].is_string(), "the lock ends by itself: {answer}");
}
