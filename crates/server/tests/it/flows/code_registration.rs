//! Creating an account with a code.

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::code_world::{EMAIL, HOUR, PHONE, SECOND, methods, native_flow, passwordless, patient};
use super::recovery::other_than;
use super::world::{message_ids, node};

on_both_databases! {
    a_script_registers_in_two_steps,
    a_native_app_registers_at_once,
    a_form_registers_and_may_go_back,
    a_phone_registers,
    without_the_hook_nobody_is_signed_in,
    details_stay_what_the_code_was_sent_for,
    a_taken_address_is_told_to_its_owner_alone,
    wrong_codes_late_codes_and_missing_addresses_are_said,
    two_hundred_guesses_at_once_are_no_more_than_the_flow_allows,
    fresh_flows_bring_no_fresh_guesses,
    one_code_entered_sixteen_times_makes_one_account,
    another_flows_code_makes_no_account,
}

const SENT: u64 = 1_040_005;
const WRONG: u64 = 4_040_003;
const BOB: &str = "bob@example.org";

fn with_session() -> Value {
    let hooks = json!({"hooks": [{"hook": "session"}, {"hook": "show_verification_ui"}]});
    json!({"selfservice": {"flows": {"registration": {"after": {"code": hooks}}, "verification": {"enabled": true}}}})
}

fn asking(traits: &Value) -> Value {
    json!({"method": "code", "traits": traits})
}

fn entering(traits: &Value, code: &str) -> Value {
    json!({"method": "code", "traits": traits, "code": code})
}

async fn a_script_registers_in_two_steps(backend: Backend) {
    let world = passwordless(backend, with_session()).await;
    let script = world.script();
    let flow = script.begin("registration", "?return_to=https://app.example/new").await;
    let traits = json!({"email": BOB, "name": "Bob", "age": 36});
    let second = script.submit(&flow, json!({"method": "profile", "traits": traits})).await.expect(400);
    assert_eq!(message_ids(&second), [1_040_009]);
    let buttons = second["ui"]["nodes"].as_array().expect("nodes").iter();
    let labels: Vec<_> = buttons.filter_map(|node| node["meta"]["label"]["id"].as_u64()).collect();
    assert!(labels.contains(&1_040_006), "{labels:?}");
    let before = world.mails().await;
    let sent = script.submit(&second, asking(&traits)).await.expect(400);
    assert_eq!((message_ids(&sent), &sent["state"]), (vec![SENT], &json!("sent_email")));
    assert_eq!(node(&sent, "traits.age")["attributes"]["value"], 36);
    assert_eq!(node(&sent, "screen")["attributes"]["value"], "credential-selection");
    let code = world.server.code_for(BOB).await;
    assert_eq!(message_ids(&script.submit(&sent, entering(&traits, other_than(&code))).await.expect(400)), [WRONG]);
    let done = script.submit(&sent, entering(&traits, &code)).await.expect(200);
    assert_eq!(methods(&done["session"]), [("code", "aal1")]);
    let address = &done["identity"]["verifiable_addresses"][0];
    assert_eq!((&address["verified"], &address["status"]), (&json!(true), &json!("completed")));
    let steps = done["continue_with"].as_array().expect("steps");
    assert_eq!(steps.len(), 1, "nothing is left to prove: {steps:?}");
    assert_eq!(steps[0]["redirect_browser_to"], "https://app.example/new");
    assert_eq!(world.mails().await - before, 1);
    let session = script.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["traits"], traits);
    let path = "/admin/identities?credentials_identifier=bob@example.org&include_credential=code";
    let stored = world.admin(Method::GET, path, json!({})).await;
    let credential = &stored[0]["credentials"]["code"];
    assert_eq!(credential["identifiers"], json!([BOB]));
    assert_eq!(credential["config"], json!({"addresses": [{"channel": "email", "address": BOB}]}));
}

async fn a_native_app_registers_at_once(backend: Backend) {
    let unified = json!({"selfservice": {"flows": {"registration": {
        "style": "unified", "after": {"hooks": [{"hook": "session"}]},
    }}}});
    let world = passwordless(backend, unified).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    assert_eq!(node(&flow, "traits.email")["attributes"]["type"], "email");
    let traits = json!({"email": BOB});
    let sent = native.submit(&flow, asking(&traits)).await.expect(400);
    assert_eq!(message_ids(&sent), [SENT]);
    assert!(node(&sent, "screen").is_null(), "there is no page to go back to");
    let code = world.server.code_for(BOB).await;
    let done = native.submit(&flow, entering(&traits, &code)).await.expect(200);
    assert!(done["session_token"].as_str().is_some_and(|token| token.starts_with("ory_st_")));
    assert_eq!(done["identity"]["id"], done["session"]["identity"]["id"]);
    let again = native.submit(&flow, entering(&traits, &code)).await.expect(400);
    assert_eq!(message_ids(&again), [4_040_002]);
    // The account signs in the same way.
    world.advance(SECOND);
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, json!({"method": "code", "identifier": BOB})).await.expect(400);
    let code = world.server.code_for(BOB).await;
    native.submit(&flow, json!({"method": "code", "identifier": BOB, "code": code})).await.expect(200);
}

