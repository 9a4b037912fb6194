//! Signing in, as the three kinds of clients do.

use std::time::Duration;

use orrery_persistence::Statements;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::{Client, action, csrf_token};
use super::code_world::two_factors;
use super::world::{World, message_ids, node};

on_both_databases!(
    a_navigating_browser_signs_in,
    a_script_signs_in,
    a_native_app_signs_in,
    accept_decides_between_page_and_json,
    whoever_is_signed_in_need_not_sign_in,
    a_refresh_renews_the_same_session,
    a_refresh_as_somebody_else_is_a_new_session,
    without_a_session_refresh_is_an_ordinary_login,
    a_second_factor_needs_a_first,
    an_expired_flow_names_its_successor,
    an_expired_form_leads_to_the_fresh_page,
    a_flow_signs_in_once,
    missing_fields_and_unknown_methods_are_named,
    a_disabled_account_is_told_so_only_with_the_right_password,
    an_unproven_address_is_proven_first_when_a_hook_demands_it,
    other_sessions_end_when_a_hook_demands_it,
    an_old_hash_is_replaced_by_the_way,
    the_transient_payload_stays_in_the_flow,
    old_clients_read_the_same_flow_without_what_they_do_not_know,
    a_login_costs_three_calls_and_one_commit,
    a_policy_that_nobody_can_meet_yet_still_signs_in,
    a_flow_can_be_submitted_where_its_form_says,
    a_submit_with_a_session_has_nothing_to_do,
    a_policy_that_demands_more_sends_the_browser_on,
    a_link_to_a_submit_shows_the_page_again,
);

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

fn password(identifier: &str, password: &str) -> Value {
    json!({"method": "password", "identifier": identifier, "password": password})
}

fn after_login(hook: &str) -> Value {
    json!({"login": {"after": {"hooks": [{"hook": hook}]}}})
}

/// Signs a browser in with its script.
async fn sign_in(client: &Client<'_>, query: &str) -> Value {
    let flow = client.begin("login", query).await;
    client.accepting("application/json").submit(&flow, password(EMAIL, PASSWORD)).await.expect(200)
}

async fn a_navigating_browser_signs_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let browser = world.browser();
    let page = browser.get("/self-service/login/browser?return_to=https://app.example/home").await.location(303);
    let id = page.strip_prefix("https://id.example/ui/login?flow=").expect("the login page").to_owned();
    let flow = browser.get(&format!("/self-service/login/flows?id={id}")).await.expect(200);
    assert_eq!(flow["return_to"], "https://app.example/home");
    let wrong = browser.submit_form(&flow, &[("method", "password"), ("identifier", EMAIL), ("password", "no")]).await;
    assert_eq!(wrong.location(303), page);
    let shown = browser.get(&format!("/self-service/login/flows?id={id}")).await.expect(200);
    assert_eq!(message_ids(&shown), [4_000_006]);
    assert_eq!(node(&shown, "identifier")["attributes"]["value"], EMAIL);
    assert!(node(&shown, "password")["attributes"].get("value").is_none());
    let fields = [("method", "password"), ("identifier", "ADA@example.org "), ("password", PASSWORD)];
    assert_eq!(browser.submit_form(&shown, &fields).await.location(303), "https://app.example/home");
    let session = browser.get("/sessions/whoami").await.expect(200);
    assert_eq!(session["identity"]["traits"]["email"], EMAIL);
    assert_eq!(session["authentication_methods"][0]["method"], "password");
}

async fn a_script_signs_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let flow = script.get("/self-service/login/browser").await.expect(200);
    let refused = script.submit(&flow, password(EMAIL, "wrong")).await.expect(400);
    assert_eq!((message_ids(&refused), &refused["active"]), (vec![4_000_006], &json!("password")));
    let done = script.submit(&refused, password(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(done["session"]["identity"]["traits"]["email"], EMAIL);
    assert!(done.get("session_token").is_none(), "a script never sees the token");
    assert_eq!(
        done["continue_with"],
        json!([{"action": "redirect_browser_to", "redirect_browser_to": "https://app.example/"}])
    );
    script.get("/sessions/whoami").await.expect(200);
}

async fn a_native_app_signs_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    assert_eq!((&flow["type"], csrf_token(&flow).as_str()), (&json!("api"), ""));
    let done = native.submit(&flow, json!({"method": "password", "password_identifier": EMAIL, "password": PASSWORD}));
    let done = done.await.expect(200);
    assert!(done["session_token"].as_str().is_some_and(|token| token.starts_with("ory_st_")));
    assert_eq!(done["continue_with"], Value::Null);
    assert!(done.as_object().expect("an object").contains_key("continue_with"));
    assert!(native.jar.borrow().is_empty(), "native apps get no cookies");
}

