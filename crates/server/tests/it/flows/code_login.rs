//! Signing in with a code, as its owner does.

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::code_world::{
    EMAIL, HOUR, PHONE, SECOND, asking, entering, methods, native_flow, password, passwordless, patient, person,
};
use super::recovery::other_than;
use super::settings::PASSWORD;
use super::world::{message_ids, node};

on_both_databases! {
    a_script_signs_in_with_a_code,
    a_native_app_signs_in_with_a_code,
    a_form_signs_in_with_a_code_that_it_asked_for_twice,
    a_phone_gets_its_code_by_text_message,
    what_is_missing_is_said,
    a_flow_bears_so_many_wrong_codes,
    late_codes_and_flows_do_not_work,
    a_code_that_was_asked_for_leaves_the_password_as_it_is,
    whoever_signs_in_again_needs_no_name,
    whoever_signs_in_again_may_choose_the_address,
    a_disabled_account_stays_disabled,
    addresses_without_a_credential_count_where_the_operator_wants_it,
    hooks_follow_a_code,
    a_verification_is_shown_after_a_login,
    the_identifier_can_come_first,
    the_identifier_alone_sends_a_code_where_nothing_else_signs_in,
    older_clients_are_told_nothing_new,
    without_the_method_there_is_no_such_thing,
}

const SENT: u64 = 1_010_014;
const SENT_AGAIN: u64 = 1_010_025;
const WRONG: u64 = 4_010_008;
const INVALID: u64 = 4_000_001;

async fn a_script_signs_in_with_a_code(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("login", "?return_to=https://app.example/home").await;
    assert_eq!(node(&flow, "identifier")["group"], "default");
    let sent = script.submit(&flow, asking(" ADA@Example.org ")).await.expect(400);
    assert_eq!((&sent["state"], &sent["active"]), (&json!("sent_email"), &json!("code")));
    assert_eq!(message_ids(&sent), [SENT]);
    assert_eq!(node(&sent, "code")["attributes"]["autocomplete"], "one-time-code");
    assert_eq!(node(&sent, "resend")["attributes"]["value"], "code");
    let code = world.server.code_for(EMAIL).await;
    let wrong = script.submit(&sent, entering(EMAIL, other_than(&code))).await.expect(400);
    assert_eq!((message_ids(&wrong), &wrong["state"]), (vec![WRONG], &json!("sent_email")));
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let done = script.submit(&sent, entering(EMAIL, &spaced)).await.expect(200);
    assert_eq!(methods(&done["session"]), [("code", "aal1")]);
    assert_eq!(done["session"]["identity"]["verifiable_addresses"][0]["verified"], true, "the code proves the address");
    assert_eq!(done["continue_with"][0]["redirect_browser_to"], "https://app.example/home");
    let session = script.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["verifiable_addresses"][0]["status"], "completed");
    assert_eq!(session["authenticator_assurance_level"], "aal1");
}

async fn a_native_app_signs_in_with_a_code(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    assert_eq!(message_ids(&native.submit(&flow, asking(EMAIL)).await.expect(400)), [SENT]);
    let code = world.server.code_for(EMAIL).await;
    let done = native.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    assert!(done["session_token"].as_str().is_some_and(|token| token.starts_with("ory_st_")));
    assert!(done["continue_with"].is_null());
    let again = native.submit(&flow, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&again), [4_010_007], "a flow signs in once");
}

async fn a_form_signs_in_with_a_code_that_it_asked_for_twice(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let browser = world.browser();
    let script = browser.accepting("application/json");
    let flow = browser.begin("login", "?return_to=https://app.example/home").await;
    let read = format!("/self-service/login/flows?id={}", flow["id"].as_str().expect("an id"));
    let page = browser.submit_form(&flow, &[("method", "code"), ("identifier", EMAIL)]).await.location(303);
    assert!(page.starts_with("https://id.example/ui/login?flow="), "{page}");
    let shown = script.get(&read).await.expect(200);
    assert_eq!(node(&shown, "identifier")["attributes"]["type"], "hidden");
    let old = world.server.code_for(EMAIL).await;
    world.advance(SECOND);
    // The whole form is sent with the button: what stands in the code field does not count.
    let fields = [("method", "code"), ("identifier", EMAIL), ("code", old.as_str()), ("resend", "code")];
    browser.submit_form(&shown, &fields).await.location(303);
    let new = world.server.code_for(EMAIL).await;
    assert_ne!(old, new);
    let enter = |code| [("method", "code"), ("identifier", EMAIL), ("code", code)];
    browser.submit_form(&shown, &enter(&old)).await.location(303);
    assert_eq!(message_ids(&script.get(&read).await.expect(200)), [WRONG], "the new one replaced it");
    assert_eq!(browser.submit_form(&shown, &enter(&new)).await.location(303), "https://app.example/home");
    script.get("/sessions/whoami").await.expect(200);
}