async fn a_form_registers_and_may_go_back(backend: Backend) {
    let world = passwordless(backend, with_session()).await;
    let browser = world.browser();
    let flow = browser.begin("registration", "").await;
    let script = browser.accepting("application/json");
    let read = format!("/self-service/registration/flows?id={}", flow["id"].as_str().expect("an id"));
    let traits = [("traits.email", BOB), ("traits.age", "36"), ("traits.name", "")];
    let submit = async |more: &[(&str, &str)]| {
        let fields = [&traits[..], more].concat();
        browser.submit_form(&flow, &fields).await
    };
    submit(&[("method", "profile")]).await.location(302);
    submit(&[("method", "code")]).await.location(302);
    assert_eq!(message_ids(&script.get(&read).await.expect(200)), [SENT]);
    submit(&[("method", "code"), ("code", ""), ("screen", "credential-selection")]).await.location(302);
    let back = script.get(&read).await.expect(200);
    assert_eq!((message_ids(&back), &back["state"]), (vec![1_040_009], &json!("choose_method")));
    world.advance(SECOND);
    submit(&[("method", "code")]).await.location(302);
    let old = world.server.code_for(BOB).await;
    world.advance(SECOND);
    submit(&[("method", "code"), ("code", old.as_str()), ("resend", "code")]).await.location(302);
    let code = world.server.code_for(BOB).await;
    submit(&[("method", "code"), ("code", old.as_str())]).await.location(302);
    assert_eq!(message_ids(&script.get(&read).await.expect(200)), [WRONG]);
    let next = submit(&[("method", "code"), ("code", code.as_str())]).await.location(303);
    assert!(next.starts_with("https://app.example/"), "{next}");
    assert_eq!(script.get("/sessions/whoami").await.expect(200)["identity"]["traits"]["age"], 36);
}

async fn a_phone_registers(backend: Backend) {
    let world = passwordless(backend, with_session()).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    let traits = json!({"phone": "+49 30 123456"});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(PHONE).await;
    let done = native.submit(&flow, entering(&traits, &code)).await.expect(200);
    assert_eq!(done["identity"]["traits"]["phone"], PHONE);
    assert_eq!(done["identity"]["verifiable_addresses"][0]["verified"], true);
    // One of two addresses gets the code; the other one is verified afterwards.
    let flow = native_flow(&native, "registration").await;
    let traits = json!({"email": BOB, "phone": "+4930654321"});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(BOB).await;
    let done = native.submit(&flow, entering(&traits, &code)).await.expect(200);
    let steps = done["continue_with"].as_array().expect("steps");
    let next = steps.iter().find(|step| step["action"] == "show_verification_ui").expect("a verification");
    assert_eq!(next["flow"]["verifiable_address"], "+4930654321");
}

async fn without_the_hook_nobody_is_signed_in(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("registration", "").await;
    let traits = json!({"email": BOB});
    script.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(BOB).await;
    let done = script.submit(&flow, entering(&traits, &code)).await.expect(200);
    assert!(done.get("session").is_none() && done["identity"]["id"].is_string());
    assert_eq!(script.get("/sessions/whoami").await.status, 401);
}

