//! A new address becomes part of the account once it is proven (`verify_new_address`).

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::recovery::{SECOND, settings};
use super::settings::{PASSWORD, signed_in};
use super::world::{World, message_ids};

on_both_databases! {
    a_new_address_counts_once_it_is_proven,
    a_change_waits_for_its_own_session_and_account_only,
    one_address_at_a_time,
    the_other_sessions_end_with_the_proof,
}

const WRONG: u64 = 4_070_006;
const SEVERAL: u64 = 4_050_002;

async fn world(backend: Backend) -> (World, String) {
    world_with(backend, json!([{"hook": "verify_new_address"}])).await
}

async fn world_with(backend: Backend, hooks: Value) -> (World, String) {
    let hooks = json!({"settings": {"after": {"profile": {"hooks": hooks}}}});
    let world = World::with(backend, json!({"identity": settings(json!({"selfservice": {"flows": hooks}}))})).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    world.advance(SECOND);
    (world, id)
}

async fn email(world: &World, id: &str) -> Value {
    world.admin(Method::GET, &format!("/admin/identities/{id}"), json!({})).await["traits"]["email"].clone()
}

/// Asks for the new address and returns the verification that the change waits for.
async fn change(ada: &Client<'_>, to: &str) -> Value {
    let flow = ada.begin("settings", "").await;
    let asked = ada.submit(&flow, json!({"method": "profile", "traits": {"email": to}})).await.expect(200);
    assert_eq!(
        (&asked["state"], &asked["identity"]["traits"]["email"]),
        (&json!("show_form"), &json!("ada@example.org"))
    );
    let next = &asked["continue_with"][1];
    assert_eq!((&next["action"], &next["flow"]["verifiable_address"]), (&json!("show_verification_ui"), &json!(to)));
    let path = format!("/self-service/verification/flows?id={}", next["flow"]["id"].as_str().expect("an id"));
    ada.get(&path).await.expect(200)
}

async fn a_new_address_counts_once_it_is_proven(backend: Backend) {
    let (world, id) = world(backend).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let verification = change(&ada, "lovelace@example.org").await;
    assert_eq!(email(&world, &id).await, "ada@example.org");
    world.advance(SECOND);
    let again = json!({"method": "code", "email": "lovelace@example.org"});
    ada.submit(&verification, again).await.expect(200);
    let code = world.server.code_for("lovelace@example.org").await;
    let passed = ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(passed["state"], "passed_challenge");
    let identity = world.admin(Method::GET, &format!("/admin/identities/{id}"), json!({})).await;
    assert_eq!(identity["traits"]["email"], "lovelace@example.org");
    let address = &identity["verifiable_addresses"][0];
    assert_eq!((&address["value"], &address["verified"]), (&json!("lovelace@example.org"), &json!(true)));
    signed_in(&world, "lovelace@example.org").await;
}

async fn a_change_waits_for_its_own_session_and_account_only(backend: Backend) {
    let (world, id) = world(backend).await;
    let ada = signed_in(&world, "ada@example.org").await;
    // The account was changed in between.
    let verification = change(&ada, "first@example.org").await;
    let code = world.server.code_for("first@example.org").await;
    world.advance(SECOND);
    let flow = ada.begin("settings", "").await;
    let name = json!({"method": "profile", "traits": {"email": "ada@example.org", "name": "ada"}});
    ada.submit(&flow, name).await.expect(200);
    let void = ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(message_ids(&void), [WRONG]);
    // The session ended in between.
    let verification = change(&ada, "second@example.org").await;
    let code = world.server.code_for("second@example.org").await;
    let elsewhere = signed_in(&world, "ada@example.org").await;
    elsewhere.delete("/sessions").await.expect(200);
    let void = ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(message_ids(&void), [WRONG]);
    // Somebody else took the address in between.
    let verification = change(&elsewhere, "third@example.org").await;
    let code = world.server.code_for("third@example.org").await;
    world.register("third@example.org", PASSWORD).await;
    let void = elsewhere.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(message_ids(&void), [WRONG]);
    assert_eq!(email(&world, &id).await, "ada@example.org");
    let flow = elsewhere.begin("settings", "").await;
    let taken = json!({"method": "profile", "traits": {"email": "third@example.org"}});
    assert_eq!(message_ids(&elsewhere.submit(&flow, taken).await.expect(400)), [4_000_007]);
}

async fn one_address_at_a_time(backend: Backend) {
    let schema = r#"{"properties": {"traits": {"type": "object", "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}}},
        "work": {"type": "string", "format": "email", "ory.sh/kratos": {"verification": {"via": "email"}}}
    }}}}"#;
    let schema = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, schema);
    let hooks = json!({"settings": {"after": {"hooks": [{"hook": "verify_new_address"}]}}});
    let identity = json!({
        "schemas": [{"id": "default", "url": format!("base64://{schema}")}], "selfservice": {"flows": hooks},
    });
    let world = World::with(backend, json!({"identity": identity})).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let both = json!({"method": "profile", "traits": {"email": "a@example.org", "work": "b@example.org"}});
    let told = ada.submit(&flow, both).await.expect(200);
    assert_eq!((message_ids(&told), &told["state"]), (vec![SEVERAL], &json!("show_form")));
    assert!(told.get("continue_with").is_none(), "nothing was done, so nothing comes next");
    // A browser is shown its form again, whatever comes after a change.
    let flow = ada.begin("settings", "?return_to=https://app.example/done").await;
    let fields = [("method", "profile"), ("traits.email", "a@example.org"), ("traits.work", "b@example.org")];
    let to = ada.accepting("text/html").submit_form(&flow, &fields).await.location(303);
    let of = flow["id"].as_str().expect("an id");
    assert!(to.ends_with(&format!("/ui/settings?flow={of}")), "{to}");
    let shown = ada.get(&format!("/self-service/settings/flows?id={of}")).await.expect(200);
    assert_eq!(message_ids(&shown), [SEVERAL]);
    assert_eq!(email(&world, &id).await, "ada@example.org");
}

async fn the_other_sessions_end_with_the_proof(backend: Backend) {
    let hooks = json!([{"hook": "verify_new_address"}, {"hook": "revoke_active_sessions"}]);
    let (world, _) = world_with(backend, hooks).await;
    let (ada, elsewhere) = (signed_in(&world, "ada@example.org").await, signed_in(&world, "ada@example.org").await);
    let verification = change(&ada, "lovelace@example.org").await;
    assert_eq!(elsewhere.get("/sessions/whoami").await.status, 200, "nothing has changed yet");
    let code = world.server.code_for("lovelace@example.org").await;
    ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(elsewhere.get("/sessions/whoami").await.status, 401);
    assert_eq!(ada.get("/sessions/whoami").await.status, 200);
}