async fn a_phone_gets_its_code_by_text_message(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    person(&world, json!({"phone": PHONE})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking("+49 30 123456")).await.expect(400);
    let sent = world.admin(Method::GET, "/admin/courier/messages?recipient=%2B4930123456", json!({})).await;
    assert_eq!((&sent[0]["template_type"], &sent[0]["channel"]), (&json!("login_code_valid"), &json!("sms")));
    let code = world.server.code_for(PHONE).await;
    let done = native.submit(&flow, entering(PHONE, &code)).await.expect(200);
    let address = &done["session"]["identity"]["verifiable_addresses"][0];
    assert_eq!((&address["via"], &address["verified"]), (&json!("sms"), &json!(true)));
}

async fn what_is_missing_is_said(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    let named = |flow: &Value, name: &str| node(flow, name)["messages"][0]["id"].clone();
    let told = native.submit(&flow, json!({"method": "code"})).await.expect(400);
    assert_eq!((named(&told, "identifier"), &told["state"]), (json!(4_000_002), &json!("choose_method")));
    let told = native.submit(&flow, asking("ada")).await.expect(400);
    assert_eq!(named(&told, "identifier"), 4_000_040, "no address at all");
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let told = native.submit(&flow, json!({"method": "code", "code": code})).await.expect(400);
    assert_eq!(named(&told, "identifier"), 4_000_002);
    let told = native.submit(&flow, asking(EMAIL)).await.expect(400);
    assert_eq!(named(&told, "code"), 4_000_002);
    assert_eq!(world.mails().await, 2, "nothing was sent once more: the registration's and one code");
    // Another name asks anew.
    let told = native.submit(&flow, asking("bob@example.org")).await.expect(400);
    assert_eq!((message_ids(&told), named(&told, "code")), (vec![SENT], Value::Null));
    let told = native.submit(&flow, entering("bob@example.org", &code)).await.expect(400);
    assert_eq!(message_ids(&told), [WRONG], "and ends the code of the first");
}

async fn a_flow_bears_so_many_wrong_codes(backend: Backend) {
    let world = patient(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    for wrong in [other_than(&code), "12345x", "９９９９９９", "99999999999999999999", other_than(&code)] {
        assert_eq!(message_ids(&native.submit(&flow, entering(EMAIL, wrong)).await.expect(400)), [WRONG], "{wrong}");
    }
    let over = native.submit(&flow, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&over), [INVALID], "not even the right one");
    world.advance(SECOND);
    native.submit(&flow, json!({"method": "code", "identifier": EMAIL, "resend": "code"})).await.expect(400);
    let new = world.server.code_for(EMAIL).await;
    let over = native.submit(&flow, entering(EMAIL, &new)).await.expect(400);
    assert_eq!(message_ids(&over), [INVALID], "another code brings no further tries");
}

async fn late_codes_and_flows_do_not_work(backend: Backend) {
    let lifespan = json!({"selfservice": {"methods": {"code": {"config": {"lifespan": "10m"}}}}});
    let world = passwordless(backend, lifespan).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    world.advance(HOUR / 6);
    assert_eq!(message_ids(&native.submit(&flow, entering(EMAIL, &code)).await.expect(400)), [WRONG]);
    world.advance(HOUR);
    let late = native.submit(&flow, entering(EMAIL, &code)).await.expect(410);
    let fresh = late["use_flow_id"].as_str().expect("a fresh flow");
    let fresh = native.get(&format!("/self-service/login/flows?id={fresh}")).await.expect(200);
    assert_eq!((message_ids(&fresh), &fresh["state"]), (vec![4_010_001], &json!("choose_method")));
    assert!(!fresh.to_string().contains(EMAIL));
}

async fn a_code_that_was_asked_for_leaves_the_password_as_it_is(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let wrong = json!({"method": "password", "identifier": EMAIL, "password": "wrong"});
    let wrong = native.submit(&flow, wrong).await.expect(400);
    assert_eq!((message_ids(&wrong), &wrong["state"]), (vec![4_000_006], &json!("choose_method")));
    assert_eq!(node(&wrong, "password")["attributes"]["type"], "password");
    let done = native.submit(&flow, password(EMAIL)).await.expect(200);
    assert_eq!(methods(&done["session"]), [("password", "aal1")]);
}

