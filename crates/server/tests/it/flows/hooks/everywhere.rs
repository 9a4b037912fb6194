//! Every flow calls its hooks, before it begins and before it writes what it leads to.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::world::message_ids;
use super::target::{Reply, Target};
use super::{EMAIL, PASSWORD, heard, objection, world};

on_both_databases!(
    a_login_that_a_hook_objects_to_signs_nobody_in,
    a_flow_that_a_hook_objects_to_does_not_begin,
    a_change_that_a_hook_objects_to_is_not_stored,
    a_recovery_that_a_hook_objects_to_keeps_its_code,
    a_verification_that_a_hook_objects_to_keeps_its_code,
    who_must_verify_first_is_told_before_others_hear_of_it,
    hooks_of_a_method_replace_the_general_ones,
);

fn login() -> Value {
    json!({"method": "password", "identifier": EMAIL, "password": PASSWORD})
}

async fn a_login_that_a_hook_objects_to_signs_nobody_in(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"login": {"after": {"hooks": [heard(&target)]}}})).await;
    let id = world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    target.reply(Reply::new(400, objection()));
    let refused = native.submit(&flow, login()).await.expect(400);
    assert!(message_ids(&refused).contains(&1235));
    let sessions = format!("/admin/identities/{id}/sessions");
    assert_eq!(world.admin(Method::GET, &sessions, json!(null)).await, json!([]));
    let wrong = json!({"method": "password", "identifier": EMAIL, "password": "not hers at all"});
    native.submit(&flow, wrong).await.expect(400);
    assert_eq!(target.calls().len(), 1, "nobody hears of a wrong password");
    target.reply(Reply::new(200, json!({"identity": {"metadata_public": {"changed": true}}}).to_string()));
    let done = native.submit(&flow, login()).await.expect(200);
    let told = target.calls()[1].json();
    assert_eq!((&told["identity"]["id"], &told["session"]["id"]), (&json!(id), &done["session"]["id"]));
    let stored = world.admin(Method::GET, &format!("/admin/identities/{id}"), json!(null)).await;
    assert_eq!(stored["metadata_public"], Value::Null, "a login changes nobody");
}

async fn a_flow_that_a_hook_objects_to_does_not_begin(backend: Backend) {
    for (flow, path) in
        [("login", ""), ("registration", ""), ("recovery", ""), ("verification", ""), ("settings", "signed in")]
    {
        let target = Target::start().await;
        let world = world(backend, json!({flow: {"before": {"hooks": [heard(&target)]}}})).await;
        let mut native = world.native();
        if !path.is_empty() {
            world.register(EMAIL, PASSWORD).await;
            let begun = native.get("/self-service/login/api").await.expect(200);
            let done = native.submit(&begun, login()).await.expect(200);
            native = native.sending("x-session-token", done["session_token"].as_str().expect("a token"));
        }
        target.reply(Reply::new(400, objection()));
        let refused = native.get(&format!("/self-service/{flow}/api")).await.expect(400);
        assert_eq!(refused["error"]["reason"], "We know you. Not today.", "{flow}");
        assert_eq!(refused["error"]["details"]["messages"][1]["id"], 1235);
        let told = target.calls()[0].json();
        assert_eq!(told["request_method"], "GET");
        let unknown = format!("/self-service/{flow}/flows?id={}", told["flow"]["id"].as_str().expect("an id"));
        assert_eq!(native.get(&unknown).await.status, 404, "{flow}");
        let begun = native.get(&format!("/self-service/{flow}/api")).await.expect(200);
        assert_eq!(target.calls()[1].json()["flow"]["id"], begun["id"]);
        target.reply(Reply::new(302, ""));
        assert_eq!(native.get(&format!("/self-service/{flow}/api")).await.error_id(502), "upstream_error");
    }
}

