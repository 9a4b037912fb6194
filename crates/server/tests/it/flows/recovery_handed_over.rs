//! Getting back into an account by a link, or by what an administrator hands over; and a link that proves an address.

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::action;
use super::recovery::{HOUR, SECOND, WRONG, other_than, whoami, world};
use super::world::{World, message_ids, node};

on_both_databases! {
    a_link_recovers_in_any_browser_and_once,
    a_link_that_an_app_asked_for_opens_in_a_browser,
    an_administrator_hands_over_a_code,
    an_administrator_hands_over_a_link,
    a_link_proves_an_address,
}

const LINK_SENT: u64 = 1_060_002;

/// Recovery and verification send links.
fn by_link() -> Value {
    json!({"selfservice": {"flows": {"recovery": {"use": "link"}, "verification": {"use": "link"}},
        "methods": {"link": {"enabled": true}}}})
}

/// The path of the first link in the newest message to this address.
async fn link_for(world: &World, recipient: &str) -> String {
    let inbox = world.server.inbox().await;
    let message = inbox.iter().find(|message| message["recipient"] == recipient).expect("a message");
    let text = message["text"].as_str().expect("a text");
    let start = text.find("/self-service/").expect("a link");
    text[start..].split_whitespace().next().expect("a path").to_owned()
}

