//! Changing one's own account.

use std::time::Duration;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, action};
use super::code_world::{self, two_factors};
use super::world::{World, message_ids, node};

on_both_databases! {
    settings_need_a_session,
    a_script_changes_traits_and_is_told_what_is_next,
    a_form_changes_the_password_and_comes_back,
    a_native_app_changes_its_account,
    a_new_password_must_be_good_and_new,
    a_taken_address_is_refused_and_nothing_changes,
    a_new_address_loses_what_was_proven_and_gets_a_message,
    an_old_sign_in_may_change_a_name_but_no_way_in,
    a_form_waits_while_its_sender_signs_in_again,
    a_parked_form_is_worth_nothing_without_signing_in_again,
    nobody_reads_or_submits_the_flow_of_somebody_else,
    a_forged_form_changes_nothing,
    a_late_submit_is_told_so_and_finds_a_fresh_flow,
    the_operator_can_end_other_sessions_after_a_change,
    two_factors_are_asked_of_whoever_has_two,
    changes_at_the_same_time_never_mix,
    old_clients_read_settings,
    what_is_missing_or_off_is_said,
    the_operator_can_keep_people_from_changing_their_traits,
}

pub(super) const PASSWORD: &str = "correct horse battery staple";
const NEW: &str = "another horse, another staple";
const HOUR: Duration = Duration::from_secs(3600);

const SAVED: u64 = 1_050_001;

/// Somebody who is signed in as a page's script would be.
pub(super) async fn signed_in<'w>(world: &'w World, email: &str) -> Client<'w> {
    let script = world.script();
    let flow = script.begin("login", "").await;
    let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
    script.submit(&flow, body).await.expect(200);
    script
}

async fn password_works(world: &World, email: &str, password: &str) -> bool {
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": email, "password": password});
    native.submit(&flow, body).await.status == 200
}

async fn identity(world: &World, id: &str) -> Value {
    world.admin(Method::GET, &format!("/admin/identities/{id}"), json!({})).await
}

async fn settings_need_a_session(backend: Backend) {
    let world = World::new(backend).await;
    for path in ["/self-service/settings/browser", "/self-service/settings/api"] {
        assert_eq!(world.script().get(path).await.error_id(401), "session_inactive");
    }
    let to = world.browser().get("/self-service/settings/browser?return_to=https://app.example/x").await.location(303);
    assert!(to.contains("/self-service/login/browser?return_to="), "{to}");
    assert!(to.contains("self-service%2Fsettings%2Fbrowser%3Freturn_to"), "and back, with everything asked: {to}");
    let to = world.browser().get("/.well-known/change-password").await.location(303);
    assert!(to.ends_with("/ui/settings"), "{to}");
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let read = format!("/self-service/settings/flows?id={}", flow["id"].as_str().expect("an id"));
    assert_eq!(world.script().get(&read).await.error_id(401), "session_inactive");
    assert_eq!(world.browser().get(&read).await.location(302), "https://id.example/ui/login");
    let login = world.native().get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let token = world.native().submit(&login, body).await.expect(200)["session_token"].clone();
    let app = world.native().sending("x-session-token", token.as_str().expect("a token"));
    let of_app = app.get("/self-service/settings/api").await.expect(200);
    let of_app = format!("/self-service/settings/flows?id={}", of_app["id"].as_str().expect("an id"));
    assert_eq!(world.browser().get(&of_app).await.error_id(401), "session_inactive", "an app has no such page");
    let stranger = world.script();
    stranger.jar.borrow_mut().clone_from(&ada.jar.borrow());
    stranger.jar.borrow_mut().remove("ory_kratos_session");
    let body = json!({"method": "profile", "traits": {"email": "ada@example.org", "name": "Ada"}});
    assert_eq!(stranger.submit(&flow, body).await.error_id(401), "session_inactive");
}

