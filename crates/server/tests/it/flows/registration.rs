//! Creating an account, as the three kinds of clients do.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::action;
use super::world::{World, message_ids, node};

on_both_databases!(
    a_browser_registers_in_two_steps,
    a_script_registers_at_once_and_learns_what_is_next,
    a_native_app_registers_and_is_signed_in,
    without_the_hook_nobody_is_signed_in,
    dotted_and_nested_traits_mean_the_same,
    every_wrong_trait_is_named_at_its_field,
    a_wrong_trait_brings_the_first_page_and_a_weak_password_the_second,
    the_steps_have_their_older_names_too,
    a_taken_address_is_said_to_be_taken,
    registration_can_be_switched_off,
    whoever_is_signed_in_does_not_register,
    an_expired_flow_names_its_successor,
    a_flow_registers_once,
    unknown_methods_and_schemas_are_refused,
    one_page_registers_at_once,
    a_registration_costs_two_calls_and_one_commit,
);

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

fn everything() -> Value {
    json!({"method": "password", "traits": {"email": EMAIL, "name": "Ada"}, "password": PASSWORD})
}

async fn with_hooks(backend: Backend, hooks: &[&str]) -> World {
    let hooks: Vec<_> = hooks.iter().map(|hook| json!({"hook": hook})).collect();
    World::with_flows(backend, json!({"registration": {"after": {"hooks": hooks}}})).await
}

async fn on_one_page(backend: Backend) -> World {
    World::with_flows(backend, json!({"registration": {"style": "unified"}})).await
}

async fn a_browser_registers_in_two_steps(backend: Backend) {
    let world = with_hooks(backend, &["session", "show_verification_ui"]).await;
    let browser = world.browser();
    let page = browser.get("/self-service/registration/browser").await.location(303);
    let id = page.strip_prefix("https://id.example/ui/registration?flow=").expect("the page").to_owned();
    let read = format!("/self-service/registration/flows?id={id}");
    let first = browser.get(&read).await.expect(200);
    assert_eq!(node(&first, "method")["attributes"]["value"], "profile");
    let traits = [
        ("traits.email", EMAIL),
        ("traits.name", "Ada"),
        ("traits.age", "36"),
        ("traits.news", "false"),
        ("traits.news", "true"),
    ];
    let mut fields = traits.to_vec();
    fields.push(("method", "profile"));
    assert_eq!(browser.submit_form(&first, &fields).await.location(302), page);
    let second = browser.get(&read).await.expect(200);
    assert_eq!(message_ids(&second), [1_040_009]);
    assert_eq!(node(&second, "traits.age")["attributes"]["value"], 36);
    assert_eq!(node(&second, "traits.news")["attributes"]["value"], true);
    assert_eq!(node(&second, "traits.email")["attributes"]["type"], "hidden");
    assert_eq!(browser.submit_form(&second, &[("screen", "previous")]).await.location(302), page);
    let back = browser.get(&read).await.expect(200);
    assert_eq!(node(&back, "traits.name")["attributes"]["value"], "Ada");
    browser.submit_form(&back, &fields).await.location(302);
    let mut fields = traits.to_vec();
    fields.extend([("method", "password"), ("password", PASSWORD)]);
    let next = browser.submit_form(&back, &fields).await.location(303);
    let verification = next.strip_prefix("https://id.example/ui/verification?flow=").expect("the verification page");
    let session = browser.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["traits"], json!({"email": EMAIL, "name": "Ada", "age": 36, "news": true}));
    // It belongs to the anti-CSRF cookie that came with the session.
    let shown = browser.get(&format!("/self-service/verification/flows?id={verification}")).await.expect(200);
    assert_eq!(shown["state"], "sent_email");
}

async fn a_script_registers_at_once_and_learns_what_is_next(backend: Backend) {
    let world = with_hooks(backend, &["session", "show_verification_ui"]).await;
    let script = world.script();
    let flow = script.get("/self-service/registration/browser?return_to=https://app.example/new").await.expect(200);
    let done = script.submit(&flow, everything()).await.expect(200);
    assert_eq!(done["identity"]["verifiable_addresses"][0]["value"], EMAIL);
    assert_eq!(done["session"]["identity"]["id"], done["identity"]["id"]);
    assert!(done.get("session_token").is_none());
    let steps = done["continue_with"].as_array().expect("steps");
    assert_eq!(steps[0], json!({"action": "redirect_browser_to", "redirect_browser_to": "https://app.example/new"}));
    assert_eq!((&steps[1]["action"], steps.len()), (&json!("show_verification_ui"), 2));
    assert!(steps[1]["flow"]["url"].is_string());
    script.get("/sessions/whoami").await.expect(200);
    assert_eq!(world.mails().await, 1);
    let code = world.server.code_for(EMAIL).await;
    let id = steps[1]["flow"]["id"].as_str().expect("an id");
    let verification = script.get(&format!("/self-service/verification/flows?id={id}")).await.expect(200);
    let passed = script.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(passed["state"], "passed_challenge");
    let session = script.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], true);
}