async fn a_change_that_a_hook_objects_to_is_not_stored(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"settings": {"after": {"profile": {"hooks": [heard(&target)]}}}})).await;
    let id = world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    script.submit(&flow, login()).await.expect(200);
    let flow = script.begin("settings", "").await;
    let body = json!({"method": "profile", "traits": {"email": EMAIL, "name": "Ada"}});
    target.reply(Reply::new(400, objection()));
    let refused = script.submit(&flow, body.clone()).await.expect(400);
    assert!(message_ids(&refused).contains(&1234));
    let path = format!("/admin/identities/{id}");
    let stored = async || world.admin(Method::GET, &path, json!(null)).await["traits"].clone();
    assert_eq!(stored().await, json!({"email": EMAIL}));
    let change = json!({"identity": {"traits": {"email": EMAIL, "name": "Countess"}}});
    target.reply(Reply::new(200, change.to_string()));
    let saved = script.submit(&flow, body).await.expect(200);
    assert_eq!((&saved["state"], &saved["identity"]["traits"]["name"]), (&json!("success"), &json!("Countess")));
    assert_eq!(stored().await, json!({"email": EMAIL, "name": "Countess"}));
    // The password is none of this hook's business.
    let body = json!({"method": "password", "password": "another horse, another staple"});
    script.submit(&flow, body).await.expect(200);
    assert_eq!(target.calls().len(), 2);
}

async fn a_recovery_that_a_hook_objects_to_keeps_its_code(backend: Backend) {
    let target = Target::start().await;
    let world = super::super::recovery::world(
        backend,
        json!({"selfservice": {"flows": {"recovery": {"after": {"hooks": [heard(&target)]}}}}}),
    )
    .await;
    // She is registered there.
    let listed = world.admin(Method::GET, "/admin/identities", json!(null)).await;
    let id = listed[0]["id"].as_str().expect("an id").to_owned();
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    let sent = script.submit(&flow, json!({"method": "code", "email": EMAIL})).await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    let wrong = if code == "000000" { "111111" } else { "000000" };
    script.submit(&sent, json!({"method": "code", "code": wrong})).await.expect(200);
    assert_eq!(target.calls().len(), 0, "nobody hears of a wrong code");
    target.reply(Reply::new(400, objection()));
    let refused = script.submit(&sent, json!({"method": "code", "code": code})).await.expect(400);
    assert!(message_ids(&refused).contains(&1235));
    let sessions = format!("/admin/identities/{id}/sessions");
    assert_eq!(world.admin(Method::GET, &sessions, json!(null)).await, json!([]));
    script.submit(&sent, json!({"method": "code", "code": code})).await.expect(422);
    assert_eq!(target.calls()[1].json()["identity"]["id"], json!(id));
}

async fn a_verification_that_a_hook_objects_to_keeps_its_code(backend: Backend) {
    let target = Target::start().await;
    let world = world(backend, json!({"verification": {"after": {"hooks": [heard(&target)]}}})).await;
    world.register(EMAIL, PASSWORD).await;
    // The newest message is to be the one with the code.
    world.advance(Duration::from_secs(1));
    let script = world.script();
    let flow = script.begin("verification", "").await;
    let sent = script.submit(&flow, json!({"method": "code", "email": EMAIL})).await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    target.reply(Reply::new(400, objection()));
    let refused = script.submit(&sent, json!({"method": "code", "code": code})).await.expect(400);
    assert!(message_ids(&refused).contains(&1235));
    let passed = script.submit(&sent, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(passed["state"], "passed_challenge");
    let told = target.calls()[1].json();
    assert_eq!(told["identity"]["verifiable_addresses"][0]["verified"], true);
}

async fn who_must_verify_first_is_told_before_others_hear_of_it(backend: Backend) {
    let target = Target::start().await;
    let hooks = json!([heard(&target), {"hook": "require_verified_address"}]);
    let world = world(backend, json!({"login": {"after": {"hooks": hooks}}})).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    assert_eq!(native.submit(&flow, login()).await.error_id(403), "session_verified_address_required");
    assert_eq!(target.calls().len(), 0);
}

async fn hooks_of_a_method_replace_the_general_ones(backend: Backend) {
    let (general, own) = (Target::start().await, Target::start().await);
    let after = json!({"hooks": [heard(&general)], "password": {"hooks": [heard(&own)]}});
    let world =
        world(backend, json!({"login": {"after": after}, "registration": {"after": {"hooks": [heard(&general)]}}}))
            .await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    native.submit(&flow, login()).await.expect(200);
    assert_eq!((general.calls().len(), own.calls().len()), (1, 1));
}
