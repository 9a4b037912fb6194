//! What attackers try on a login.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::{action, csrf_token};
use super::world::{World, message_ids, node};

on_both_databases!(
    an_unknown_account_is_answered_as_a_wrong_password,
    a_locked_door_says_the_same_to_the_right_password_and_to_nobody,
    parallel_guesses_count_like_guesses_in_turn,
    a_forged_token_signs_nobody_in,
    a_forged_form_leads_to_the_error_page,
    another_browser_can_neither_read_nor_submit_a_flow,
    a_browser_cannot_be_made_to_use_a_native_flow,
    a_session_brings_a_fresh_anti_csrf_cookie,
    open_redirects_are_refused,
    unknown_and_malformed_flow_ids_are_not_flows,
    hostile_bodies_are_refused,
    the_last_of_repeated_form_keys_counts_and_types_do_not_matter,
    a_link_with_a_password_in_it_signs_nobody_in,
    markup_in_an_identifier_stays_text,
    many_flows_and_submits_from_one_address_are_slowed_down,
    the_sample_error_and_unknown_errors,
    nothing_large_is_kept_in_a_flow,
);

const EMAIL: &str = "ada@example.org";
const PASSWORD: &str = "correct horse battery staple";

fn password(identifier: &str, password: &str) -> Value {
    json!({"method": "password", "identifier": identifier, "password": password})
}

async fn an_unknown_account_is_answered_as_a_wrong_password(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let known = native.get("/self-service/login/api").await.expect(200);
    let unknown = native.get("/self-service/login/api").await.expect(200);
    let mut wrong = native.submit(&known, password(EMAIL, "wrong")).await.expect(400);
    let mut nobody = native.submit(&unknown, password("bob@example.org", "wrong")).await.expect(400);
    for flow in [&mut wrong, &mut nobody] {
        flow["id"] = Value::Null;
        flow["ui"]["action"] = Value::Null;
        flow["ui"]["nodes"][1]["attributes"]["value"] = Value::Null;
    }
    assert_eq!(wrong, nobody);
}

async fn a_locked_door_says_the_same_to_the_right_password_and_to_nobody(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    for identifier in [EMAIL, "nobody@example.org"] {
        let native = world.native();
        let flow = native.get("/self-service/login/api").await.expect(200);
        for _ in 0..5 {
            let wrong = native.submit(&flow, password(identifier, "wrong")).await.expect(400);
            assert_eq!(message_ids(&wrong), [4_000_006]);
        }
        // A fresh flow brings no fresh guesses, nor does another spelling.
        let flow = native.get("/self-service/login/api").await.expect(200);
        let locked = native.submit(&flow, password(&identifier.to_uppercase(), PASSWORD)).await.expect(400);
        assert_eq!(message_ids(&locked), [4_000_001]);
    }
    world.advance(Duration::from_secs(3601));
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    native.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
}

async fn parallel_guesses_count_like_guesses_in_turn(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let guesses = (0..20).map(|_| native.submit(&flow, password(EMAIL, "wrong")));
    let answers = join_all(guesses).await;
    let evaluated =
        answers.into_iter().filter(|answer| message_ids(answer.body.as_ref().expect("a flow")) == [4_000_006]);
    assert_eq!(evaluated.count(), 5);
}

async fn a_forged_token_signs_nobody_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let flow = script.get("/self-service/login/browser").await.expect(200);
    let stranger = world.script().get("/self-service/login/browser").await.expect(200);
    for token in [json!(""), json!("forged"), json!(csrf_token(&stranger)), json!(7), Value::Null] {
        let mut body = password(EMAIL, PASSWORD);
        body["csrf_token"] = token;
        let refused = script.post_json(&action(&flow), &body).await;
        assert_eq!(refused.error_id(403), "security_csrf_violation");
    }
    script.get("/sessions/whoami").await.expect(401);
}