async fn accept_decides_between_page_and_json(backend: Backend) {
    let world = World::new(backend).await;
    for (accept, status) in [("*/*", 303), ("text/html", 303), ("application/json", 200)] {
        let client = world.browser().accepting(accept);
        let answer = client.get("/self-service/login/browser").await;
        assert_eq!(answer.status, status, "{accept}");
        assert!(client.jar.borrow().keys().any(|name| name.starts_with("csrf_token_")), "{accept}");
    }
    assert_eq!(world.native().get("/self-service/login/browser").await.status, 303);
}

async fn whoever_is_signed_in_need_not_sign_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let browser = world.browser();
    sign_in(&browser, "").await;
    assert_eq!(browser.get("/self-service/login/browser").await.location(303), "https://app.example/");
    let script = browser.accepting("application/json");
    assert_eq!(script.get("/self-service/login/browser").await.error_id(400), "session_already_available");
    let flow = world.native().get("/self-service/login/api").await.expect(200);
    let done = world.native().submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
    let token = done["session_token"].as_str().expect("a token");
    let again = world.native().sending("x-session-token", token).get("/self-service/login/api").await;
    assert_eq!(again.error_id(400), "session_already_available");
}

async fn a_refresh_renews_the_same_session(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let first = sign_in(&script, "").await;
    world.advance(Duration::from_secs(600));
    let flow = script.begin("login", "?refresh=true").await;
    assert_eq!((message_ids(&flow), &flow["refresh"]), (vec![1_010_003], &json!(true)));
    let identifier = &node(&flow, "identifier")["attributes"];
    assert_eq!((&identifier["type"], &identifier["value"]), (&json!("hidden"), &json!(EMAIL)));
    let second = script.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(first["session"]["id"], second["session"]["id"]);
    assert_ne!(first["session"]["authenticated_at"], second["session"]["authenticated_at"]);
    assert_ne!(first["session"]["expires_at"], second["session"]["expires_at"]);
    let now = script.get("/sessions/whoami").await.expect(200);
    assert_eq!(now["authentication_methods"].as_array().map(Vec::len), Some(2));
}

async fn a_refresh_as_somebody_else_is_a_new_session(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    world.register("bob@example.org", PASSWORD).await;
    let script = world.script();
    let ada = sign_in(&script, "").await;
    let flow = script.begin("login", "?refresh=true").await;
    let bob = script.submit(&flow, password("bob@example.org", PASSWORD)).await.expect(200);
    assert_ne!(ada["session"]["id"], bob["session"]["id"]);
    assert_eq!(bob["session"]["identity"]["traits"]["email"], "bob@example.org");
}

async fn without_a_session_refresh_is_an_ordinary_login(backend: Backend) {
    let world = World::new(backend).await;
    let flow = world.script().get("/self-service/login/browser?refresh=true").await.expect(200);
    assert_eq!((&flow["refresh"], message_ids(&flow)), (&json!(false), vec![]));
}

async fn a_second_factor_needs_a_first(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let refused = script.get("/self-service/login/browser?aal=aal2").await;
    assert_eq!(refused.error_id(401), "session_aal1_required");
    script.get("/self-service/login/browser?aal=aal3").await.expect(400);
    sign_in(&script, "").await;
    let flow = script.get("/self-service/login/browser?aal=aal2").await.expect(200);
    assert_eq!((message_ids(&flow), &flow["requested_aal"]), (vec![1_010_004], &json!("aal2")));
    assert_eq!(node(&flow, "password"), &Value::Null);
    let refused = script.submit(&flow, password(EMAIL, PASSWORD)).await.expect(400);
    assert_eq!(message_ids(&refused), [4_010_002]);
}

async fn an_expired_flow_names_its_successor(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let old = script.get("/self-service/login/browser?return_to=https://app.example/x").await.expect(200);
    world.advance(Duration::from_secs(3601));
    let path = format!("/self-service/login/flows?id={}", old["id"].as_str().expect("an id"));
    let gone = script.get(&path).await.expect(410);
    assert_eq!(gone["error"]["id"], "self_service_flow_expired");
    assert_eq!(gone["error"]["details"]["return_to"], "https://app.example/x");
    let gone = script.submit(&old, password(EMAIL, PASSWORD)).await.expect(410);
    assert_eq!(
        (&gone["error"]["id"], &gone["since"]),
        (&json!("self_service_flow_expired"), &json!(1_000_000_000_u64))
    );
    let fresh = format!("/self-service/login/flows?id={}", gone["use_flow_id"].as_str().expect("an id"));
    let fresh = script.get(&fresh).await.expect(200);
    assert_eq!((message_ids(&fresh), &fresh["return_to"]), (vec![4_010_001], &json!("https://app.example/x")));
    script.submit(&fresh, password(EMAIL, PASSWORD)).await.expect(200);
}

