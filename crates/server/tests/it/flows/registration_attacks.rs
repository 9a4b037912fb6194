//! What attackers try on a registration.

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use serde_json::{Value, json};

use super::client::{action, csrf_token};
use super::world::{World, message_ids};

on_both_databases!(
    sixteen_registrations_of_one_address_make_one_account,
    sixteen_submits_of_one_flow_make_one_account,
    forged_and_foreign_tokens_register_nobody,
    nothing_but_traits_can_be_set,
    traits_are_bounded_and_typed,
    a_password_is_never_said_back,
    a_browser_cannot_be_made_to_use_a_native_flow,
    both_return_addresses_are_checked,
);

const PASSWORD: &str = "correct horse battery staple";

fn register(email: &str) -> Value {
    json!({"method": "password", "traits": {"email": email}, "password": PASSWORD})
}

async fn sixteen_registrations_of_one_address_make_one_account(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let mut flows = Vec::new();
    for _ in 0..16 {
        flows.push(native.get("/self-service/registration/api").await.expect(200));
    }
    let submits = flows.iter().map(|flow| native.submit(flow, register("ada@example.org")));
    let answers = join_all(submits).await;
    let (done, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1);
    for answer in refused {
        assert_eq!(message_ids(&answer.expect(400)), [4_000_007]);
    }
}

async fn sixteen_submits_of_one_flow_make_one_account(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let submits = (0..16).map(|number| native.submit(&flow, register(&format!("ada{number}@example.org"))));
    let answers = join_all(submits).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
}

async fn forged_and_foreign_tokens_register_nobody(backend: Backend) {
    let world = World::new(backend).await;
    let script = world.script();
    let flow = script.get("/self-service/registration/browser").await.expect(200);
    let stranger = world.script().get("/self-service/registration/browser").await.expect(200);
    for token in [json!(""), json!(csrf_token(&stranger))] {
        let mut body = register("ada@example.org");
        body["csrf_token"] = token;
        assert_eq!(script.post_json(&action(&flow), &body).await.error_id(403), "security_csrf_violation");
    }
    let mut body = register("ada@example.org");
    body["csrf_token"] = json!(csrf_token(&flow));
    let refused = script.post_json(&action(&stranger), &body).await;
    assert_eq!(refused.error_id(403), "security_csrf_violation");
    assert_eq!(world.mails().await, 0);
}

async fn nothing_but_traits_can_be_set(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let mut body = register("ada@example.org");
    body["traits"]["admin"] = json!(true);
    assert_eq!(native.submit(&flow, body).await.status, 400);
    let mut body = register("ada@example.org");
    for (name, value) in [
        ("id", json!("5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f")),
        ("state", json!("inactive")),
        ("schema_id", json!("other")),
        ("metadata_admin", json!({"role": "root"})),
        ("metadata_public", json!({"role": "root"})),
        ("verifiable_addresses", json!([{"value": "ada@example.org", "verified": true, "via": "email"}])),
    ] {
        body[name] = value;
    }
    let done = native.submit(&flow, body).await.expect(200);
    let identity = &done["identity"];
    assert_ne!(identity["id"], "5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f");
    assert_eq!((&identity["state"], &identity["metadata_public"]), (&json!("active"), &Value::Null));
    assert_eq!(identity["verifiable_addresses"][0]["verified"], false);
}

async fn traits_are_bounded_and_typed(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    for traits in [json!("x"), json!([1]), json!(7), json!({"email": "x".repeat(70_000)})] {
        let body = json!({"method": "password", "password": PASSWORD, "traits": traits});
        assert_eq!(message_ids(&native.submit(&flow, body).await.expect(400)), [4_000_001]);
    }
    for traits in [json!({"email": {"a": 1}}), json!({"email": null}), json!({"email": ["ada@example.org"]})] {
        let body = json!({"method": "password", "password": PASSWORD, "traits": traits});
        let refused = native.submit(&flow, body).await.expect(400);
        assert!(!message_ids(&refused).is_empty());
    }
    let mut body = register("ada@example.org");
    body["password"] = json!("x".repeat(5000));
    let refused = native.submit(&flow, body).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_033]);
}

async fn a_password_is_never_said_back(backend: Backend) {
    let world = World::new(backend).await;
    let native = world.native();
    let flow = native.get("/self-service/registration/api").await.expect(200);
    let secret = "hunter2hunter2";
    for traits in [json!({}), json!({"email": "no"}), json!({"email": format!("{secret}@example.org")})] {
        let body = json!({"method": "password", "password": secret, "traits": traits});
        let refused = native.submit(&flow, body).await;
        let said = refused.body.expect("a flow").to_string().replace(&format!("{secret}@example.org"), "");
        assert!(!said.contains(secret), "{said}");
    }
}

async fn a_browser_cannot_be_made_to_use_a_native_flow(backend: Backend) {
    let world = World::new(backend).await;
    let flow = world.native().get("/self-service/registration/api").await.expect(200);
    let browser = world.native().sending("origin", "https://evil.example");
    let refused = browser.submit(&flow, register("ada@example.org")).await.expect(400);
    assert_eq!(message_ids(&refused), [4_000_001]);
    assert_eq!(world.mails().await, 0);
}

async fn both_return_addresses_are_checked(backend: Backend) {
    let world = World::new(backend).await;
    for name in ["return_to", "after_verification_return_to"] {
        let path = format!("/self-service/registration/browser?{name}=https://evil.example/");
        let refused = world.script().get(&path).await;
        assert_eq!(refused.error_id(400), "self_service_flow_return_to_forbidden", "{name}");
    }
}