async fn whoever_signs_in_again_needs_no_name(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    let before = script.submit(&flow, password(EMAIL)).await.expect(200)["session"].clone();
    world.advance(HOUR);
    let flow = script.begin("login", "?refresh=true").await;
    assert_eq!(message_ids(&flow), [1_010_003]);
    let identifier = &node(&flow, "identifier")["attributes"];
    assert_eq!((&identifier["type"], &identifier["value"]), (&json!("hidden"), &json!(EMAIL)));
    let sent = script.submit(&flow, asking(EMAIL)).await.expect(400);
    assert_eq!(message_ids(&sent), [SENT_AGAIN]);
    let code = world.server.code_for(EMAIL).await;
    let after = script.submit(&sent, entering(EMAIL, &code)).await.expect(200)["session"].clone();
    assert_eq!(after["id"], before["id"]);
    assert_ne!(after["authenticated_at"], before["authenticated_at"]);
    assert_eq!(methods(&after), [("password", "aal1"), ("code", "aal1")]);
}

async fn whoever_signs_in_again_may_choose_the_address(backend: Backend) {
    let world = passwordless(backend, json!({"feature_flags": {"refresh_login_choose_address": true}})).await;
    person(&world, json!({"email": "grace@example.org", "phone": PHONE})).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    script.submit(&flow, password("grace@example.org")).await.expect(200);
    let flow = script.begin("login", "?refresh=true").await;
    let addresses: Vec<_> = flow["ui"]["nodes"].as_array().expect("nodes").iter().collect();
    let addresses: Vec<_> = addresses
        .into_iter()
        .filter(|node| node["attributes"]["name"] == "address")
        .map(|node| (node["attributes"]["value"].clone(), node["meta"]["label"]["context"]["channel"].clone()))
        .collect();
    assert_eq!(addresses, [(json!(PHONE), json!("sms")), (json!("grace@example.org"), json!("email"))]);
    let sent = script.submit(&flow, json!({"address": PHONE})).await.expect(400);
    assert_eq!(message_ids(&sent), [SENT_AGAIN]);
    let code = world.server.code_for(PHONE).await;
    let body = json!({"method": "code", "address": PHONE, "code": code});
    script.submit(&sent, body).await.expect(200);
    let flow = script.begin("login", "?refresh=true").await;
    let other = script.submit(&flow, json!({"method": "code", "address": EMAIL})).await.expect(400);
    assert_eq!(message_ids(&other), [4_010_010], "somebody else's address");
}

async fn a_disabled_account_stays_disabled(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    let found = world.admin(Method::GET, "/admin/identities?credentials_identifier=ada@example.org", json!({})).await;
    let disable = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    let path = format!("/admin/identities/{}", found[0]["id"].as_str().expect("an id"));
    world.admin(Method::PATCH, &path, disable).await;
    assert_eq!(message_ids(&native.submit(&flow, entering(EMAIL, &code)).await.expect(400)), [4_010_011]);
}

async fn addresses_without_a_credential_count_where_the_operator_wants_it(backend: Backend) {
    // Accounts from before the schema said that codes sign in.
    let world = super::recovery::world(backend, json!({})).await;
    for (fallback, status) in [(false, 400), (true, 200)] {
        let code = json!({"passwordless_enabled": true, "config": {"missing_credential_fallback_enabled": fallback}});
        world.reconfigure(super::recovery::settings(json!({"selfservice": {"methods": {"code": code}}}))).await;
        world.advance(SECOND);
        let before = world.mails().await;
        let native = world.native();
        let flow = native_flow(&native, "login").await;
        assert_eq!(message_ids(&native.submit(&flow, asking(EMAIL)).await.expect(400)), [SENT]);
        assert_eq!(world.mails().await - before, usize::from(fallback));
        let code = if fallback { world.server.code_for(EMAIL).await } else { "123456".to_owned() };
        native.submit(&flow, entering(EMAIL, &code)).await.expect(status);
    }
}

async fn hooks_follow_a_code(backend: Backend) {
    let hooks = json!([{"hook": "require_verified_address"}, {"hook": "revoke_active_sessions"}]);
    let after = json!({"selfservice": {"flows": {"login": {"after": {"code": {"hooks": hooks}}}}}});
    let world = passwordless(backend, after).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    let elsewhere = native.submit(&flow, password(EMAIL)).await.expect(200)["session_token"].clone();
    let elsewhere = native.sending("x-session-token", elsewhere.as_str().expect("a token"));
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let code = world.server.code_for(EMAIL).await;
    // The code itself proves the address.
    native.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    assert_eq!(elsewhere.get("/sessions/whoami").await.status, 401);
}

