//! A code as the second of two factors.

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::code_world::{
    EMAIL, PHONE, SECOND, entering, methods, native_flow, password, person, settings, two_factors,
};
use super::recovery::other_than;
use super::settings::PASSWORD;
use super::world::{World, message_ids, node};

on_both_databases! {
    a_script_is_sent_on_and_completes_the_second_factor,
    a_form_is_sent_on_and_completes_the_second_factor,
    a_native_app_completes_the_second_factor,
    one_of_several_addresses_is_chosen,
    older_clients_name_the_address_when_they_begin,
    one_factor_is_enough_where_the_operator_says_so,
    a_code_alone_signs_nobody_in,
    settings_and_recovery_ask_for_the_second_factor,
    nobody_completes_it_for_somebody_else,
    neither_flows_nor_sessions_bring_fresh_guesses,
    a_code_that_was_sent_before_the_number_was_removed_does_not_work,
    two_hundred_guesses_at_once_are_no_more_than_the_flow_allows,
    one_code_entered_sixteen_times_steps_up_once,
    a_second_factor_that_no_login_can_ask_for_locks_nobody_out,
}

const SENT: u64 = 1_010_025;
const WRONG: u64 = 4_010_008;

/// Signs in with the password as a script does; the policy then asks for more.
async fn first_factor(script: &Client<'_>, email: &str) -> String {
    let flow = script.begin("login", "").await;
    let moved = script.submit(&flow, password(email)).await.expect(422);
    moved["redirect_browser_to"].as_str().expect("an address").to_owned()
}

async fn a_script_is_sent_on_and_completes_the_second_factor(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let script = world.script();
    let next = first_factor(&script, EMAIL).await;
    assert!(next.ends_with("/self-service/login/browser?aal=aal2"), "{next}");
    let refused = script.get("/sessions/whoami").await.expect(403);
    assert_eq!(refused["error"]["id"], "session_aal2_required");
    // There is only one way, so it begins by itself.
    let flow = script.begin("login", "?aal=aal2").await;
    assert_eq!((&flow["state"], &flow["requested_aal"]), (&json!("sent_email"), &json!("aal2")));
    assert_eq!(message_ids(&flow), [SENT]);
    let identifier = node(&flow, "identifier");
    assert_eq!((&identifier["group"], &identifier["attributes"]["value"]), (&json!("code"), &json!(EMAIL)));
    let code = world.server.code_for(EMAIL).await;
    let wrong = script.submit(&flow, entering(EMAIL, other_than(&code))).await.expect(400);
    assert_eq!(message_ids(&wrong), [WRONG]);
    let done = script.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    assert_eq!(methods(&done["session"]), [("password", "aal1"), ("code", "aal2")]);
    let session = script.get("/sessions/whoami").await.expect(200);
    assert_eq!((&session["authenticator_assurance_level"], &session["id"]), (&json!("aal2"), &done["session"]["id"]));
    assert_eq!(script.get("/self-service/login/browser?aal=aal2").await.error_id(400), "session_already_available");
}

async fn a_form_is_sent_on_and_completes_the_second_factor(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let browser = world.browser();
    let flow = browser.begin("login", "?return_to=https://app.example/in").await;
    let fields = [("method", "password"), ("identifier", EMAIL), ("password", PASSWORD)];
    let next = browser.submit_form(&flow, &fields).await.location(303);
    let path = &next[next.find("/self-service/").expect("a path")..];
    let page = browser.get(path).await.location(303);
    let id = page.strip_prefix("https://id.example/ui/login?flow=").expect("the login page");
    let flow =
        browser.accepting("application/json").get(&format!("/self-service/login/flows?id={id}")).await.expect(200);
    let old = world.server.code_for(EMAIL).await;
    world.advance(SECOND);
    browser.submit_form(&flow, &[("method", "code"), ("identifier", EMAIL), ("resend", "code")]).await.location(303);
    let code = world.server.code_for(EMAIL).await;
    assert_ne!(code, old);
    let fields = [("method", "code"), ("identifier", EMAIL), ("code", code.as_str())];
    assert_eq!(browser.submit_form(&flow, &fields).await.location(303), "https://app.example/in");
}

