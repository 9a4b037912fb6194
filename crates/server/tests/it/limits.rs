//! Guessing is bounded, for accounts that exist and for those that do not.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::json;

use crate::stage::{Answer, Jar, PASSWORD, Stage, send};

on_both_databases! {
    an_account_is_locked_for_a_while_after_too_many_wrong_passwords,
    signing_in_forgets_earlier_failures,
    failures_of_long_ago_do_not_count,
    a_lock_does_not_tell_whether_an_account_exists,
    brute_force_in_parallel_gets_no_further_than_one_after_the_other,
    one_address_cannot_begin_or_submit_flows_without_end,
    a_forwarded_address_of_a_stranger_is_not_believed,
    a_lock_in_a_browser_is_a_message_on_the_page,
}

const WRONG: u64 = 4_000_006;
const REFUSED: u64 = 4_000_001;

async fn failing(backend: Backend, attempts: u32) -> Stage {
    Stage::with(backend, json!({"limits": {"failed_attempts": attempts, "attempt_window": "10m", "lockout": "15m"}}))
        .await
}

/// What an outsider can tell from an answer.
fn visible(answer: &Answer) -> (u16, Vec<u64>) {
    (answer.status.as_u16(), answer.messages())
}

async fn an_account_is_locked_for_a_while_after_too_many_wrong_passwords(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    for _ in 0..3 {
        assert_eq!(stage.try_login("ada@example.org", "wrong").await.expect(400).messages(), [WRONG]);
    }
    let locked = stage.try_login("ada@example.org", PASSWORD).await.expect(400);
    assert_eq!(locked.messages(), [REFUSED], "the right password is not evaluated either");
    let spelled = stage.try_login(" ADA@example.org", PASSWORD).await.expect(400);
    assert_eq!(spelled.messages(), [REFUSED], "another spelling is the same door");
    stage.person("eve@example.org").await;
    stage.login("eve@example.org").await;
    stage.advance(Duration::from_secs(15 * 60));
    stage.login("ada@example.org").await;
}

async fn signing_in_forgets_earlier_failures(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    for _ in 0..3 {
        for _ in 0..2 {
            stage.try_login("ada@example.org", "wrong").await.expect(400);
        }
        stage.login("ada@example.org").await;
    }
}

async fn failures_of_long_ago_do_not_count(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    for _ in 0..5 {
        stage.try_login("ada@example.org", "wrong").await.expect(400);
        stage.advance(Duration::from_secs(10 * 60));
    }
    stage.login("ada@example.org").await;
}

async fn a_lock_does_not_tell_whether_an_account_exists(backend: Backend) {
    let stage = failing(backend, 3).await;
    stage.person("ada@example.org").await;
    for _ in 0..5 {
        let known = stage.try_login("ada@example.org", "wrong").await;
        let unknown = stage.try_login("nobody@example.org", "wrong").await;
        assert_eq!(visible(&known), visible(&unknown));
        assert_eq!(
            known.body["ui"]["messages"][0]["text"], unknown.body["ui"]["messages"][0]["text"],
            "the same words"
        );
    }
    assert_eq!(stage.try_login("nobody@example.org", "wrong").await.messages(), [REFUSED]);
}

async fn brute_force_in_parallel_gets_no_further_than_one_after_the_other(backend: Backend) {
    let stage = failing(backend, 10).await;
    stage.person("ada@example.org").await;
    for identifier in ["ada@example.org", "nobody@example.org"] {
        let guess = async |number: u32| stage.try_login(identifier, &format!("guess number {number}")).await;
        let guesses = (0..200).map(guess);
        let answers = futures_util::future::join_all(guesses).await;
        let evaluated = answers.iter().filter(|answer| answer.messages() == [WRONG]).count();
        assert_eq!(evaluated, 10, "{identifier}");
        assert!(answers.iter().all(|answer| answer.status == 400 || answer.status == 503));
    }
    assert_eq!(stage.try_login("ada@example.org", PASSWORD).await.messages(), [REFUSED]);
}

async fn one_address_cannot_begin_or_submit_flows_without_end(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"flows_per_minute": 5, "submits_per_minute": 3}})).await;
    for _ in 0..5 {
        send(stage.public(Method::GET, "/self-service/login/api")).await.expect(200);
    }
    for path in ["login/api", "registration/api", "verification/api"] {
        let answer = send(stage.public(Method::GET, &format!("/self-service/{path}"))).await.expect(429);
        assert_eq!(answer.header("retry-after"), Some("12"), "{path}");
    }
    stage.advance(Duration::from_secs(60));
    let flow = send(stage.public(Method::GET, "/self-service/login/api")).await.expect(200);
    let path = format!("/self-service/login?flow={}", flow.id());
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": "wrong"});
    for _ in 0..3 {
        send(stage.public(Method::POST, &path).json(&body)).await.expect(400);
    }
    send(stage.public(Method::POST, &path).json(&body)).await.expect(429);
    stage.advance(Duration::from_secs(20));
    send(stage.public(Method::POST, &path).json(&body)).await.expect(400);
    // Who is signed in already is not in the way of others' guesses.
    send(stage.public(Method::GET, "/sessions/whoami")).await.expect(401);
}

async fn a_forwarded_address_of_a_stranger_is_not_believed(backend: Backend) {
    let stage = Stage::with(backend, json!({"limits": {"flows_per_minute": 2}})).await;
    for number in 0..2 {
        let request = stage.public(Method::GET, "/self-service/login/api");
        send(request.header("x-forwarded-for", format!("203.0.113.{number}"))).await.expect(200);
    }
    let request = stage.public(Method::GET, "/self-service/login/api").header("x-forwarded-for", "203.0.113.9");
    send(request).await.expect(429);
}

async fn a_lock_in_a_browser_is_a_message_on_the_page(backend: Backend) {
    let stage = failing(backend, 1).await;
    stage.try_login("ada@example.org", "wrong").await.expect(400);
    let mut jar = Jar::default();
    let flow = jar.script(stage.public(Method::GET, "/self-service/login/browser")).await.expect(200);
    let token = flow.node("csrf_token").expect("a token")["value"].as_str().expect("a text").to_owned();
    let form = [("method", "password"), ("identifier", "ada@example.org"), ("password", "x"), ("csrf_token", &token)];
    let path = format!("/self-service/login?flow={}", flow.id());
    let request = stage.public(Method::POST, &path).header("accept", "text/html").form(&form);
    jar.send(request).await.expect(303);
    let shown = jar.script(stage.public(Method::GET, &format!("/self-service/login/flows?id={}", flow.id()))).await;
    assert_eq!(shown.expect(200).messages(), [REFUSED]);
}
