//! Getting back into an account, as its owner does.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::settings::PASSWORD;
use super::world::{World, message_ids, node};

on_both_databases! {
    a_script_recovers_with_a_code_and_sets_a_password,
    a_form_recovers_with_a_code,
    a_native_app_recovers_with_a_code,
    scripts_may_ask_for_continue_with_instead_of_422,
    a_wrong_code_is_said_and_a_flow_has_so_many_tries,
    a_recovery_is_over_once_it_succeeded,
    late_codes_and_flows_lead_to_a_fresh_one,
    whoever_is_signed_in_needs_no_recovery,
    the_settings_can_be_skipped,
    a_disabled_account_stays_disabled,
    other_sessions_end_when_the_operator_wants_it,
    an_address_is_chosen_masked_and_typed_in_full,
    one_address_needs_no_choice,
    where_recovery_is_off_it_says_so,
}

const NEW: &str = "another horse, another staple";
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const SECOND: Duration = Duration::from_secs(1);

const CODE_SENT: u64 = 1_060_003;
pub(super) const WRONG: u64 = 4_060_006;

/// An email address to recover with, a second one, and a name to sign in with.
const SCHEMA: &str = r#"{"type": "object", "properties": {"traits": {"type": "object",
    "properties": {
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}, "recovery": {"via": "email"}
        }},
        "backup": {"type": "string", "format": "email", "ory.sh/kratos": {"recovery": {"via": "email"}}},
        "name": {"type": "string", "ory.sh/kratos": {"credentials": {"password": {"identifier": true}}}}
    },
    "required": ["email"], "additionalProperties": false
}}}"#;

/// A server whose accounts can be recovered, with further settings of `identity`.
pub(super) async fn world(backend: Backend, identity: Value) -> World {
    world_with(backend, json!({"identity": settings(identity)})).await
}

/// The same, where no door is locked: only the flow counts.
pub(super) async fn patient_world(backend: Backend, identity: Value) -> World {
    world_with(backend, json!({"limits": {"failed_attempts": 0}, "identity": settings(identity)})).await
}

async fn world_with(backend: Backend, config: Value) -> World {
    let world = World::with(backend, config).await;
    world.register("ada@example.org", PASSWORD).await;
    // What is sent from now on is newer than the message of the registration.
    world.advance(SECOND);
    world
}

pub(super) fn settings(mut identity: Value) -> Value {
    identity["schemas"] = json!([{"id": "default", "url": format!("base64://{}", STANDARD.encode(SCHEMA))}]);
    identity
}

/// Asks for a code in a fresh flow and returns the flow.
pub(super) async fn ask(client: &Client<'_>, flow: &Value, email: &str) -> Value {
    client.submit(flow, json!({"method": "code", "email": email})).await.expect(200)
}

pub(super) fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

pub(super) async fn whoami(client: &Client<'_>) -> Value {
    client.get("/sessions/whoami").await.expect(200)
}