async fn a_script_changes_traits_and_is_told_what_is_next(backend: Backend) {
    let world = World::new(backend).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "?return_to=https://app.example/done").await;
    assert_eq!((&flow["state"], &flow["identity"]["id"]), (&json!("show_form"), &json!(id)));
    assert_eq!(node(&flow, "traits.email")["attributes"]["value"], "ada@example.org");
    let body = json!({"method": "profile", "traits.email": "ada@example.org", "traits": {"name": "Ada"}});
    let done = ada.submit(&flow, body).await.expect(200);
    assert_eq!((&done["state"], message_ids(&done)), (&json!("success"), vec![SAVED]));
    assert_eq!(done["identity"]["traits"]["name"], "Ada");
    assert_eq!(
        done["continue_with"],
        json!([{"action": "redirect_browser_to", "redirect_browser_to": "https://app.example/done"}])
    );
    assert_eq!(identity(&world, &id).await["traits"], json!({"email": "ada@example.org", "name": "Ada"}));
    // The same flow goes on; what is left out is gone.
    let again =
        ada.submit(&flow, json!({"method": "profile", "traits": {"email": "ada@example.org"}})).await.expect(200);
    assert_eq!(again["identity"]["traits"], json!({"email": "ada@example.org"}));
    let wrong = ada.submit(&flow, json!({"method": "profile", "traits": {"name": "A"}})).await.expect(400);
    assert_eq!(wrong["state"], "show_form");
    assert_eq!(message_ids(&wrong).len(), 2, "{wrong}");
    assert_eq!(node(&wrong, "traits.name")["attributes"]["value"], "A", "shown again");
}

async fn a_form_changes_the_password_and_comes_back(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let browser = ada.accepting("text/html");
    let flow = ada.begin("settings", "").await;
    let to = browser.submit_form(&flow, &[("method", "password"), ("password", "short")]).await.location(303);
    assert!(to.contains("/ui/settings?flow="), "{to}");
    let to = browser.submit_form(&flow, &[("method", "password"), ("password", NEW)]).await.location(303);
    assert!(to.contains("/ui/settings?flow="), "its own page, where nothing else is configured: {to}");
    let read = format!("/self-service/settings/flows?id={}", flow["id"].as_str().expect("an id"));
    let shown = ada.get(&read).await.expect(200);
    assert_eq!((&shown["state"], message_ids(&shown)), (&json!("success"), vec![SAVED]));
    assert!(password_works(&world, "ada@example.org", NEW).await);
    assert!(!password_works(&world, "ada@example.org", PASSWORD).await);
    assert!(ada.get("/sessions/whoami").await.status == 200, "still signed in");
}

async fn a_native_app_changes_its_account(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let native = world.native();
    let login = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let done = native.submit(&login, body).await.expect(200);
    let native = native.sending("x-session-token", done["session_token"].as_str().expect("a token"));
    let flow = native.get("/self-service/settings/api").await.expect(200);
    let saved = native.submit(&flow, json!({"method": "password", "password": NEW})).await;
    assert!(saved.headers.get("set-cookie").is_none());
    let saved = saved.expect(200);
    assert_eq!((&saved["state"], saved.get("continue_with")), (&json!("success"), None));
    assert!(password_works(&world, "ada@example.org", NEW).await);
}

async fn a_new_password_must_be_good_and_new(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    for (password, told) in
        [("short", 4_000_032), ("ada@example.org", 4_000_031), (PASSWORD, 4_000_039), ("", 4_000_002)]
    {
        let refused = ada.submit(&flow, json!({"method": "password", "password": password})).await.expect(400);
        assert_eq!(message_ids(&refused), [told], "{password}");
        assert!(node(&refused, "password")["attributes"].get("value").is_none(), "a password is never shown");
    }
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
}

async fn a_taken_address_is_refused_and_nothing_changes(backend: Backend) {
    let world = World::new(backend).await;
    world.register("bob@example.org", PASSWORD).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let body = json!({"method": "profile", "traits": {"email": "bob@example.org"}});
    let refused = ada.submit(&flow, body).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_007]);
    assert_eq!(identity(&world, &id).await["traits"]["email"], "ada@example.org");
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
}