async fn a_native_app_completes_the_second_factor(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    let done = native.submit(&flow, password(EMAIL)).await.expect(200);
    assert_eq!(done["session"]["identity"]["traits"], json!({}), "nothing is told before the second factor");
    let native = native.sending("x-session-token", done["session_token"].as_str().expect("a token"));
    assert_eq!(native.get("/sessions/whoami").await.error_id(403), "session_aal2_required");
    let flow = native.get("/self-service/login/api?aal=aal2").await.expect(200);
    assert_eq!(flow["state"], "sent_email");
    let code = world.server.code_for(EMAIL).await;
    let stepped = native.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    assert_eq!(stepped["session_token"], done["session_token"], "the same session");
    assert_eq!(native.get("/sessions/whoami").await.expect(200)["identity"]["traits"]["email"], EMAIL);
}

async fn one_of_several_addresses_is_chosen(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    person(&world, json!({"email": "grace@example.org", "phone": PHONE})).await;
    let script = world.script();
    first_factor(&script, "grace@example.org").await;
    let before = world.mails().await;
    let flow = script.begin("login", "?aal=aal2").await;
    assert_eq!((message_ids(&flow), &flow["state"]), (vec![1_010_004], &json!("choose_method")));
    assert_eq!(world.mails().await, before, "nothing is sent before it is chosen");
    let addresses = flow["ui"]["nodes"].as_array().expect("nodes").iter();
    let addresses: Vec<_> = addresses.filter(|node| node["attributes"]["name"] == "address").collect();
    let values: Vec<_> = addresses.iter().map(|node| node["attributes"]["value"].clone()).collect();
    assert_eq!(values, [json!(PHONE), json!("grace@example.org")]);
    assert_eq!(addresses[0]["meta"]["label"]["id"], 1_010_023);
    for stranger in ["eve@example.org", "+4930999999", EMAIL] {
        let refused = script.submit(&flow, json!({"method": "code", "address": stranger})).await.expect(400);
        assert_eq!(message_ids(&refused), [4_010_010], "{stranger}");
    }
    let missing = script.submit(&flow, json!({"method": "code"})).await.expect(400);
    assert_eq!(message_ids(&missing), [4_000_002]);
    let sent = script.submit(&flow, json!({"method": "code", "address": PHONE})).await.expect(400);
    assert_eq!((message_ids(&sent), &sent["state"]), (vec![SENT], &json!("sent_email")));
    let code = world.server.code_for(PHONE).await;
    script.submit(&sent, entering(PHONE, &code)).await.expect(200);
}

async fn older_clients_name_the_address_when_they_begin(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    person(&world, json!({"email": "grace@example.org", "phone": PHONE, "name": "Grace"})).await;
    let script = world.script();
    first_factor(&script, "grace@example.org").await;
    for (via, address) in [("phone", PHONE), ("%2B49%2030%20123456", PHONE), ("email", "grace@example.org")] {
        let flow = script.begin("login", &format!("?aal=aal2&via={via}")).await;
        assert_eq!((&flow["state"], message_ids(&flow)), (&json!("sent_email"), vec![SENT]), "{via}");
        assert_eq!(node(&flow, "identifier")["attributes"]["value"], address);
    }
    // Neither a trait that is no address, nor one that she does not have, nor somebody else's address.
    for via in ["name", "nickname", "email.deeper", EMAIL] {
        let refused = script.get(&format!("/self-service/login/browser?aal=aal2&via={via}")).await.expect(400);
        assert!(refused["error"]["reason"].as_str().is_some_and(|why| why.contains("via")), "{refused}");
    }
}

async fn one_factor_is_enough_where_the_operator_says_so(backend: Backend) {
    let lenient = json!({"session": {"whoami": {"required_aal": "aal1"}}});
    let world = two_factors(backend, lenient).await;
    let script = world.script();
    let flow = script.begin("login", "").await;
    script.submit(&flow, password(EMAIL)).await.expect(200);
    script.get("/sessions/whoami").await.expect(200);
}