async fn admin(world: &World, path: &str, body: Value) -> (u16, Value) {
    let request = world.server.api().post(world.server.admin(path)).json(&body);
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

async fn a_link_recovers_in_any_browser_and_once(backend: Backend) {
    let world = world(backend, by_link()).await;
    let script = world.script();
    let flow = script.begin("recovery", "").await;
    assert_eq!(script.submit(&flow, json!({"method": "code", "email": "ada@example.org"})).await.status, 404);
    let sent = script.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    assert_eq!((message_ids(&sent), &sent["active"]), (vec![LINK_SENT], &json!("link")));
    assert_eq!(node(&sent, "email")["attributes"]["value"], "ada@example.org", "the form keeps it");
    let link = link_for(&world, "ada@example.org").await;
    let elsewhere = world.browser();
    let wrong = elsewhere.get(&format!("{link}x")).await.location(303);
    assert!(wrong.contains("/ui/recovery?flow="), "{wrong}");
    assert!(elsewhere.get(&link).await.location(303).contains("/ui/settings?flow="));
    let session = whoami(&elsewhere).await;
    assert_eq!(session["authentication_methods"][0]["method"], "link_recovery");
    // A second time, in a third browser, it is worth nothing.
    let third = world.browser();
    let fresh = third.get(&link).await.location(303);
    let fresh = fresh.split_once("/ui/recovery?flow=").expect("a fresh flow").1.to_owned();
    let fresh = third.get(&format!("/self-service/recovery/flows?id={fresh}")).await.expect(200);
    assert_eq!(message_ids(&fresh), [4_060_004]);
    assert_eq!(third.get("/sessions/whoami").await.status, 401);
    // An expired link, too.
    world.advance(SECOND);
    let flow = script.begin("recovery", "").await;
    script.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    world.advance(HOUR);
    let late = link_for(&world, "ada@example.org").await;
    assert!(third.get(&late).await.location(303).contains("/ui/recovery?flow="));
    assert_eq!(third.get("/sessions/whoami").await.status, 401);
}

async fn a_link_that_an_app_asked_for_opens_in_a_browser(backend: Backend) {
    let world = world(backend, by_link()).await;
    let native = world.native();
    let flow = native.get("/self-service/recovery/api").await.expect(200);
    native.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    let link = link_for(&world, "ada@example.org").await;
    let browser = world.browser();
    let settings = browser.get(&link).await.location(303);
    let id = settings.split_once("/ui/settings?flow=").expect("the settings page").1;
    let settings = browser.get(&format!("/self-service/settings/flows?id={id}")).await.expect(200);
    assert_eq!(settings["type"], "browser");
    assert_eq!(whoami(&browser).await["identity"]["traits"]["email"], "ada@example.org");
    let third = world.browser();
    assert!(third.get(&link).await.location(303).contains("/ui/recovery?flow="), "once");
    let flow = native.get("/self-service/verification/api").await.expect(200);
    world.advance(SECOND);
    native.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    let proven = third.get(&link_for(&world, "ada@example.org").await).await.location(303);
    assert!(proven.contains("/ui/verification?flow="), "{proven}");
}

async fn an_administrator_hands_over_a_code(backend: Backend) {
    let world = world(backend, json!({})).await;
    let grace = world.admin(Method::POST, "/admin/identities", json!({"traits": {"email": "grace@example.org"}})).await;
    let asked = json!({"identity_id": grace["id"], "expires_in": "20m"});
    let (status, made) = admin(&world, "/admin/recovery/code", asked).await;
    assert_eq!(status, 201, "{made}");
    let flow = made["recovery_link"].as_str().expect("a link").split_once("/ui/recovery?flow=").expect("the page").1;
    let anybody = world.script();
    let flow = anybody.get(&format!("/self-service/recovery/flows?id={flow}")).await.expect(200);
    assert_eq!(flow["state"], "sent_email");
    let names: Vec<_> =
        flow["ui"]["nodes"].as_array().expect("nodes").iter().map(|it| &it["attributes"]["name"]).collect();
    assert_eq!(names, ["code", "method"]);
    let code = made["recovery_code"].as_str().expect("a code");
    let enter = |code: &str| json!({"method": "code", "code": code, "csrf_token": ""});
    assert_eq!(message_ids(&anybody.submit(&flow, enter(other_than(code))).await.expect(200)), [WRONG]);
    let refused = anybody.submit(&flow, json!({"method": "code", "email": "eve@example.org", "csrf_token": ""})).await;
    assert_ne!(refused.status, 200, "no code goes elsewhere");
    anybody.submit(&flow, enter(code)).await.expect(422);
    let session = whoami(&anybody).await;
    assert_eq!(session["identity"]["id"], grace["id"]);
    assert_ne!(session["identity"]["verifiable_addresses"][0]["verified"], true, "it went to no address");
    for (body, expected) in [
        (json!({"identity_id": "6fa459ea-ee8a-4ca4-894e-db77e160355e"}), 404),
        (json!({"identity_id": "x"}), 400),
        (json!({"identity_id": grace["id"], "expires_in": "-1h"}), 400),
        (json!({"identity_id": grace["id"], "expires_in": "0s"}), 400),
        (json!({"identity_id": grace["id"], "expires_in": "9999h"}), 400),
        (json!({}), 400),
    ] {
        assert_eq!(admin(&world, "/admin/recovery/code", body.clone()).await.0, expected, "{body}");
    }
    assert_eq!(
        admin(&world, "/admin/recovery/link", json!({"identity_id": grace["id"]})).await.0,
        404,
        "links are off"
    );
    let app = json!({"identity_id": grace["id"], "flow_type": "api"});
    let (_, made) = admin(&world, "/admin/recovery/code", app).await;
    let flow = made["recovery_link"].as_str().expect("a link").split_once("flow=").expect("a flow").1;
    let native = world.native();
    let flow = native.get(&format!("/self-service/recovery/flows?id={flow}")).await.expect(200);
    let path = action(&flow);
    let done = native.post_json(&path, &json!({"method": "code", "code": made["recovery_code"]})).await.expect(200);
    assert_eq!(done["continue_with"][0]["action"], "set_ory_session_token");
}

async fn an_administrator_hands_over_a_link(backend: Backend) {
    let world = world(backend, by_link()).await;
    let grace = world.admin(Method::POST, "/admin/identities", json!({"traits": {"email": "grace@example.org"}})).await;
    let path = "/admin/recovery/link?return_to=https://app.example/hello";
    let (status, made) = admin(&world, path, json!({"identity_id": grace["id"]})).await;
    assert_eq!(status, 200, "{made}");
    assert!(made.get("recovery_code").is_none());
    let link = made["recovery_link"].as_str().expect("a link");
    let link = &link[link.find("/self-service/").expect("a path")..];
    let browser = world.browser();
    let settings = browser.get(link).await.location(303);
    let id = settings.split_once("flow=").expect("a flow").1;
    let flow = browser.get(&format!("/self-service/settings/flows?id={id}")).await.expect(200);
    assert_eq!((&flow["return_to"], &flow["identity"]["id"]), (&json!("https://app.example/hello"), &grace["id"]));
    let forbidden =
        admin(&world, "/admin/recovery/link?return_to=https://evil.example/", json!({"identity_id": grace["id"]}))
            .await;
    assert_eq!(forbidden.0, 400);
    let unknown = json!({"identity_id": "6fa459ea-ee8a-4ca4-894e-db77e160355e"});
    assert_eq!(admin(&world, "/admin/recovery/link", unknown).await.0, 404);
}

async fn a_link_proves_an_address(backend: Backend) {
    let world = world(backend, by_link()).await;
    let script = world.script();
    let flow = script.begin("verification", "").await;
    let sent = script.submit(&flow, json!({"method": "link", "email": "ada@example.org"})).await.expect(200);
    assert_eq!((message_ids(&sent), &sent["active"]), (vec![1_080_001], &json!("link")));
    let link = link_for(&world, "ada@example.org").await;
    let elsewhere = world.browser();
    let wrong = elsewhere.get(&format!("{link}x")).await.location(303);
    let fresh = wrong.split_once("/ui/verification?flow=").expect("a fresh flow").1.to_owned();
    let fresh = elsewhere.get(&format!("/self-service/verification/flows?id={fresh}")).await.expect(200);
    assert_eq!(message_ids(&fresh), [4_070_001]);
    let to = elsewhere.get(&link).await.location(303);
    let id = to.split_once("/ui/verification?flow=").expect("its own page").1.to_owned();
    let shown = elsewhere.get(&format!("/self-service/verification/flows?id={id}")).await.expect(200);
    assert_eq!((&shown["state"], message_ids(&shown)), (&json!("passed_challenge"), vec![1_080_002]));
    assert_eq!(elsewhere.get("/sessions/whoami").await.status, 401, "nobody is signed in by that");
    let twice = elsewhere.get(&link).await.location(303);
    assert!(!twice.ends_with(&id), "{twice}");
    let found = world.admin(Method::GET, "/admin/identities?credentials_identifier=ada@example.org", json!({})).await;
    assert_eq!(found[0]["verifiable_addresses"][0]["verified"], true);
}