async fn an_expired_form_leads_to_the_fresh_page(backend: Backend) {
    let world = World::new(backend).await;
    let browser = world.browser();
    let old = browser.begin("login", "").await;
    world.advance(Duration::from_secs(3601));
    let fields = [("method", "password"), ("identifier", EMAIL), ("password", PASSWORD)];
    let page = browser.submit_form(&old, &fields).await.location(303);
    assert!(page.starts_with("https://id.example/ui/login?flow="), "{page}");
    assert!(!page.contains(old["id"].as_str().expect("an id")));
}

async fn a_flow_signs_in_once(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
    let again = native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(400);
    assert_eq!(message_ids(&again), [4_010_007]);
}

async fn missing_fields_and_unknown_methods_are_named(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let refused = native.submit(&flow, json!({"method": "password"})).await.expect(400);
    assert_eq!(node(&refused, "identifier")["messages"][0]["context"]["property"], "identifier");
    assert_eq!(node(&refused, "password")["messages"][0]["id"], 4_000_002);
    for body in [json!({"password": "x"}), json!({"method": "magic"}), json!({"method": 7})] {
        let refused = native.submit(&flow, body).await.expect(400);
        assert_eq!(message_ids(&refused), [4_010_002]);
    }
    for body in [json!({"method": "totp"}), json!({"method": "code"}), json!({"provider": "google"})] {
        native.submit(&flow, body).await.expect(404);
    }
    world.reconfigure(json!({"selfservice": {"methods": {"password": {"enabled": false}}}})).await;
    native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(404);
}

async fn a_disabled_account_is_told_so_only_with_the_right_password(backend: Backend) {
    let world = World::new(backend).await;
    let id = world.register(EMAIL, PASSWORD).await;
    let patch = json!([{"op": "replace", "path": "/state", "value": "inactive"}]);
    world.admin(reqwest::Method::PATCH, &format!("/admin/identities/{id}"), patch).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let wrong = native.submit(&flow, password(EMAIL, "wrong")).await.expect(400);
    assert_eq!(message_ids(&wrong), [4_000_006]);
    let right = native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(400);
    assert_eq!(message_ids(&right), [4_010_011]);
}

async fn an_unproven_address_is_proven_first_when_a_hook_demands_it(backend: Backend) {
    let world = World::with_flows(backend, after_login("require_verified_address")).await;
    world.register(EMAIL, PASSWORD).await;
    let sent = world.mails().await;
    let script = world.script();
    let flow = script.get("/self-service/login/browser").await.expect(200);
    let refused = script.submit(&flow, password(EMAIL, PASSWORD)).await.expect(403);
    assert_eq!(refused["error"]["id"], "session_verified_address_required");
    let step = &refused["error"]["details"]["continue_with"][0];
    assert_eq!((&step["action"], &step["flow"]["verifiable_address"]), (&json!("show_verification_ui"), &json!(EMAIL)));
    let id = step["flow"]["id"].as_str().expect("an id");
    assert_eq!(step["flow"]["url"], format!("https://id.example/ui/verification?flow={id}"));
    script.get(&format!("/self-service/verification/flows?id={id}")).await.expect(200);
    assert_eq!(world.mails().await, sent + 1);
    script.get("/sessions/whoami").await.expect(401);
    let browser = world.browser();
    let flow = browser.begin("login", "").await;
    let fields = [("method", "password"), ("identifier", EMAIL), ("password", PASSWORD)];
    let page = browser.submit_form(&flow, &fields).await.location(303);
    assert!(page.starts_with("https://id.example/ui/verification?flow="), "{page}");
}

async fn other_sessions_end_when_a_hook_demands_it(backend: Backend) {
    let world = World::with_flows(backend, after_login("revoke_active_sessions")).await;
    world.register(EMAIL, PASSWORD).await;
    let (first, second) = (world.script(), world.script());
    sign_in(&first, "").await;
    sign_in(&second, "").await;
    first.get("/sessions/whoami").await.expect(401);
    second.get("/sessions/whoami").await.expect(200);
}

