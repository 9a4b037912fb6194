//! Approving a device with applications of the operator's own: the code, the sign-in, the consent, and the tokens.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, Browser, on_both_databases};
use serde_json::{Value, json};
use url::Url;

use super::world::{CONSENT_APP, LOGIN_APP, World, body, location, query, told};
use crate::stage::{Answer, send};

on_both_databases!(
    a_device_is_approved_and_gets_its_tokens,
    whoever_refuses_leaves_the_device_with_nothing,
    one_of_sixteen_approves_and_one_of_sixteen_redeems,
    guessing_codes_leads_nowhere,
);

const DEVICE_APP: &str = "https://apps.example/device?theme=dark";
const DONE: &str = "https://apps.example/done";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A television, and the operator's applications.
async fn world(backend: Backend) -> World {
    let device = json!({"verification": DEVICE_APP, "success": DONE});
    let urls = json!({"login": LOGIN_APP, "consent": CONSENT_APP, "device": device});
    let mut world = World::with(backend, json!({"oauth2": {"urls": urls}})).await;
    let grants = json!([GRANT, "refresh_token"]);
    world.client = world.register(json!({"grant_types": grants, "token_endpoint_auth_method": "none"})).await;
    world
}

/// The device asks for codes.
pub(super) async fn codes(world: &World) -> Value {
    let asked = [("client_id", world.client.as_str()), ("scope", "openid offline photos.read")];
    send(world.form("/oauth2/device/auth", &asked)).await.expect(200).body
}

/// The device asks whether it was approved.
pub(super) async fn poll(world: &World, codes: &Value) -> Answer {
    let code = codes["device_code"].as_str().expect("a code");
    let asked = [("grant_type", GRANT), ("client_id", world.client.as_str()), ("device_code", code)];
    send(world.form("/oauth2/token", &asked)).await
}

/// A browser comes to approve something. Returns its challenge.
async fn come(world: &World, browser: &Browser) -> String {
    let answer = browser.get(world.server.public("/oauth2/device/verify")).await;
    assert_eq!(answer.status(), 302);
    let url = location(&answer);
    assert!(url.as_str().starts_with("https://apps.example/device?theme=dark&"), "{url}");
    query(&url, "device_challenge").expect("a challenge")
}

/// The application passes on what was typed.
async fn accept(world: &World, challenge: &str, typed: &str) -> (u16, Value) {
    let answer = world.put("device", "accept", challenge, &json!({"user_code": typed})).await;
    (answer.status().as_u16(), body(answer).await)
}

/// The browser goes where it is sent after the code, and signs in. Returns the consent challenge.
async fn signed_in(world: &World, browser: &Browser, redirect_to: &Value) -> String {
    let answer = browser.get(redirect_to.as_str().expect("an address")).await;
    assert_eq!(answer.status(), 302);
    let challenge = query(&location(&answer), "login_challenge").expect("a challenge");
    let shown = body(world.read("login", &challenge).await).await;
    assert_eq!(shown["requested_scope"], json!(["openid", "offline", "photos.read"]));
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada", "acr": "aal1"})).await;
    query(&location(&browser.get(next).await), "consent_challenge").expect("a challenge")
}

/// All the way to the moment at which the browser brings Ada's consent.
async fn consented(world: &World, browser: &Browser, codes: &Value) -> String {
    let challenge = come(world, browser).await;
    let (status, accepted) = accept(world, &challenge, codes["user_code"].as_str().expect("a code")).await;
    assert_eq!(status, 200, "{accepted}");
    let consent = signed_in(world, browser, &accepted["redirect_to"]).await;
    let granted = json!({"grant_scope": ["openid", "offline", "photos.read"], "remember": true});
    world.decide("consent", "accept", &consent, granted).await
}