async fn a_new_address_loses_what_was_proven_and_gets_a_message(backend: Backend) {
    let flows = json!({"settings": {"after": {"profile": {"hooks": [{"hook": "show_verification_ui"}]}}}});
    let world = World::with_flows(backend, flows).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let body = json!({"method": "profile", "traits": {"email": "lovelace@example.org"}});
    let done = ada.submit(&flow, body).await.expect(200);
    let next = &done["continue_with"][1];
    assert_eq!(
        (&next["action"], &next["flow"]["verifiable_address"]),
        (&json!("show_verification_ui"), &json!("lovelace@example.org"))
    );
    let address = identity(&world, &id).await["verifiable_addresses"][0].clone();
    assert_eq!((&address["value"], &address["status"]), (&json!("lovelace@example.org"), &json!("sent")));
    // The code of the message proves it, in the same browser.
    let code = world.server.code_for("lovelace@example.org").await;
    let read = format!("/self-service/verification/flows?id={}", next["flow"]["id"].as_str().expect("an id"));
    let verification = ada.get(&read).await.expect(200);
    let passed = ada.submit(&verification, json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(passed["state"], "passed_challenge");
    assert_eq!(identity(&world, &id).await["verifiable_addresses"][0]["verified"], true);
    assert!(password_works(&world, "lovelace@example.org", PASSWORD).await);
    assert!(!password_works(&world, "ada@example.org", PASSWORD).await);
}

async fn an_old_sign_in_may_change_a_name_but_no_way_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    world.advance(2 * HOUR);
    let flow = ada.begin("settings", "").await;
    let name = json!({"method": "profile", "traits": {"email": "ada@example.org", "name": "Ada"}});
    ada.submit(&flow, name).await.expect(200);
    for body in [
        json!({"method": "password", "password": NEW}),
        json!({"method": "profile", "traits": {"email": "new@example.org"}}),
    ] {
        let refused = ada.submit(&flow, body).await;
        assert!(!refused.headers.contains_key("set-cookie"), "scripts repeat their request themselves");
        let refused = refused.expect(403);
        assert_eq!(refused["error"]["id"], "session_refresh_required");
        let to = refused["redirect_browser_to"].as_str().expect("where to");
        assert!(to.contains("/self-service/login/browser?refresh=true&return_to="), "{to}");
    }
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
}

async fn a_form_waits_while_its_sender_signs_in_again(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let browser = ada.accepting("text/html");
    world.advance(2 * HOUR);
    let flow = ada.begin("settings", "").await;
    let login = browser.submit_form(&flow, &[("method", "password"), ("password", NEW)]).await.location(303);
    assert!(!ada.jar.borrow()["ory_kratos_continuity"].contains(NEW), "sealed");
    let query = login.split_once('?').expect("a query").1.to_owned();
    let login = ada.begin("login", &format!("?{query}")).await;
    assert_eq!(login["refresh"], true);
    let fields = [("method", "password"), ("identifier", "ada@example.org"), ("password", PASSWORD)];
    let back = browser.submit_form(&login, &fields).await.location(303);
    assert!(back.contains("/self-service/settings?flow="), "{back}");
    let path = action(&flow);
    assert!(back.ends_with(&path), "{back} and {path}");
    assert!(browser.get(&path).await.location(303).contains("/ui/settings?flow="));
    assert!(password_works(&world, "ada@example.org", NEW).await);
    assert!(ada.jar.borrow()["ory_kratos_continuity"].is_empty(), "it waits no longer");
}