async fn a_verification_is_shown_after_a_login(backend: Backend) {
    let hooks = json!([{"hook": "show_verification_ui"}]);
    let after = json!({"selfservice": {"flows": {"login": {"after": {"hooks": hooks}}}}});
    let world = passwordless(backend, after).await;
    let (native, browser) = (world.native(), world.browser());
    let flow = native_flow(&native, "login").await;
    let done = native.submit(&flow, password(EMAIL)).await.expect(200);
    assert_eq!(done["continue_with"][0]["action"], "show_verification_ui");
    assert_eq!(done["continue_with"][0]["flow"]["verifiable_address"], EMAIL);
    world.advance(SECOND);
    let flow = browser.begin("login", "").await;
    let fields = [("method", "password"), ("identifier", EMAIL), ("password", PASSWORD)];
    let page = browser.submit_form(&flow, &fields).await.location(303);
    let id = page.strip_prefix("https://id.example/ui/verification?flow=").expect("the verification page");
    let script = browser.accepting("application/json");
    let shown = script.get(&format!("/self-service/verification/flows?id={id}")).await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    script.submit(&shown, json!({"method": "code", "code": code})).await.expect(200);
    let flow = native_flow(&native, "login").await;
    let done = native.submit(&flow, password(EMAIL)).await.expect(200);
    assert!(done["continue_with"].is_null(), "nothing is left to prove");
}

async fn the_identifier_can_come_first(backend: Backend) {
    let world =
        passwordless(backend, json!({"selfservice": {"flows": {"login": {"style": "identifier_first"}}}})).await;
    let script = world.script();
    let mut pages = Vec::new();
    for identifier in [EMAIL, "nobody@example.org"] {
        let flow = script.begin("login", "").await;
        assert_eq!(node(&flow, "method")["attributes"]["value"], "identifier_first");
        assert!(node(&flow, "password").is_null());
        let missing = script.submit(&flow, json!({"method": "identifier_first"})).await.expect(400);
        assert_eq!(node(&missing, "identifier")["messages"][0]["id"], 4_000_002);
        let next = script.submit(&flow, json!({"method": "identifier_first", "identifier": identifier})).await;
        let next = next.expect(400);
        let hidden = &node(&next, "identifier")["attributes"];
        assert_eq!((&hidden["type"], &hidden["value"]), (&json!("hidden"), &json!(identifier)));
        assert!(next.get("active").is_none() && message_ids(&next).is_empty());
        let names: Vec<_> = next["ui"]["nodes"].as_array().expect("nodes").iter().collect();
        let names: Vec<_> = names.iter().map(|node| node["attributes"]["name"].clone()).collect();
        pages.push(names);
        if identifier == EMAIL {
            script.submit(&next, password(EMAIL)).await.expect(200);
            let logout = script.get("/self-service/logout/browser").await.expect(200);
            let token = logout["logout_token"].as_str().expect("a token");
            script.get(&format!("/self-service/logout?token={token}")).await;
            script.jar.borrow_mut().clear();
        }
    }
    assert_eq!(pages[0], pages[1], "nothing tells who has an account");
    // Whoever knows the contract may still submit both at once.
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, password(EMAIL)).await.expect(200);
}

async fn the_identifier_alone_sends_a_code_where_nothing_else_signs_in(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let only_codes = json!({"selfservice": {
        "flows": {"login": {"style": "identifier_first"}}, "methods": {"password": {"enabled": false}},
    }});
    world.reconfigure(super::code_world::settings("passwordless_enabled", only_codes)).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    let sent = native.submit(&flow, json!({"method": "identifier_first", "identifier": EMAIL})).await.expect(400);
    assert_eq!((message_ids(&sent), &sent["state"]), (vec![SENT], &json!("sent_email")));
    let code = world.server.code_for(EMAIL).await;
    native.submit(&flow, entering(EMAIL, &code)).await.expect(200);
}

async fn older_clients_are_told_nothing_new(backend: Backend) {
    let world = passwordless(backend, json!({})).await;
    let old = world.native().sending("user-agent", "OpenAPI-Generator/1.0.0/go");
    let flow = native_flow(&old, "login").await;
    let sent = old.submit(&flow, asking(EMAIL)).await.expect(400);
    assert!(sent.get("active").is_none(), "they know no method of this name");
    let code = world.server.code_for(EMAIL).await;
    let done = old.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    let old = old.sending("x-session-token", done["session_token"].as_str().expect("a token"));
    assert_eq!(done["session"]["authentication_methods"], json!([]));
    let session = old.get("/sessions/whoami").await.expect(200);
    assert_eq!(methods(&session), [("code", "aal1")], "without that user agent it is a current client");
}

async fn without_the_method_there_is_no_such_thing(backend: Backend) {
    let world = super::world::World::new(backend).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(404);
    let told = native.submit(&flow, json!({"method": "identifier_first", "identifier": EMAIL})).await.expect(400);
    assert_eq!(message_ids(&told), [4_010_002]);
}