async fn a_device_is_approved_and_gets_its_tokens(backend: Backend) {
    let world = world(backend).await;
    let codes = codes(&world).await;
    assert_eq!(codes["verification_uri"], world.server.public("/oauth2/device/verify"));
    assert_eq!(poll(&world, &codes).await.body["error"], "authorization_pending");
    // The code in the address reaches the application, which has it confirmed.
    let browser = world.server.browser();
    let scanned = browser.get(codes["verification_uri_complete"].as_str().expect("an address")).await;
    let typed = query(&location(&scanned), "user_code").expect("the code");
    assert_eq!(typed, codes["user_code"].as_str().expect("a code").replace('-', ""));

    let next = consented(&world, &browser, &codes).await;
    assert_eq!(poll(&world, &codes).await.body["error"], "slow_down", "no time has passed");
    let answer = browser.get(&next).await;
    assert_eq!(answer.status(), 302);
    assert_eq!(location(&answer).as_str(), format!("{DONE}?client_id={}", world.client));
    let tokens = poll(&world, &codes).await.expect(200).body;
    assert!(tokens["refresh_token"].is_string() && tokens["id_token"].is_string(), "{tokens}");
    assert_eq!(tokens["scope"], "openid offline photos.read");
    let token = tokens["access_token"].as_str().expect("a token");
    let userinfo = world.server.api().get(world.server.public("/userinfo")).bearer_auth(token);
    assert_eq!(body(userinfo.send().await.expect("an answer")).await["sub"], "ada");
    // Everything is good once.
    assert_eq!(poll(&world, &codes).await.body["error"], "invalid_grant");
    assert_eq!(browser.get(&next).await.status(), 302, "the cookie is gone");
    let challenge = come(&world, &browser).await;
    let (status, refused) = accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await;
    assert_eq!((status, refused["error"].as_str()), (400, Some("invalid_request")));
    // What was granted to one device is not granted to the next without asking.
    let again = self::codes(&world).await;
    let (_, accepted) = accept(&world, &challenge, again["user_code"].as_str().expect("a code")).await;
    let consent = signed_in(&world, &browser, &accepted["redirect_to"]).await;
    assert_eq!(body(world.read("consent", &consent).await).await["skip"], false);
    let sessions = world.server.admin("/admin/oauth2/auth/sessions/consent?subject=ada");
    let listed = body(world.server.api().get(sessions).send().await.expect("an answer")).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
}

async fn whoever_refuses_leaves_the_device_with_nothing(backend: Backend) {
    let world = world(backend).await;
    for refused_at in ["code", "login", "consent"] {
        let (browser, codes) = (world.server.browser(), codes(&world).await);
        let challenge = come(&world, &browser).await;
        let typed = json!({"user_code": codes["user_code"]});
        let (_, accepted) = accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await;
        let next = if refused_at == "code" {
            let next = world.decide("device", "reject", &challenge, typed.clone()).await;
            assert_eq!(world.put("device", "reject", &challenge, &typed).await.status(), 400, "once");
            assert_eq!(world.put("device", "reject", &challenge, &json!({})).await.status(), 400);
            next
        } else if refused_at == "login" {
            let answer = browser.get(accepted["redirect_to"].as_str().expect("an address")).await;
            let challenge = query(&location(&answer), "login_challenge").expect("a challenge");
            world.decide("login", "reject", &challenge, json!({"error": "access_denied"})).await
        } else {
            let consent = signed_in(&world, &browser, &accepted["redirect_to"]).await;
            world.decide("consent", "reject", &consent, json!({})).await
        };
        let page = browser.follow(next).await;
        assert_eq!((page.url().path(), page.status().as_u16()), ("/ui/device/denied", 200), "{refused_at}");
        let told = poll(&world, &codes).await;
        assert_eq!((told.status.as_u16(), &told.body["error"]), (403, &json!("access_denied")), "{refused_at}");
    }
}

async fn one_of_sixteen_approves_and_one_of_sixteen_redeems(backend: Backend) {
    let world = world(backend).await;
    let codes = codes(&world).await;
    let mut racers: Vec<(Browser, String)> = Vec::new();
    for _ in 0..16 {
        let browser = world.server.browser();
        let next = consented(&world, &browser, &codes).await;
        racers.push((browser, next));
    }
    let ends = join_all(racers.iter().map(async |(browser, next)| location(&browser.get(next).await))).await;
    let approved = ends.iter().filter(|end| end.as_str().starts_with(DONE)).count();
    assert_eq!(approved, 1, "{ends:?}");
    assert!(ends.iter().all(|end| end.as_str().starts_with(DONE) || end.path() == "/ui/oauth2/error"), "{ends:?}");
    let polled = join_all((0..16).map(async |_| poll(&world, &codes).await.status.as_u16())).await;
    assert_eq!(polled.iter().filter(|status| **status == 200).count(), 1, "{polled:?}");
    assert!(polled.iter().all(|status| matches!(status, 200 | 400)), "{polled:?}");
}

async fn guessing_codes_leads_nowhere(backend: Backend) {
    let world = world(backend).await;
    let codes = codes(&world).await;
    let code = codes["user_code"].as_str().expect("a code");
    // What cannot be a code is no guess; each browser of the network counts.
    for _ in 0..30 {
        let challenge = come(&world, &world.server.browser()).await;
        assert_eq!(accept(&world, &challenge, "?").await.0, 400);
    }
    let mut statuses = Vec::new();
    for _ in 0..21 {
        let challenge = come(&world, &world.server.browser()).await;
        statuses.push(accept(&world, &challenge, "aaaa-aaaa").await.0);
    }
    assert_eq!(statuses, [[400; 20].as_slice(), &[429]].concat());
    let challenge = come(&world, &world.server.browser()).await;
    let answer = world.put("device", "accept", &challenge, &json!({"user_code": code})).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().ok()), (429, Some("600")));
    world.server.advance(Duration::from_secs(600));
    let (challenge, codes) = (come(&world, &world.server.browser()).await, self::codes(&world).await);
    assert_eq!(accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await.0, 200);
}