async fn a_parked_form_is_worth_nothing_without_signing_in_again(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    world.register("eve@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let browser = ada.accepting("text/html");
    world.advance(2 * HOUR);
    let flow = ada.begin("settings", "").await;
    browser.submit_form(&flow, &[("method", "password"), ("password", NEW)]).await.location(303);
    assert!(browser.get(&action(&flow)).await.location(303).contains("refresh=true"), "not signed in again");
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
    // Somebody else's browser has another session.
    let eve = signed_in(&world, "eve@example.org").await;
    let parked = ada.jar.borrow()["ory_kratos_continuity"].clone();
    eve.jar.borrow_mut().insert("ory_kratos_continuity".to_owned(), parked);
    eve.accepting("text/html").get(&action(&flow)).await.location(303);
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
    assert!(password_works(&world, "eve@example.org", PASSWORD).await);
}

async fn nobody_reads_or_submits_the_flow_of_somebody_else(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    world.register("eve@example.org", PASSWORD).await;
    let (ada, eve) = (signed_in(&world, "ada@example.org").await, signed_in(&world, "eve@example.org").await);
    let flow = ada.begin("settings", "").await;
    let read = format!("/self-service/settings/flows?id={}", flow["id"].as_str().expect("an id"));
    assert_eq!(eve.get(&read).await.error_id(403), "security_identity_mismatch");
    let refused = eve.submit(&flow, json!({"method": "password", "password": NEW})).await;
    assert_eq!(refused.error_id(403), "security_csrf_violation");
    // Even with the anti-CSRF cookie of her browser.
    let csrf: Vec<_> = ada
        .jar
        .borrow()
        .iter()
        .filter(|(name, _)| name.starts_with("csrf_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    eve.jar.borrow_mut().extend(csrf);
    let refused = eve.submit(&flow, json!({"method": "password", "password": NEW})).await;
    assert_eq!(refused.error_id(403), "security_identity_mismatch");
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
    assert!(password_works(&world, "eve@example.org", PASSWORD).await);
    // An app's token does not open it either.
    let unknown = "/self-service/settings/flows?id=6fa459ea-ee8a-4ca4-894e-db77e160355e";
    assert_eq!(ada.get(unknown).await.status, 404);
}

async fn a_forged_form_changes_nothing(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    for token in ["", "AAAA"] {
        let body = json!({"method": "password", "password": NEW, "csrf_token": token});
        assert_eq!(ada.submit(&flow, body).await.error_id(403), "security_csrf_violation");
    }
    // A link cannot change anything.
    let path = format!("{}&method=password&password={}", action(&flow), "another-horse-another-staple");
    ada.accepting("text/html").get(&path).await.location(303);
    assert!(password_works(&world, "ada@example.org", PASSWORD).await);
}

async fn a_late_submit_is_told_so_and_finds_a_fresh_flow(backend: Backend) {
    let world = World::with_flows(backend, json!({"settings": {"privileged_session_max_age": "20h"}})).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    world.advance(HOUR);
    let read = format!("/self-service/settings/flows?id={}", flow["id"].as_str().expect("an id"));
    assert_eq!(ada.get(&read).await.error_id(410), "self_service_flow_expired");
    let late = ada.submit(&flow, json!({"method": "password", "password": NEW})).await.expect(410);
    let fresh = format!("/self-service/settings/flows?id={}", late["use_flow_id"].as_str().expect("a flow"));
    let fresh = ada.get(&fresh).await.expect(200);
    assert_eq!((message_ids(&fresh), &fresh["state"]), (vec![4_050_001], &json!("show_form")));
    ada.submit(&fresh, json!({"method": "password", "password": NEW})).await.expect(200);
    assert!(password_works(&world, "ada@example.org", NEW).await);
}

async fn the_operator_can_end_other_sessions_after_a_change(backend: Backend) {
    let hooks = json!({"password": {"hooks": [{"hook": "revoke_active_sessions"}]}});
    let world = World::with_flows(backend, json!({"settings": {"after": hooks}})).await;
    world.register("ada@example.org", PASSWORD).await;
    let (here, there) = (signed_in(&world, "ada@example.org").await, signed_in(&world, "ada@example.org").await);
    let flow = here.begin("settings", "").await;
    let name = json!({"method": "profile", "traits": {"email": "ada@example.org", "name": "Ada"}});
    here.submit(&flow, name).await.expect(200);
    assert_eq!(there.get("/sessions/whoami").await.status, 200, "only after a new password");
    here.submit(&flow, json!({"method": "password", "password": NEW})).await.expect(200);
    assert_eq!(there.get("/sessions/whoami").await.status, 401);
    assert_eq!(here.get("/sessions/whoami").await.status, 200);
}

async fn two_factors_are_asked_of_whoever_has_two(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let native = world.native();
    let login = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let token = native.submit(&login, body).await.expect(200)["session_token"].clone();
    let native = native.sending("x-session-token", token.as_str().expect("a token"));
    let refused = native.get("/self-service/settings/api").await.expect(403);
    assert_eq!(refused["error"]["id"], "session_aal2_required");
    let to = refused["redirect_browser_to"].as_str().expect("where to");
    assert!(to.contains("aal=aal2"), "{to}");
    let one = json!({"selfservice": {"flows": {"settings": {"required_aal": "aal1"}}}});
    world.reconfigure(code_world::settings("mfa_enabled", one)).await;
    native.get("/self-service/settings/api").await.expect(200);
}

async fn changes_at_the_same_time_never_mix(backend: Backend) {
    let world = World::new(backend).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let bodies: Vec<_> = (0..16)
        .map(|number| match number % 2 {
            0 => json!({"method": "password", "password": format!("{NEW} {number}")}),
            _ => json!({"method": "profile", "traits": {"email": "ada@example.org", "name": format!("Ada {number}")}}),
        })
        .collect();
    let answers = futures_util::future::join_all(bodies.iter().map(|body| ada.submit(&flow, body.clone()))).await;
    let saved: Vec<_> =
        answers.iter().zip(&bodies).filter(|(answer, _)| answer.status == 200).map(|(_, body)| body).collect();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 400)), "{answers:?}");
    assert!(!saved.is_empty());
    let name = identity(&world, &id).await["traits"]["name"].clone();
    let names = saved.iter().filter_map(|body| body["traits"].get("name"));
    assert!(names.clone().count() == 0 || names.clone().any(|saved| *saved == name), "{name}");
    let mut working = 0;
    for body in saved.iter().filter(|body| body["method"] == "password") {
        working +=
            usize::from(password_works(&world, "ada@example.org", body["password"].as_str().expect("text")).await);
    }
    let changed = saved.iter().any(|body| body["method"] == "password");
    assert_eq!(working, usize::from(changed), "one of the passwords is the account's, and only one");
}