async fn an_old_hash_is_replaced_by_the_way(backend: Backend) {
    let world = World::new(backend).await;
    let id = world.register(EMAIL, PASSWORD).await;
    world.reconfigure(json!({"hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}}})).await;
    sign_in(&world.script(), "").await;
    let path = format!("/admin/identities/{id}?include_credential=password");
    let identity = world.admin(reqwest::Method::GET, &path, json!({})).await;
    let hash = &identity["credentials"]["password"]["config"]["hashed_password"];
    assert!(hash.as_str().is_some_and(|hash| hash.starts_with("$2")), "{hash}");
    sign_in(&world.script(), "").await;
}

async fn the_transient_payload_stays_in_the_flow(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let mut body = password(EMAIL, "wrong");
    body["transient_payload"] = json!({"consent": true});
    assert_eq!(native.submit(&flow, body).await.expect(400)["transient_payload"], json!({"consent": true}));
}

async fn old_clients_read_the_same_flow_without_what_they_do_not_know(backend: Backend) {
    let world = World::new(backend).await;
    let old_client = world.native().sending("user-agent", "OpenAPI-Generator/1.0.0/go");
    // Judged by the contract of its generation, as every answer is.
    let flow = old_client.get("/self-service/login/api").await.expect(200);
    old_client.submit(&flow, password(EMAIL, PASSWORD)).await.expect(400);
}

async fn a_login_costs_three_calls_and_one_commit(backend: Backend) {
    let world = World::quiet(backend, json!([])).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let (mut begun, mut done) = (Vec::new(), Vec::new());
    // The server itself cleans up now and then: the quietest of a few runs counts.
    for _ in 0..5 {
        let before = world.statements();
        let flow = native.get("/self-service/login/api").await.expect(200);
        let between = world.statements();
        native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
        begun.push(between - before);
        done.push(world.statements() - between);
    }
    let quietest = |runs: &[Statements]| runs.iter().map(|run| (run.commits, run.reads)).min();
    assert_eq!(quietest(&begun), Some((1, 0)));
    assert_eq!(quietest(&done), Some((1, 2)));
}

async fn a_policy_that_nobody_can_meet_yet_still_signs_in(backend: Backend) {
    // The level that the identity can reach: a password alone makes aal1 the highest.
    let required = json!({"whoami": {"required_aal": "highest_available"}});
    let world = World::with(backend, json!({"identity": {"session": required}})).await;
    world.register(EMAIL, PASSWORD).await;
    let done = sign_in(&world.script(), "").await;
    assert_eq!(done["session"]["authenticator_assurance_level"], "aal1");
}

async fn a_flow_can_be_submitted_where_its_form_says(backend: Backend) {
    let world = World::new(backend).await;
    let flow = world.native().get("/self-service/login/api").await.expect(200);
    assert_eq!(action(&flow), format!("/self-service/login?flow={}", flow["id"].as_str().expect("an id")));
}

async fn a_submit_with_a_session_has_nothing_to_do(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let (first, second) = (
        native.get("/self-service/login/api").await.expect(200),
        native.get("/self-service/login/api").await.expect(200),
    );
    let done = native.submit(&first, password(EMAIL, PASSWORD)).await.expect(200);
    let signed_in = native.sending("x-session-token", done["session_token"].as_str().expect("a token"));
    let refused = signed_in.submit(&second, password(EMAIL, PASSWORD)).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_001]);
}

async fn a_policy_that_demands_more_sends_the_browser_on(backend: Backend) {
    let world = two_factors(backend, json!({})).await;
    let script = world.script();
    let flow = script.get("/self-service/login/browser?return_to=https://app.example/x").await.expect(200);
    let moved = script.submit(&flow, password(EMAIL, PASSWORD)).await.expect(422);
    let next = moved["redirect_browser_to"].as_str().expect("an address");
    assert!(next.ends_with("/self-service/login/browser?aal=aal2&return_to=https%3A%2F%2Fapp.example%2Fx"), "{next}");
    assert_eq!(script.get("/sessions/whoami").await.error_id(403), "session_aal2_required");
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let done = native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(done["session"]["identity"]["traits"], json!({}), "nothing is told before the second factor");
}

async fn a_link_to_a_submit_shows_the_page_again(backend: Backend) {
    let world = World::new(backend).await;
    let browser = world.browser();
    let flow = browser.begin("login", "").await;
    let page = browser.get(&action(&flow)).await.location(303);
    assert_eq!(page, format!("https://id.example/ui/login?flow={}", flow["id"].as_str().expect("an id")));
    let stranger = world.browser().get(&action(&flow)).await.location(303);
    assert!(stranger.starts_with("https://id.example/ui/error?id="), "{stranger}");
}