#[tokio::test]
async fn another_browser_cannot_go_on_with_it() {
    let world = world(Backend::Sqlite).await;
    let codes = codes(&world).await;
    let (victim, attacker) = (world.server.browser(), world.server.browser());
    let challenge = come(&world, &attacker).await;
    let (_, accepted) = accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await;
    let next = accepted["redirect_to"].as_str().expect("an address");
    let (status, page) = told(&victim, victim.get(next).await).await;
    assert_eq!((status, page.contains("does not belong to this browser")), (403, true), "{page}");
    // Nor somebody who gets the consent of another into their browser, or the other way round.
    let consent = signed_in(&world, &attacker, &accepted["redirect_to"]).await;
    let done = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    assert_eq!(told(&victim, victim.get(&done).await).await.0, 403);
    assert_eq!(poll(&world, &codes).await.body["error"], "authorization_pending");
    assert_eq!(location(&attacker.get(done).await).origin(), Url::parse(DONE).expect("a URL").origin());
}

#[tokio::test]
async fn what_has_expired_is_told() {
    let world = world(Backend::Sqlite).await;
    let (browser, codes) = (world.server.browser(), codes(&world).await);
    let code = codes["user_code"].as_str().expect("a code");
    let challenge = come(&world, &browser).await;
    for (text, status) in [("x", 404), (&challenge[1..], 404)] {
        assert_eq!(accept(&world, text, code).await.0, status);
    }
    let none = world.put("device", "accept", &challenge, &json!({})).await;
    assert_eq!(body(none).await["error"], "invalid_request");
    // Signed in in time, and too late with the consent.
    let next = consented(&world, &browser, &codes).await;
    let slow = world.server.browser();
    let typed = accept(&world, &come(&world, &slow).await, code).await.1;
    world.server.advance(Duration::from_secs(601));
    let (status, page) = told(&browser, browser.get(next).await).await;
    assert!(status == 403 && page.contains("has expired"), "{page}");
    let (status, page) = told(&slow, slow.get(typed["redirect_to"].as_str().expect("an address")).await).await;
    assert!(status == 403 && page.contains("has expired"), "{page}");
    assert_eq!(poll(&world, &codes).await.body["error"], "expired_token");
    assert_eq!(accept(&world, &challenge, code).await.0, 400);
    world.server.advance(Duration::from_secs(1200));
    assert_eq!(accept(&world, &challenge, code).await.0, 401);
}

#[tokio::test]
async fn a_client_that_may_do_less_by_now_gets_no_more() {
    let world = world(Backend::Sqlite).await;
    let (browser, codes) = (world.server.browser(), codes(&world).await);
    let challenge = come(&world, &browser).await;
    let (_, accepted) = accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await;
    let url = world.server.admin(&format!("/admin/clients/{}", world.client));
    let patch = json!([{"op": "replace", "path": "/scope", "value": "openid"}]);
    let patched = world.server.api().patch(url).json(&patch).send().await.expect("an answer");
    assert_eq!(patched.status(), 200);
    let (status, page) = told(&browser, browser.get(accepted["redirect_to"].as_str().expect("an address")).await).await;
    assert!(status == 400 && page.contains("offline"), "{page}");
}

#[tokio::test]
async fn a_login_application_cannot_name_somebody_else_than_who_is_remembered() {
    let world = world(Backend::Sqlite).await;
    let browser = world.server.browser();
    let web = world.register(json!({})).await;
    world.authorized(&browser, &[("client_id", &web)], json!({"grant_scope": ["openid"]})).await;
    let codes = codes(&world).await;
    let challenge = come(&world, &browser).await;
    let (_, accepted) = accept(&world, &challenge, codes["user_code"].as_str().expect("a code")).await;
    let answer = browser.get(accepted["redirect_to"].as_str().expect("an address")).await;
    let login = query(&location(&answer), "login_challenge").expect("a challenge");
    assert_eq!(body(world.read("login", &login).await).await["skip"], true);
    assert_eq!(world.put("login", "accept", &login, &json!({"subject": "mallory"})).await.status(), 400);
    assert_eq!(world.put("login", "accept", &login, &json!({"subject": "ada"})).await.status(), 200);
}