async fn old_clients_read_settings(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let native = world.native();
    let login = native.get("/self-service/login/api").await.expect(200);
    let body = json!({"method": "password", "identifier": "ada@example.org", "password": PASSWORD});
    let token = native.submit(&login, body).await.expect(200)["session_token"].clone();
    let old = native.sending("authorization", &format!("Bearer {}", token.as_str().expect("a token")));
    let flow = old.get("/self-service/settings/api").await.expect(200);
    let saved =
        old.submit(&flow, json!({"method": "profile", "traits": {"email": "ada@example.org"}})).await.expect(200);
    assert_eq!(saved["state"], "success");
}

async fn what_is_missing_or_off_is_said(backend: Backend) {
    let world = World::new(backend).await;
    world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let told = |answer: Value| message_ids(&answer);
    assert_eq!(told(ada.submit(&flow, json!({})).await.expect(400)), [4_010_004]);
    assert_eq!(told(ada.submit(&flow, json!({"method": "profile"})).await.expect(400)), [4_000_002]);
    assert_eq!(told(ada.submit(&flow, json!({"method": "profile", "traits": "x"})).await.expect(400)), [4_000_001]);
    assert_eq!(ada.submit(&flow, json!({"method": "totp"})).await.status, 404);
}

async fn the_operator_can_keep_people_from_changing_their_traits(backend: Backend) {
    let off = json!({"selfservice": {"methods": {"profile": {"enabled": false}}}});
    let world = World::with(backend, json!({"identity": off})).await;
    let id = world.register("ada@example.org", PASSWORD).await;
    let ada = signed_in(&world, "ada@example.org").await;
    let flow = ada.begin("settings", "").await;
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    assert!(nodes.iter().all(|node| node["group"] != "profile") && !nodes.is_empty());
    let traits = json!({"email": "ada@example.org", "name": "Ada"});
    assert_eq!(ada.submit(&flow, json!({"method": "profile", "traits": traits})).await.status, 404);
    let fields = [("method", "profile"), ("traits.email", "ada@example.org"), ("traits.name", "Ada")];
    let to = ada.accepting("text/html").submit_form(&flow, &fields).await.location(303);
    assert!(to.contains("/ui/error?id="), "{to}");
    assert_eq!(identity(&world, &id).await["traits"], json!({"email": "ada@example.org"}));
    ada.submit(&flow, json!({"method": "password", "password": NEW})).await.expect(200);
}