async fn a_code_alone_signs_nobody_in(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    assert!(flow["ui"]["nodes"].as_array().expect("nodes").iter().all(|node| node["group"] != "code"));
    for body in [json!({"method": "code", "identifier": EMAIL}), json!({"address": EMAIL})] {
        assert_eq!(message_ids(&native.submit(&flow, body).await.expect(400)), [4_010_002]);
    }
    let flow = native_flow(&native, "registration").await;
    native.submit(&flow, json!({"method": "code", "traits": {"email": "eve@example.org"}})).await.expect(404);
}

async fn settings_and_recovery_ask_for_the_second_factor(backend: Backend) {
    let world = two_factors(backend, json!({"session": {"whoami": {"required_aal": "aal1"}}})).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    script.submit(&flow, json!({"method": "code", "email": EMAIL})).await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    let moved = script.submit(&flow, json!({"method": "code", "code": code})).await.expect(422);
    let page = moved["redirect_browser_to"].as_str().expect("the settings");
    let id = page.split_once("flow=").expect("a flow").1.to_owned();
    let refused = script.get(&format!("/self-service/settings/flows?id={id}")).await.expect(403);
    assert_eq!(refused["error"]["id"], "session_aal2_required");
    let step_up = refused["redirect_browser_to"].as_str().expect("a step up");
    assert!(step_up.contains("aal=aal2") && step_up.contains("return_to="), "{step_up}");
    assert_eq!(script.get("/self-service/settings/browser").await.error_id(403), "session_aal2_required");
    world.advance(SECOND);
    let flow = script.begin("login", "?aal=aal2").await;
    let code = world.server.code_for(EMAIL).await;
    script.submit(&flow, entering(EMAIL, &code)).await.expect(200);
    let shown = script.get(&format!("/self-service/settings/flows?id={id}")).await.expect(200);
    assert_eq!(message_ids(&shown), [1_060_001]);
}