async fn a_native_app_registers_and_is_signed_in(backend: Backend) {
    let world = with_hooks(backend, &["session", "show_verification_ui"]).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let done = native.submit(&flow, everything()).await.expect(200);
    let token = done["session_token"].as_str().expect("a token");
    let steps = done["continue_with"].as_array().expect("steps");
    assert_eq!(steps[0]["action"], "show_verification_ui");
    assert!(steps[0]["flow"].get("url").is_none());
    assert_eq!(steps[1], json!({"action": "set_ory_session_token", "ory_session_token": token}));
    assert!(native.jar.borrow().is_empty());
    native.sending("x-session-token", token).get("/sessions/whoami").await.expect(200);
}

async fn without_the_hook_nobody_is_signed_in(backend: Backend) {
    let world = World::new(backend).await;
    let script = world.script();
    let flow = script.get("/self-service/registration/browser").await.expect(200);
    let done = script.submit(&flow, everything()).await.expect(200);
    assert!(done.get("session").is_none());
    script.get("/sessions/whoami").await.expect(401);
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let mut other = everything();
    other["traits"]["email"] = json!("bob@example.org");
    let done = native.submit(&flow, other).await.expect(200);
    assert_eq!(done["continue_with"], Value::Null);
    assert!(done.get("session_token").is_none());
}

async fn dotted_and_nested_traits_mean_the_same(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let body = json!({"method": "password", "traits.email": EMAIL, "traits.age": 36, "password": PASSWORD});
    let done = native.submit(&flow, body).await.expect(200);
    assert_eq!(done["identity"]["traits"], json!({"email": EMAIL, "age": 36}));
}

async fn every_wrong_trait_is_named_at_its_field(backend: Backend) {
    let world = on_one_page(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": "no", "name": "A", "age": 7}});
    let refused = native.submit(&flow, body).await.expect(400);
    assert_eq!(node(&refused, "traits.name")["messages"][0]["id"], 4_000_003);
    assert_eq!(node(&refused, "traits.age")["messages"][0]["id"], 4_000_018);
    assert!(!node(&refused, "traits.email")["messages"].as_array().expect("messages").is_empty());
    assert_eq!(node(&refused, "traits.name")["attributes"]["value"], "A");
    let missing = native.submit(&flow, json!({"method": "password", "password": PASSWORD, "traits": {}})).await;
    assert_eq!(node(&missing.expect(400), "traits.email")["messages"][0]["id"], 4_000_002);
}

async fn a_wrong_trait_brings_the_first_page_and_a_weak_password_the_second(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let mut body = everything();
    body["traits"]["email"] = json!("no");
    body["password"] = Value::Null;
    let first = native.submit(&flow, body).await.expect(400);
    assert_eq!(node(&first, "method")["attributes"]["value"], "profile");
    assert_eq!(node(&first, "password"), &Value::Null, "a password must never be asked for in a text field");
    for (password, message) in [("short", 4_000_032), (EMAIL, 4_000_031), ("", 4_000_002)] {
        let mut body = everything();
        body["password"] = json!(password);
        let second = native.submit(&flow, body).await.expect(400);
        let field = node(&second, "password");
        assert_eq!(field["messages"][0]["id"], message, "{password}");
        assert_eq!(field["attributes"]["type"], "password");
        assert!(field["attributes"].get("value").is_none());
        assert_eq!(node(&second, "traits.email")["attributes"]["type"], "hidden");
    }
    native.submit(&flow, everything()).await.expect(200);
}

async fn the_steps_have_their_older_names_too(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let traits = json!({"email": EMAIL});
    let chosen = native.submit(&flow, json!({"screen": "credential-selection", "traits": traits})).await.expect(400);
    assert_eq!(message_ids(&chosen), [1_040_009]);
    let back = native.submit(&flow, json!({"method": "profile:back", "traits": traits})).await.expect(400);
    assert_eq!(node(&back, "method")["attributes"]["value"], "profile");
    let chosen = native.submit(&flow, json!({"method": "profile", "traits": traits})).await.expect(400);
    assert_eq!(chosen["active"], "profile");
    // The traits of the first page need not be sent again.
    native.submit(&flow, json!({"method": "password", "password": PASSWORD})).await.expect(200);
}

async fn a_taken_address_is_said_to_be_taken(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let mut body = everything();
    body["traits"]["email"] = json!("ADA@EXAMPLE.ORG");
    let refused = native.submit(&flow, body.clone()).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_007]);
    assert_eq!(world.mails().await, 1, "nobody is written to about a refused registration");
    world.reconfigure(json!({"selfservice": {"flows": {"registration": {"login_hints": true}}}})).await;
    let refused = native.submit(&flow, body).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_028]);
    let context = &refused["ui"]["messages"][0]["context"];
    assert_eq!(context["available_credential_types"], json!(["password"]));
    assert_eq!(context["credential_identifier_hint"], EMAIL);
}