async fn a_forged_form_leads_to_the_error_page(backend: Backend) {
    let world = World::new(backend).await;
    let browser = world.browser();
    let flow = browser.begin("login", "").await;
    let fields = [("method", "password"), ("identifier", EMAIL), ("password", PASSWORD), ("csrf_token", "forged")];
    let page = browser.post_form(&action(&flow), &fields).await.location(303);
    let id = page.strip_prefix("https://id.example/ui/error?id=").expect("the error page");
    let shown = world.native().get(&format!("/self-service/errors?id={id}")).await.expect(200);
    assert_eq!(shown["error"]["id"], "security_csrf_violation");
    assert_eq!(shown["error"]["code"], 403);
}

async fn another_browser_can_neither_read_nor_submit_a_flow(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let victim = world.script().get("/self-service/login/browser").await.expect(200);
    let attacker = world.script();
    let own = attacker.get("/self-service/login/browser").await.expect(200);
    let path = format!("/self-service/login/flows?id={}", victim["id"].as_str().expect("an id"));
    assert_eq!(attacker.get(&path).await.error_id(403), "security_csrf_violation");
    assert_eq!(world.script().get(&path).await.error_id(403), "security_csrf_violation");
    let mut body = password(EMAIL, PASSWORD);
    body["csrf_token"] = json!(csrf_token(&own));
    let refused = attacker.post_json(&action(&victim), &body).await;
    assert_eq!(refused.error_id(403), "security_csrf_violation");
}

async fn a_browser_cannot_be_made_to_use_a_native_flow(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let flow = world.native().get("/self-service/login/api").await.expect(200);
    for (name, value) in [("origin", "https://evil.example"), ("cookie", "a=b")] {
        let refused = world.native().sending(name, value).submit(&flow, password(EMAIL, PASSWORD)).await.expect(400);
        assert_eq!(message_ids(&refused), [4_000_001], "{name}");
    }
}

async fn a_session_brings_a_fresh_anti_csrf_cookie(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let script = world.script();
    let flow = script.get("/self-service/login/browser").await.expect(200);
    let before = script.jar.borrow().clone();
    script.submit(&flow, password(EMAIL, PASSWORD)).await.expect(200);
    let (name, old) = before.iter().find(|(name, _)| name.starts_with("csrf_token_")).expect("a cookie");
    assert_ne!(script.jar.borrow().get(name), Some(old));
}

async fn open_redirects_are_refused(backend: Backend) {
    let world = World::new(backend).await;
    for bad in [
        "https://evil.example/",
        "//evil.example",
        "https://app.example@evil.example/",
        "https://app.example.evil.example/",
        "javascript:alert(1)",
        "https:evil.example",
        "%5C%5Cevil.example",
        "http://app.example/",
    ] {
        let path = format!("/self-service/login/browser?return_to={bad}");
        let refused = world.script().get(&path).await;
        assert_eq!(refused.error_id(400), "self_service_flow_return_to_forbidden", "{bad}");
        let page = world.browser().get(&path).await.location(303);
        assert!(page.starts_with("https://id.example/ui/error?id="), "{bad}: {page}");
    }
}

async fn unknown_and_malformed_flow_ids_are_not_flows(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let unknown = "/self-service/login?flow=5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f";
    native.post_json(unknown, &password(EMAIL, PASSWORD)).await.expect(404);
    for bad in [
        "/self-service/login",
        "/self-service/login?flow=",
        "/self-service/login?flow=%00",
        "/self-service/login?flow='",
    ] {
        native.post_json(bad, &password(EMAIL, PASSWORD)).await.expect(400);
    }
    let registration = native.get("/self-service/registration/api").await.expect(200);
    let crossed = format!("/self-service/login?flow={}", registration["id"].as_str().expect("an id"));
    native.post_json(&crossed, &password(EMAIL, PASSWORD)).await.expect(404);
    native.get("/self-service/login/flows").await.expect(400);
    native.get("/self-service/login/flows?id=x").await.expect(400);
    native.get("/self-service/login/flows?id=5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f").await.expect(404);
}