async fn nobody_completes_it_for_somebody_else(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    person(&world, json!({"email": "eve@example.org"})).await;
    let native = world.native();
    let mut clients = Vec::new();
    for email in [EMAIL, "eve@example.org"] {
        let flow = native_flow(&native, "login").await;
        let token = native.submit(&flow, password(email)).await.expect(200)["session_token"].clone();
        clients.push(native.sending("x-session-token", token.as_str().expect("a token")));
    }
    let [ada, eve] = &clients[..] else { panic!("two clients") };
    let hers = ada.get("/self-service/login/api?aal=aal2").await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    let refused = eve.submit(&hers, entering(EMAIL, &code)).await;
    assert_eq!(refused.error_id(403), "security_identity_mismatch");
    let theirs = eve.get("/self-service/login/api?aal=aal2").await.expect(200);
    let refused = eve.submit(&theirs, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(message_ids(&refused), [WRONG], "a code is good in its own flow only");
    assert_eq!(native.submit(&hers, entering(EMAIL, &code)).await.error_id(401), "session_aal1_required");
    ada.submit(&hers, entering(EMAIL, &code)).await.expect(200);
}

async fn neither_flows_nor_sessions_bring_fresh_guesses(backend: Backend) {
    let config = json!({
        "limits": {"failed_attempts": 7},
        "identity": settings("mfa_enabled", json!({})),
    });
    let world = World::with(backend, config).await;
    world.register(EMAIL, PASSWORD).await;
    let mut evaluated = 0;
    for _ in 0..3 {
        world.advance(SECOND);
        let native = world.native();
        let flow = native_flow(&native, "login").await;
        let token = native.submit(&flow, password(EMAIL)).await.expect(200)["session_token"].clone();
        let native = native.sending("x-session-token", token.as_str().expect("a token"));
        let flow = native.get("/self-service/login/api?aal=aal2").await.expect(200);
        let code = world.server.code_for(EMAIL).await;
        for _ in 0..4 {
            let told = native.submit(&flow, entering(EMAIL, other_than(&code))).await.expect(400);
            evaluated += usize::from(message_ids(&told) == [WRONG]);
        }
    }
    assert_eq!(evaluated, 7);
}

async fn a_code_that_was_sent_before_the_number_was_removed_does_not_work(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let id = person(&world, json!({"email": "grace@example.org", "phone": PHONE})).await;
    let script = world.script();
    first_factor(&script, "grace@example.org").await;
    let flow = script.begin("login", "?aal=aal2").await;
    script.submit(&flow, json!({"method": "code", "address": PHONE})).await.expect(400);
    let code = world.server.code_for(PHONE).await;
    let remove = json!([{"op": "remove", "path": "/traits/phone"}]);
    world.admin(Method::PATCH, &format!("/admin/identities/{id}"), remove).await;
    assert_eq!(message_ids(&script.submit(&flow, entering(PHONE, &code)).await.expect(400)), [WRONG]);
}

async fn one_code_entered_sixteen_times_steps_up_once(backend: Backend) {
    let many = json!({"selfservice": {"methods": {"code": {"config": {"max_submissions": 100}}}}});
    let world = two_factors(backend, many).await;
    let native = world.native();
    let flow = native_flow(&native, "login").await;
    let token = native.submit(&flow, password(EMAIL)).await.expect(200)["session_token"].clone();
    let native = native.sending("x-session-token", token.as_str().expect("a token"));
    let flow = native.get("/self-service/login/api?aal=aal2").await.expect(200);
    let code = world.server.code_for(EMAIL).await;
    let tries = (0..16).map(|_| native.submit(&flow, entering(EMAIL, &code)));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let session: Value = native.get("/sessions/whoami").await.expect(200);
    assert_eq!(methods(&session).len(), 2);
}

async fn a_second_factor_that_no_login_can_ask_for_locks_nobody_out(backend: Backend) {
    let key = json!({"id": "AQIDBA==", "public_key": "pQECAyYgASFYIA", "is_passwordless": false});
    let credentials = json!({
        "password": {"config": {"password": PASSWORD}},
        "totp": {"config": {"totp_url": "otpauth://totp/x:ada?secret=JBSWY3DPEHPK3PXP&issuer=x"}},
        "lookup_secret": {"config": {"codes": [{"code": "abcd1234"}]}},
        "webauthn": {"config": {"credentials": [key], "user_handle": "AQID"}},
    });
    // Codes are a second factor, but nobody can be sent one here.
    for codes in [false, true] {
        let methods = json!({"code": {"mfa_enabled": codes}});
        let world = World::with(backend, json!({"identity": {"selfservice": {"methods": methods}}})).await;
        let body = json!({"traits": {"email": EMAIL}, "credentials": credentials});
        let id = world.admin(Method::POST, "/admin/identities", body).await["id"].clone();
        let script = world.script();
        let flow = script.begin("login", "").await;
        script.submit(&flow, password(EMAIL)).await.expect(200);
        let session = script.get("/sessions/whoami").await.expect(200);
        assert_eq!((&session["identity"]["id"], &session["authenticator_assurance_level"]), (&id, &json!("aal1")));
        script.begin("settings", "").await;
    }
}

async fn two_hundred_guesses_at_once_are_no_more_than_the_flow_allows(backend: Backend) {
    // The door would stop them earlier; here only the flow does.
    let identity = settings("mfa_enabled", json!({}));
    let world = World::with(backend, json!({"limits": {"failed_attempts": 0}, "identity": identity})).await;
    person(&world, json!({"email": EMAIL})).await;
    let script = world.script();
    first_factor(&script, EMAIL).await;
    let flow = script.begin("login", "?aal=aal2").await;
    let code = world.server.code_for(EMAIL).await;
    let guesses = (0..200).map(|guess| {
        let guess = format!("{guess:06}");
        let guess = if guess == code { "999999".to_owned() } else { guess };
        script.submit(&flow, entering(EMAIL, &guess))
    });
    let told: Vec<_> = join_all(guesses).await.into_iter().map(|answer| message_ids(&answer.expect(400))).collect();
    assert_eq!(told.iter().filter(|told| **told == [WRONG]).count(), 5);
    script.submit(&flow, entering(EMAIL, &code)).await.expect(400);
    assert_eq!(script.get("/sessions/whoami").await.error_id(403), "session_aal2_required");
}
