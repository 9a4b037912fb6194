//! Whether an account exists is not to be heard either: answers for known and unknown names take the same time.
//!
//! The judge compares pairs, not durations: two requests right after each other, one of each kind, first the one and then
//! the other in front. Whatever slows this machine down meets both alike, so that chance alone decides which of a pair was
//! faster. Of 200 pairs chance gives one side 140 or more once in a hundred million times.

use std::time::{Duration, Instant};

use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::Client;
use super::code_world::{EMAIL, asking, entering, native_flow, settings};
use super::settings::PASSWORD;
use super::world::World;

on_both_databases! {
    a_wrong_password_takes_as_long_for_nobody,
    asking_for_a_code_takes_as_long_for_nobody,
    a_wrong_code_takes_as_long_for_nobody,
    asking_to_recover_takes_as_long_for_nobody,
    asking_to_verify_takes_as_long_for_nobody,
}

const NOBODY: &str = "eve@example.org";
const PAIRS: usize = 200;
const TOO_MANY: usize = 140;

/// No door is ever locked, and no courier runs: nobody but the test uses the server.
async fn world(backend: Backend) -> World {
    let both = json!({"selfservice": {"flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}}}});
    let config = json!({"limits": {"failed_attempts": 0}, "identity": settings("passwordless_enabled", both)});
    let world = World::quiet_config(backend, config).await;
    world.register(EMAIL, PASSWORD).await;
    world
}

/// How long the answer takes.
async fn answered(client: &Client<'_>, flow: &Value, body: Value) -> Duration {
    let begun = Instant::now();
    let answer = client.submit(flow, body).await;
    let took = begun.elapsed();
    assert!(matches!(answer.status, 200 | 400), "{answer:?}");
    took
}

/// Measures 200 pairs and judges them.
async fn judge(mut measure: impl AsyncFnMut(&'static str) -> Duration) {
    // What is done for the first time takes longer.
    for _ in 0..5 {
        measure(EMAIL).await;
        measure(NOBODY).await;
    }
    let mut slower = 0;
    for pair in 0..PAIRS {
        let (known, unknown) = if pair % 2 == 0 {
            let known = measure(EMAIL).await;
            (known, measure(NOBODY).await)
        } else {
            let unknown = measure(NOBODY).await;
            (measure(EMAIL).await, unknown)
        };
        slower += usize::from(known > unknown);
    }
    let range = PAIRS - TOO_MANY..TOO_MANY;
    assert!(range.contains(&slower), "the known one was slower in {slower} of {PAIRS} pairs");
}

async fn a_wrong_password_takes_as_long_for_nobody(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    judge(async |name| {
        answered(&native, &flow, json!({"method": "password", "identifier": name, "password": "a guess"})).await
    })
    .await;
}

async fn asking_for_a_code_takes_as_long_for_nobody(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    judge(async |name| {
        let flow = native_flow(&native, "login").await;
        answered(&native, &flow, asking(name)).await
    })
    .await;
}

async fn a_wrong_code_takes_as_long_for_nobody(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    judge(async |name| {
        let flow = native_flow(&native, "login").await;
        answered(&native, &flow, asking(name)).await;
        answered(&native, &flow, entering(name, "x00000")).await
    })
    .await;
}

async fn asking_to_recover_takes_as_long_for_nobody(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    judge(async |name| {
        let flow = native_flow(&native, "recovery").await;
        answered(&native, &flow, json!({"method": "code", "email": name})).await
    })
    .await;
}

async fn asking_to_verify_takes_as_long_for_nobody(backend: Backend) {
    let world = world(backend).await;
    let native = world.native();
    judge(async |name| {
        let flow = native_flow(&native, "verification").await;
        answered(&native, &flow, json!({"method": "code", "email": name})).await
    })
    .await;
}
