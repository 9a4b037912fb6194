//! Passwords that are known from breaches.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::hooks::target::{Reply, Target};
use super::world::{World, message_ids, node};

on_both_databases!(
    a_breached_password_is_refused_at_its_field,
    a_service_that_is_silent_keeps_nobody_out_unless_the_operator_wants_that,
    the_operators_own_list_is_looked_at_without_asking_anybody,
);

const EMAIL: &str = "ada@example.org";
const BREACHED: u64 = 4_000_034;
const PASSWORD: &str = "correct horse battery staple";

async fn world(backend: Backend, policy: Value) -> World {
    let methods = json!({"password": {"config": policy}});
    World::with(backend, json!({"identity": {"selfservice": {"methods": methods}}})).await
}

async fn register(world: &World, email: &str, password: &str) -> super::client::Answer {
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    native.submit(&flow, json!({"method": "password", "traits": {"email": email}, "password": password})).await
}

async fn a_breached_password_is_refused_at_its_field(backend: Backend) {
    let service = Target::start().await;
    // The SHA-1 of this password is E6B6A FBD6D76BB5D2041542D7D2E3FAC5BB05593.
    let range = "FBD6D76BB5D2041542D7D2E3FAC5BB05593:7\r\n0018A45C4D1DEF81644B54AB7F969B88D65:0\r\n";
    let policy = json!({"haveibeenpwned_enabled": true, "haveibeenpwned_host": service.url, "max_breaches": 2});
    let world = world(backend, policy).await;
    service.reply(Reply::new(200, range));
    let refused = register(&world, EMAIL, "password1234").await.expect(400);
    assert_eq!(message_ids(&refused), [BREACHED]);
    assert_eq!(node(&refused, "password")["messages"][0]["context"], json!({"breaches": 7}));
    let [call] = service.calls().try_into().expect("one question");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", "/range/E6B6A"));
    assert_eq!(call.headers["add-padding"], "true");
    // Remembered, and asked for again after an hour.
    register(&world, EMAIL, "password1234").await.expect(400);
    assert_eq!(service.calls().len(), 1);
    world.advance(Duration::from_secs(3600));
    service.reply(Reply::new(200, range.replace(":7", ":2")));
    register(&world, EMAIL, "password1234").await.expect(200);
    assert_eq!(service.calls().len(), 2);
    // A new password is judged in the settings, too.
    let script = world.script();
    let flow = script.begin("login", "").await;
    let body = json!({"method": "password", "identifier": EMAIL, "password": "password1234"});
    script.submit(&flow, body).await.expect(200);
    let flow = script.begin("settings", "").await;
    service.reply(Reply::new(200, range));
    let saved = script.submit(&flow, json!({"method": "password", "password": PASSWORD})).await.expect(200);
    assert_eq!(saved["state"], "success");
    assert_eq!(service.calls().len(), 3);
}

async fn a_service_that_is_silent_keeps_nobody_out_unless_the_operator_wants_that(backend: Backend) {
    let service = Target::start().await;
    let host = json!({"haveibeenpwned_enabled": true, "haveibeenpwned_host": service.url});
    let tolerant = world(backend, host.clone()).await;
    service.reply(Reply::new(500, ""));
    register(&tolerant, EMAIL, PASSWORD).await.expect(200);
    let mut policy = host;
    policy["ignore_network_errors"] = json!(false);
    let strict = world(backend, policy).await;
    service.reply(Reply::new(500, ""));
    assert_eq!(register(&strict, EMAIL, PASSWORD).await.error_id(502), "upstream_error");
    service.reply(Reply::new(200, ""));
    register(&strict, EMAIL, PASSWORD).await.expect(200);
}

async fn the_operators_own_list_is_looked_at_without_asking_anybody(backend: Backend) {
    let folder = tempfile::tempdir().expect("a folder");
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "analytical engine\ne6b6afbd6d76bb5d2041542d7d2e3fac5bb05593:7\n").expect("a file");
    let world = world(backend, json!({"breached_passwords": format!("file://{}", list.display())})).await;
    for known in ["analytical engine", "password1234"] {
        assert_eq!(message_ids(&register(&world, EMAIL, known).await.expect(400)), [BREACHED], "{known}");
    }
    register(&world, EMAIL, PASSWORD).await.expect(200);
}