async fn registration_can_be_switched_off(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    world.reconfigure(json!({"selfservice": {"flows": {"registration": {"enabled": false}}}})).await;
    assert_eq!(native.get("/self-service/registration/api").await.error_id(400), "self_service_flow_disabled");
    assert_eq!(native.submit(&flow, everything()).await.error_id(400), "self_service_flow_disabled");
    let page = world.browser().get("/self-service/registration/browser").await.location(303);
    assert!(page.starts_with("https://id.example/ui/error?id="), "{page}");
}

async fn whoever_is_signed_in_does_not_register(backend: Backend) {
    let world = with_hooks(backend, &["session"]).await;
    let browser = world.browser();
    let flow = browser.begin("registration", "").await;
    let script = browser.accepting("application/json");
    script.submit(&flow, everything()).await.expect(200);
    assert_eq!(script.get("/self-service/registration/browser").await.error_id(400), "session_already_available");
    let signed_in = script.accepting("text/html");
    assert_eq!(signed_in.get("/self-service/registration/browser").await.location(303), "https://app.example/");
}

async fn an_expired_flow_names_its_successor(backend: Backend) {
    let world = World::new(backend).await;
    let script = world.script();
    let old = script.get("/self-service/registration/browser").await.expect(200);
    world.advance(Duration::from_secs(3601));
    let gone = script.submit(&old, everything()).await.expect(410);
    assert_eq!(gone["error"]["id"], "self_service_flow_expired");
    let id = gone["use_flow_id"].as_str().expect("an id");
    let fresh = script.get(&format!("/self-service/registration/flows?id={id}")).await.expect(200);
    assert_eq!(message_ids(&fresh), [4_040_001]);
    script.submit(&fresh, everything()).await.expect(200);
}

async fn a_flow_registers_once(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    native.submit(&flow, everything()).await.expect(200);
    let mut body = everything();
    body["traits"]["email"] = json!("bob@example.org");
    assert_eq!(message_ids(&native.submit(&flow, body).await.expect(400)), [4_040_002]);
}

async fn unknown_methods_and_schemas_are_refused(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api?identity_schema=default").await.expect(200);
    assert_eq!(message_ids(&native.submit(&flow, json!({"method": "magic"})).await.expect(400)), [4_010_003]);
    native.submit(&flow, json!({"method": "passkey"})).await.expect(404);
    native.get("/self-service/registration/api?identity_schema=other").await.expect(400);
}

async fn one_page_registers_at_once(backend: Backend) {
    let world = on_one_page(backend).await;
    let browser = world.browser();
    let flow = browser.begin("registration", "").await;
    assert_eq!(node(&flow, "password")["attributes"]["autocomplete"], "new-password");
    let fields = [("method", "password"), ("traits.email", EMAIL), ("traits.name", ""), ("password", PASSWORD)];
    assert_eq!(browser.submit_form(&flow, &fields).await.location(303), "https://app.example/");
    assert!(action(&flow).starts_with("/self-service/registration?flow="));
}

async fn a_registration_costs_two_calls_and_one_commit(backend: Backend) {
    let world = World::quiet(backend, json!([{"hook": "session"}])).await;
    let native = world.native();
    let mut quietest = (u64::MAX, u64::MAX);
    // The server itself cleans up now and then: the quietest of a few runs counts.
    for number in 0..5 {
        let flow = native.get("/self-service/registration/api").await.expect(200);
        let mut body = everything();
        body["traits"]["email"] = json!(format!("ada{number}@example.org"));
        let before = world.statements();
        native.submit(&flow, body).await.expect(200);
        let done = world.statements() - before;
        quietest = quietest.min((done.commits, done.reads));
    }
    assert_eq!(quietest, (1, 1));
}
