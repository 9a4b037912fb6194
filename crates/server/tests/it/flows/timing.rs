//! Whether an account exists is not to be heard either: answers for known and unknown names take the same time.
//!
//! The exact part is in the tests of attacks, which count statements and compare answers. This is the judge by the clock: 200
//! answers of each kind in turn, first the one and then the other in front, so that whatever slows this machine down meets
//! both alike. Their first quartiles are compared, because noise only ever adds. A missing password hash or transaction is
//! far beyond what is allowed; what is left (a row more that is read, a row more that is written) is below what a
//! network lets anybody hear.

use std::time::{Duration, Instant};

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::code_world::{EMAIL, asking, entering, native_flow, settings};
use super::settings::PASSWORD;
use super::world::World;

on_both_databases! {
    a_wrong_password_takes_as_long_for_nobody,
    a_wrong_password_takes_as_long_for_nobody_where_hashes_are_dear,
    asking_for_a_code_takes_as_long_for_nobody,
    a_wrong_code_takes_as_long_for_nobody,
    asking_to_recover_takes_as_long_for_nobody,
    asking_to_verify_takes_as_long_for_nobody,
}

const NOBODY: &str = "eve@example.org";
const PAIRS: usize = 200;
const ROUNDS: usize = 3;
/// Differences are heard beyond a third, and never below a millisecond.
const HEARD: (f64, Duration) = (4.0 / 3.0, Duration::from_millis(1));

/// No door is ever locked, and no courier runs: nobody but the test uses the server.
async fn world(backend: Backend) -> World {
    let both = json!({"selfservice": {"flows": {"recovery": {"enabled": true}, "verification": {"enabled": true}}}});
    // A password hash that takes its time, as in life.
    let mut identity = settings("passwordless_enabled", both);
    identity["hashers"] = json!({"argon2": {"memory": "16MB", "iterations": 1}});
    let config = json!({"limits": {"failed_attempts": 0}, "identity": identity});
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

/// Hears a difference, or none. One that is there is heard in every round; what other programs do on this machine is not.
async fn judge(mut measure: impl AsyncFnMut(&'static str) -> Duration) {
    // What is done for the first time takes longer.
    for _ in 0..5 {
        measure(EMAIL).await;
        measure(NOBODY).await;
    }
    let mut heard = Vec::new();
    for _ in 0..ROUNDS {
        let (known, unknown) = quartiles(&mut measure).await;
        let (less, more) = (known.min(unknown), known.max(unknown));
        if more - less < HEARD.1 || more < less.mul_f64(HEARD.0) {
            return;
        }
        heard.push((known, unknown));
    }
    panic!("known and unknown names take different times: {heard:?}");
}

/// Measures 200 answers of each kind.
async fn quartiles(measure: &mut impl AsyncFnMut(&'static str) -> Duration) -> (Duration, Duration) {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        if pair % 2 == 0 {
            known.push(measure(EMAIL).await);
            unknown.push(measure(NOBODY).await);
        } else {
            unknown.push(measure(NOBODY).await);
            known.push(measure(EMAIL).await);
        }
    }
    let quartile = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times[PAIRS / 4]
    };
    (quartile(known), quartile(unknown))
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

/// Everybody moved here from a system whose hashes cost several times ours.
async fn a_wrong_password_takes_as_long_for_nobody_where_hashes_are_dear(backend: Backend) {
    let world = World::quiet_config(backend, json!({"limits": {"failed_attempts": 0}})).await;
    let dear = "$2b$08$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
    for name in ["ada", "grace", "alan"] {
        let body = json!({
            "traits": {"email": format!("{name}@example.org")},
            "credentials": {"password": {"config": {"hashed_password": dear}}},
        });
        world.admin(Method::POST, "/admin/identities", body).await;
    }
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