async fn hostile_bodies_are_refused(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let path = action(&flow);
    let json = "application/json";
    let deep = "[".repeat(100_000);
    let hostile: [(&str, &[u8]); 7] = [
        (json, b"{"),
        (json, b"[]"),
        (json, b"\"\xff\""),
        (json, deep.as_bytes()),
        ("text/plain", b"method=password"),
        ("application/x-www-form-urlencoded", b"identifier=%ff"),
        ("multipart/form-data", b"no boundary"),
    ];
    for (kind, body) in hostile {
        native.post_raw(&path, kind, body).await.expect(400);
    }
    native.post_raw(&path, json, b"").await.expect(400);
}

async fn the_last_of_repeated_form_keys_counts_and_types_do_not_matter(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let path = action(&flow);
    let typed = json!({"method": "password", "identifier": ["a"], "password": {"a": 1}});
    assert_eq!(message_ids(&native.post_json(&path, &typed).await.expect(400)), [4_000_002, 4_000_002]);
    let repeated =
        [("method", "password"), ("identifier", "x"), ("identifier", EMAIL), ("password", "x"), ("password", PASSWORD)];
    native.post_form(&path, &repeated).await.expect(200);
}

async fn a_link_with_a_password_in_it_signs_nobody_in(backend: Backend) {
    let world = World::new(backend).await;
    world.register(EMAIL, PASSWORD).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let path = format!("{}&method=password&identifier={EMAIL}&password=correct+horse+battery+staple", action(&flow));
    let refused = native.get(&path).await.expect(400);
    assert_eq!(message_ids(&refused), [4_010_002]);
}

async fn markup_in_an_identifier_stays_text(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    let refused = native.submit(&flow, password("<script>{reason}\r\nSet-Cookie: a=b", "wrong")).await;
    assert!(refused.headers.get("set-cookie").is_none());
    let refused = refused.expect(400);
    assert_eq!(node(&refused, "identifier")["attributes"]["value"], "<script>{reason}\r\nSet-Cookie: a=b");
}

async fn many_flows_and_submits_from_one_address_are_slowed_down(backend: Backend) {
    let limits = json!({"limits": {"flows_per_minute": 3, "submits_per_minute": 2}});
    let world = World::with(backend, limits).await;
    let native = world.native();
    let flow = native.get("/self-service/login/api").await.expect(200);
    native.get("/self-service/login/api").await.expect(200);
    native.get("/self-service/registration/api").await.expect(200);
    let limited = native.get("/self-service/login/api").await;
    assert!(limited.headers.contains_key("retry-after"));
    limited.expect(429);
    native.submit(&flow, json!({})).await.expect(400);
    native.submit(&flow, json!({})).await.expect(400);
    native.submit(&flow, json!({})).await.expect(429);
}

async fn the_sample_error_and_unknown_errors(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let sample = native.get("/self-service/errors?id=stub:500").await.expect(200);
    assert_eq!(sample["error"]["code"], 500);
    native.get("/self-service/errors?id=5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f").await.expect(404);
    native.get("/self-service/errors?error=x").await.expect(400);
    native.get("/self-service/errors").await.expect(400);
}

async fn nothing_large_is_kept_in_a_flow(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    native.get(&format!("/self-service/login/api?x={}", "x".repeat(9_000))).await.expect(400);
    let flow = native.get("/self-service/login/api").await.expect(200);
    let mut body = password(EMAIL, PASSWORD);
    body["transient_payload"] = json!({"x": "x".repeat(70_000)});
    native.submit(&flow, body).await.expect(400);
    let refused = native.submit(&flow, password(&"x".repeat(5_000), PASSWORD)).await.expect(400);
    assert_eq!(node(&refused, "identifier")["attributes"]["value"], "");
}
