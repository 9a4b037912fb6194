//! Hooks of a change that waits until its new address is proven (`verify_new_address`).

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::settings::signed_in;
use super::super::world::World;
use super::target::{Reply, Target};
use super::{EMAIL, PASSWORD, events, heard, hook, program, world};

on_both_databases!(a_change_is_told_of_once_its_address_is_proven, what_a_hook_has_changed_waits_with_it,);

const NEW: &str = "lovelace@example.org";

/// Somebody who has asked for a new address: their browser, the settings flow, and the verification that the change waits for.
async fn asked<'w>(world: &'w World) -> (Client<'w>, Value, Value) {
    world.register(EMAIL, PASSWORD).await;
    world.advance(std::time::Duration::from_secs(1));
    let ada = signed_in(world, EMAIL).await;
    let settings = ada.begin("settings", "").await;
    let body = json!({"method": "profile", "traits": {"email": NEW}, "transient_payload": {"campaign": "spring"}});
    let asked = ada.submit(&settings, body).await.expect(200);
    let next = asked["continue_with"][1]["flow"]["id"].as_str().expect("a verification").to_owned();
    let verification = ada.get(&format!("/self-service/verification/flows?id={next}")).await.expect(200);
    (ada, settings, verification)
}

/// A server with these hooks after a changed profile, besides the one that makes the change wait.
async fn waiting_world(backend: Backend, further: Value) -> World {
    let hooks = json!([{"hook": "verify_new_address"}, further]);
    world(backend, json!({"settings": {"after": {"profile": {"hooks": hooks}}}})).await
}

async fn a_change_is_told_of_once_its_address_is_proven(backend: Backend) {
    let target = Target::start().await;
    let source = "function(ctx) {
        flow: ctx.flow.id, state: ctx.flow.state, payload: ctx.flow.transient_payload, session: ctx.session.id,
        email: ctx.identity.traits.email, verified: ctx.identity.verifiable_addresses[0].verified,
    }";
    let further = hook(&target, json!({"body": program(source), "response": {"ignore": true}}));
    let world = waiting_world(backend, further).await;
    let (ada, settings, verification) = asked(&world).await;
    let code = world.server.code_for(NEW).await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    ada.submit(&verification, json!({"method": "code", "code": wrong})).await.expect(200);
    assert_eq!(events(&world).await, Vec::<Value>::new(), "nothing has happened yet");
    let enter = json!({"method": "code", "code": code, "transient_payload": {"campaign": "none"}});
    let passed = ada.submit(&verification, enter.clone()).await.expect(200);
    assert_eq!(passed["state"], "passed_challenge");
    let [call] = target.wait_for(1).await.try_into().expect("one call");
    let session = ada.get("/sessions/whoami").await.expect(200);
    let expected = json!({
        "flow": settings["id"], "state": "success", "payload": {"campaign": "spring"}, "session": session["id"],
        "email": NEW, "verified": true,
    });
    assert_eq!(call.json(), expected);
    ada.submit(&verification, enter).await.expect(410);
    let [event] = events(&world).await.try_into().expect("one event");
    assert_eq!((&event["kind"], &event["session_id"]), (&json!("settings.after.profile"), &session["id"]));
}

async fn what_a_hook_has_changed_waits_with_it(backend: Backend) {
    let target = Target::start().await;
    let world = waiting_world(backend, heard(&target)).await;
    let wanted = json!({
        "metadata_public": {"plan": "gold"}, "metadata_admin": {"note": [1]}, "external_id": "customer-17",
        "state": "inactive", "traits": {"email": NEW, "name": "Ada"},
    });
    target.reply(Reply::new(200, json!({"identity": wanted}).to_string()));
    let (ada, _, verification) = asked(&world).await;
    let read = async || {
        let list = world.admin(Method::GET, "/admin/identities", json!(null)).await;
        let identity = &list[0];
        let members = ["metadata_public", "metadata_admin", "external_id", "state", "traits"];
        Value::from_iter(members.map(|member| (member, identity.get(member).cloned().unwrap_or_default())))
    };
    let before = read().await;
    assert_eq!((&before["state"], &before["traits"]), (&json!("active"), &json!({"email": EMAIL})));
    assert_eq!((&before["metadata_public"], &before["external_id"]), (&json!(null), &json!(null)));
    let code = world.server.code_for(NEW).await;
    ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(read().await, wanted);
    assert_eq!(target.calls().len(), 1, "it was asked when the change was made");
}