async fn a_script_recovers_with_a_code_and_sets_a_password(backend: Backend) {
    let world = world(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("recovery", "?return_to=https://app.example/back").await;
    assert_eq!(flow["state"], "choose_method");
    let sent = ask(&script, &flow, " Ada@Example.org ").await;
    assert_eq!(
        (&sent["state"], &sent["active"], message_ids(&sent)),
        (&json!("sent_email"), &json!("code"), vec![CODE_SENT])
    );
    assert_eq!(node(&sent, "email")["attributes"]["value"], "ada@example.org", "to send again");
    assert_eq!(node(&sent, "code")["attributes"]["autocomplete"], "one-time-code");
    let code = world.server.code_for("ada@example.org").await;
    let done = script.submit(&flow, json!({"method": "code", "code": code})).await.expect(422);
    assert_eq!(done["error"]["id"], "browser_location_change_required");
    let page = done["redirect_browser_to"].as_str().expect("where to");
    let settings = page.split_once("/ui/settings?flow=").expect("the settings page").1;
    let session = whoami(&script).await;
    assert_eq!(session["authentication_methods"][0]["method"], "code_recovery");
    assert_eq!(session["authenticator_assurance_level"], "aal1");
    assert_eq!(session["identity"]["verifiable_addresses"][0]["verified"], true, "the code went there");
    let settings = script.get(&format!("/self-service/settings/flows?id={settings}")).await.expect(200);
    assert_eq!(message_ids(&settings), [1_060_001]);
    assert_eq!(settings["return_to"], "https://app.example/back");
    script.submit(&settings, json!({"method": "password", "password": NEW})).await.expect(200);
    let native = world.native();
    let login = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": NEW});
    native.submit(&login, body).await.expect(200);
}

async fn a_form_recovers_with_a_code(backend: Backend) {
    let world = world(backend, json!({})).await;
    let script = world.script();
    let browser = script.accepting("text/html");
    let flow = script.begin("recovery", "").await;
    let to = browser.submit_form(&flow, &[("method", "code"), ("email", "ada@example.org")]).await.location(303);
    assert!(to.contains("/ui/recovery?flow="), "{to}");
    let code = world.server.code_for("ada@example.org").await;
    // The button that asks for another code stands beside a field that may hold the old one.
    let again = [("method", "code"), ("code", code.as_str()), ("email", "ada@example.org")];
    world.advance(SECOND);
    browser.submit_form(&flow, &again).await.location(303);
    let new = world.server.code_for("ada@example.org").await;
    browser.submit_form(&flow, &[("method", "code"), ("code", other_than(&new))]).await.location(303);
    let read = format!("/self-service/recovery/flows?id={}", flow["id"].as_str().expect("an id"));
    assert_eq!(message_ids(&script.get(&read).await.expect(200)), [WRONG]);
    let to = browser.submit_form(&flow, &[("method", "code"), ("code", &new)]).await.location(303);
    assert!(to.contains("/ui/settings?flow="), "{to}");
    whoami(&script).await;
}

async fn a_native_app_recovers_with_a_code(backend: Backend) {
    let world = world(backend, json!({})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let done = native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(done["state"], "passed_challenge");
    let [keep, go] = done["continue_with"].as_array().expect("steps").as_slice() else { panic!("{done}") };
    assert_eq!((&keep["action"], &go["action"]), (&json!("set_ory_session_token"), &json!("show_settings_ui")));
    assert!(go["flow"].get("url").is_none(), "an app has pages of its own");
    let native = native.sending("x-session-token", keep["ory_session_token"].as_str().expect("a token"));
    let id = go["flow"]["id"].as_str().expect("an id");
    let settings = native.get(&format!("/self-service/settings/flows?id={id}")).await.expect(200);
    native.submit(&settings, json!({"method": "password", "password": NEW})).await.expect(200);
}

async fn scripts_may_ask_for_continue_with_instead_of_422(backend: Backend) {
    let world = patient_world(backend, json!({"feature_flags": {"use_continue_with_transitions": true}})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    for _ in 0..5 {
        script.submit(&flow, json!({"method": "code", "code": other_than(&code)})).await.expect(200);
    }
    let over = script.submit(&flow, json!({"method": "code", "code": code})).await.expect(410);
    assert_eq!(over["error"]["details"]["continue_with"][0]["action"], "show_recovery_ui");
    world.advance(SECOND);
    let flow = script.begin("recovery", "").await;
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let done = script.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(done["continue_with"][0]["action"], "show_settings_ui");
    assert!(done["continue_with"][0]["flow"]["url"].as_str().expect("a page").contains("/ui/settings?flow="));
    assert!(!done.to_string().contains("ory_st_"), "no token where there is a cookie");
    whoami(&script).await;
}

async fn a_wrong_code_is_said_and_a_flow_has_so_many_tries(backend: Backend) {
    let world = patient_world(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    for wrong in [other_than(&code), "", "12345x", "9999999999999999999999"] {
        let told = script.submit(&flow, json!({"method": "code", "code": wrong})).await;
        if wrong.is_empty() {
            assert_eq!(message_ids(&told.expect(400)), [4_000_002]);
        } else {
            assert_eq!(message_ids(&told.expect(200)), [WRONG]);
        }
    }
    for _ in 0..2 {
        script.submit(&flow, json!({"method": "code", "code": other_than(&code)})).await.expect(200);
    }
    let to = script.submit(&flow, json!({"method": "code", "code": code})).await.location(303);
    assert!(to.contains("/self-service/recovery/flows?id="), "{to}");
    assert_eq!(script.get("/sessions/whoami").await.status, 401);
}

async fn a_recovery_is_over_once_it_succeeded(backend: Backend) {
    let world = world(backend, json!({})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
    let to = native.submit(&flow, json!({"method": "code", "code": code})).await.location(303);
    let fresh = to.split_once("flows?id=").expect("the fresh flow").1;
    let fresh = native.get(&format!("/self-service/recovery/flows?id={fresh}")).await.expect(200);
    assert_eq!(message_ids(&fresh), [4_060_001]);
    assert!(!fresh.to_string().contains("ada@example.org"));
}

async fn late_codes_and_flows_lead_to_a_fresh_one(backend: Backend) {
    let code = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "10m"}}}}});
    let world = world(backend, code).await;
    let (script, native) = (world.script(), world.native());
    let (flow, app) = (script.begin("recovery", "").await, native.get("/self-service/recovery/api").await.expect(200));
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    world.advance(HOUR / 6);
    assert_eq!(message_ids(&script.submit(&flow, json!({"method": "code", "code": code})).await.expect(200)), [WRONG]);
    world.advance(HOUR);
    let to = script.submit(&flow, json!({"method": "code", "code": code})).await.location(303);
    let fresh = to.split_once("flows?id=").expect("the fresh flow").1;
    let fresh = script.get(&format!("/self-service/recovery/flows?id={fresh}")).await.expect(200);
    assert_eq!(message_ids(&fresh), [4_060_005]);
    let late = native.submit(&app, json!({"method": "code", "email": "ada@example.org"})).await.expect(410);
    assert_eq!(late["error"]["id"], "self_service_flow_expired");
    assert_eq!(late["error"]["details"]["continue_with"][0]["flow"]["id"], late["use_flow_id"]);
}