async fn details_stay_what_the_code_was_sent_for(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    let traits = json!({"email": BOB, "name": "Bob"});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(BOB).await;
    for changed in [json!({"email": "eve@example.org", "name": "Bob"}), json!({"email": BOB, "name": "Eve"}), json!({})]
    {
        let refused = native.submit(&flow, entering(&changed, &code)).await.expect(400);
        assert_eq!(message_ids(&refused), [4_000_036], "{changed}");
        let mut resend = asking(&changed);
        resend["resend"] = json!("code");
        assert_eq!(message_ids(&native.submit(&flow, resend).await.expect(400)), [4_000_036]);
    }
    // Without any, those of before count.
    let done = native.submit(&flow, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(done["identity"]["traits"], traits);
}

async fn a_taken_address_is_told_to_its_owner_alone(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let mut asked = Vec::new();
    for address in [EMAIL, BOB] {
        let flow = native_flow(&native, "registration").await;
        let sent = native.submit(&flow, asking(&json!({"email": address}))).await.expect(400);
        let id = flow["id"].as_str().expect("an id");
        asked.push(sent.to_string().replace(id, "FLOW").replace(address, "ADDRESS"));
    }
    assert_eq!(asked[0], asked[1]);
    let flow = native_flow(&native, "registration").await;
    world.advance(SECOND);
    let traits = json!({"email": EMAIL});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let taken = native.submit(&flow, entering(&traits, &code)).await.expect(400);
    assert_eq!((message_ids(&taken), &taken["state"]), (vec![4_000_007], &json!("choose_method")));
}

async fn wrong_codes_late_codes_and_missing_addresses_are_said(backend: Backend) {
    let world = patient(backend, json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "10m"}}}}})).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    let told = native.submit(&flow, asking(&json!({"name": "Bob"}))).await.expect(400);
    assert_eq!(message_ids(&told), [4_000_009]);
    let told = native.submit(&flow, asking(&json!({"email": "nonsense"}))).await.expect(400);
    assert!(!node(&told, "traits.email")["messages"].as_array().expect("messages").is_empty());
    let traits = json!({"email": BOB});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let missing = native.submit(&flow, asking(&traits)).await.expect(400);
    assert_eq!(message_ids(&missing), [4_000_002]);
    let code = world.server.code_for(BOB).await;
    world.advance(HOUR / 6);
    assert_eq!(message_ids(&native.submit(&flow, entering(&traits, &code)).await.expect(400)), [WRONG]);
    for _ in 1..5 {
        let wrong = native.submit(&flow, entering(&traits, "000000")).await.expect(400);
        assert_eq!(message_ids(&wrong), [WRONG]);
    }
    assert_eq!(message_ids(&native.submit(&flow, entering(&traits, &code)).await.expect(400)), [4_000_001]);
    world.advance(HOUR);
    assert_eq!(native.submit(&flow, entering(&traits, &code)).await.error_id(410), "self_service_flow_expired");
}

async fn two_hundred_guesses_at_once_are_no_more_than_the_flow_allows(backend: Backend) {
    let world = patient(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    let traits = json!({"email": BOB});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(BOB).await;
    let guesses = (0..200).map(|guess| {
        let guess = format!("{guess:06}");
        let guess = if guess == code { "999999".to_owned() } else { guess };
        native.submit(&flow, entering(&traits, &guess))
    });
    let answers: Vec<_> = join_all(guesses).await.into_iter().map(|answer| message_ids(&answer.expect(400))).collect();
    assert_eq!(answers.iter().filter(|told| **told == [WRONG]).count(), 5);
}

async fn fresh_flows_bring_no_fresh_guesses(backend: Backend) {
    // The world's doors lock after five.
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let mut evaluated = 0;
    for _ in 0..4 {
        let flow = native_flow(&native, "registration").await;
        let traits = json!({"email": BOB});
        native.submit(&flow, asking(&traits)).await.expect(400);
        for _ in 0..3 {
            let told = native.submit(&flow, entering(&traits, "x00000")).await.expect(400);
            evaluated += usize::from(message_ids(&told) == [WRONG]);
        }
    }
    assert_eq!(evaluated, 5);
}

async fn one_code_entered_sixteen_times_makes_one_account(backend: Backend) {
    let world =
        patient(backend, json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 100}}}}})).await;
    let native = world.native();
    let flow = native_flow(&native, "registration").await;
    let traits = json!({"email": BOB});
    native.submit(&flow, asking(&traits)).await.expect(400);
    let code = world.server.code_for(BOB).await;
    let tries = (0..16).map(|_| native.submit(&flow, entering(&traits, &code)));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let everybody = world.admin(Method::GET, "/admin/identities", json!({})).await;
    assert_eq!(everybody.as_array().map(Vec::len), Some(2));
}

async fn another_flows_code_makes_no_account(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let (first, second) = (native_flow(&native, "registration").await, native_flow(&native, "registration").await);
    let (bob, eve) = (json!({"email": BOB}), json!({"email": "eve@example.org"}));
    native.submit(&first, asking(&bob)).await.expect(400);
    native.submit(&second, asking(&eve)).await.expect(400);
    let hers = world.server.code_for("eve@example.org").await;
    assert_eq!(message_ids(&native.submit(&first, entering(&bob, &hers)).await.expect(400)), [WRONG]);
    let login = native_flow(&native, "login").await;
    native.submit(&login, json!({"method": "code", "identifier": EMAIL})).await.expect(400);
    let his = world.server.code_for(BOB).await;
    let crossed = native.submit(&login, json!({"method": "code", "identifier": EMAIL, "code": his})).await.expect(400);
    assert_eq!(message_ids(&crossed), [4_010_008]);
}