async fn whoever_is_signed_in_needs_no_recovery(backend: Backend) {
    let world = world(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    let login = script.begin("login", "").await;
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let anonymous = script.jar.borrow().clone();
    script.submit(&login, body).await.expect(200);
    let path = "/self-service/recovery/browser";
    assert_eq!(script.get(path).await.error_id(400), "session_already_available");
    assert!(script.accepting("text/html").get(path).await.location(302).starts_with("https://app.example/"));
    // Not even with the flow that was begun before.
    let cookies = anonymous.into_iter().filter(|(name, _)| name.starts_with("csrf_"));
    script.jar.borrow_mut().extend(cookies);
    let refused = script.submit(&flow, json!({"method": "code", "email": "ada@example.org"})).await;
    assert_eq!(refused.error_id(400), "session_already_available");
}

async fn the_settings_can_be_skipped(backend: Backend) {
    let world = world(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("recovery", "?skip_settings=true&return_to=https://app.example/in").await;
    ask(&script, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let fields = [("method", "code"), ("code", code.as_str())];
    assert_eq!(script.accepting("text/html").submit_form(&flow, &fields).await.location(303), "https://app.example/in");
    whoami(&script).await;
}

async fn a_disabled_account_stays_disabled(backend: Backend) {
    let world = world(backend, json!({})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    let found = world.admin(Method::GET, "/admin/identities?credentials_identifier=ada@example.org", json!({})).await;
    let id = found[0]["id"].as_str().expect("an id");
    let disable = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    world.admin(Method::PATCH, &format!("/admin/identities/{id}"), disable).await;
    let refused = native.submit(&flow, json!({"method": "code", "code": code})).await.expect(400);
    assert_eq!(message_ids(&refused), [4_010_011]);
}

async fn other_sessions_end_when_the_operator_wants_it(backend: Backend) {
    let hooks = json!({"after": {"hooks": [{"hook": "revoke_active_sessions"}]}});
    let world = world(backend, json!({"selfservice": {"flows": {"recovery": hooks}}})).await;
    let native = world.native();
    let login = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let token = native.submit(&login, body).await.expect(200)["session_token"].clone();
    let elsewhere = native.sending("x-session-token", token.as_str().expect("a token"));
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    ask(&native, &flow, "ada@example.org").await;
    let code = world.server.code_for("ada@example.org").await;
    native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(elsewhere.get("/sessions/whoami").await.status, 401);
}

async fn an_address_is_chosen_masked_and_typed_in_full(backend: Backend) {
    let world = world(backend, json!({"feature_flags": {"choose_recovery_address": true}})).await;
    let traits = json!({"email": "grace@example.org", "backup": "hopper@example.net", "name": "grace"});
    world.admin(Method::POST, "/admin/identities", json!({"traits": traits})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    assert_eq!(flow["state"], "recovery_awaiting_address");
    let submit = async |body: Value| script.submit(&flow, body).await;
    let choice = submit(json!({"method": "code", "recovery_address": "grace"})).await.expect(200);
    assert_eq!((&choice["state"], message_ids(&choice)), (&json!("recovery_awaiting_address_choice"), vec![1_060_006]));
    let masks = masks(&choice);
    let labels: Vec<_> = masks.iter().map(|(label, _)| label.as_str()).collect();
    assert!(labels.contains(&"gr****@example.org") && labels.contains(&"ho****@example.net"), "{labels:?}");
    assert!(!choice.to_string().contains("hopper@example.net"), "masked");
    assert_eq!(
        message_ids(&submit(json!({"method": "code", "recovery_select_address": "x"})).await.expect(400)),
        [4_000_001]
    );
    let chosen = &masks.iter().find(|(label, _)| label.starts_with("ho")).expect("the backup").1;
    let confirm = submit(json!({"method": "code", "recovery_select_address": chosen})).await.expect(200);
    assert_eq!((&confirm["state"], message_ids(&confirm)), (&json!("recovery_confirming_address"), vec![1_060_005]));
    // An address of nobody is answered like the right one.
    let nobody = submit(json!({"method": "code", "recovery_confirm_address": "houdini@example.net"})).await.expect(200);
    assert_eq!((&nobody["state"], message_ids(&nobody)), (&json!("recovery_awaiting_code"), vec![1_060_004]));
    assert_eq!(world.server.inbox().await.iter().filter(|mail| mail["recipient"] == "houdini@example.net").count(), 0);
    let back = submit(json!({"method": "code", "screen": "previous"})).await.expect(200);
    assert_eq!(back["state"], "recovery_awaiting_address_choice");
    submit(json!({"method": "code", "recovery_select_address": chosen})).await.expect(200);
    let sent = submit(json!({"method": "code", "recovery_confirm_address": "Hopper@example.net"})).await.expect(200);
    assert_eq!(sent["ui"]["messages"][0]["context"]["masked_address"], "ho****@example.net");
    let code = world.server.code_for("hopper@example.net").await;
    let done = submit(json!({"method": "code", "code": code})).await.expect(422);
    assert!(done["redirect_browser_to"].as_str().expect("where to").contains("/ui/settings?flow="));
    assert_eq!(whoami(&script).await["identity"]["traits"]["name"], "grace");
}

/// The addresses to choose from: what is shown, and what is submitted.
fn masks(flow: &Value) -> Vec<(String, String)> {
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes").iter();
    let choices = nodes.filter(|node| node["attributes"]["name"] == "recovery_select_address");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    choices.map(|node| (text(&node["meta"]["label"]["text"]), text(&node["attributes"]["value"]))).collect()
}

async fn one_address_needs_no_choice(backend: Backend) {
    let world = world(backend, json!({"feature_flags": {"choose_recovery_address": true}})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    let body = |address: &str| json!({"method": "code", "recovery_address": address});
    let sent = native.submit(&flow, body("ada@example.org")).await.expect(200);
    assert_eq!((&sent["state"], message_ids(&sent)), (&json!("recovery_awaiting_code"), vec![1_060_004]));
    let code = world.server.code_for("ada@example.org").await;
    world.advance(SECOND);
    let resent = native.submit(&flow, json!({"method": "code", "recovery_confirm_address": "ada@example.org"})).await;
    assert_eq!(resent.expect(200)["state"], "recovery_awaiting_code");
    let new = world.server.code_for("ada@example.org").await;
    assert_eq!(message_ids(&native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200)), [WRONG]);
    native.submit(&flow, json!({"method": "code", "code": new})).await.expect(200);
    let stranger = native.get("/self-service/recovery/api").await.expect(200);
    let nobody = native.submit(&stranger, body("nobody@example.org")).await.expect(200);
    assert_eq!((&nobody["state"], message_ids(&nobody)), (&json!("recovery_awaiting_code"), vec![1_060_004]));
}

async fn where_recovery_is_off_it_says_so(backend: Backend) {
    let world = world(backend, json!({})).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    let mut off = settings(json!({"selfservice": {"flows": {"recovery": {"enabled": false}}}}));
    off["feature_flags"] = json!({});
    world.reconfigure(off).await;
    assert_eq!(world.script().get("/self-service/recovery/browser").await.error_id(400), "self_service_flow_disabled");
    let submit = native.submit(&flow, json!({"method": "code", "email": "ada@example.org"})).await;
    assert_eq!(submit.error_id(400), "self_service_flow_disabled");
}
