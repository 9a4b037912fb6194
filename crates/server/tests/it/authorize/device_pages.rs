//! The built-in pages for approving a device.

use orrery_testkit::{Backend, Browser, on_both_databases};
use reqwest::Response;
use serde_json::{Value, json};

use super::device::{codes, poll};
use super::world::{World, location, query};

on_both_databases!(somebody_types_a_code_signs_in_and_approves);

async fn world(backend: Backend) -> World {
    let mut world = World::built_in(backend).await;
    let grants = json!(["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]);
    let members = json!({"grant_types": grants, "token_endpoint_auth_method": "none", "client_name": "Television",
        "skip_consent": true});
    world.client = world.register(members).await;
    world
}

/// Opens the page for codes. Returns the challenge and the page.
async fn open(browser: &Browser, address: &str) -> (String, String) {
    let page = browser.follow(address).await;
    assert_eq!((page.url().path(), page.status().as_u16()), ("/ui/device", 200));
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "nobody approves through another page: {policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    (query(page.url(), "device_challenge").expect("a challenge"), page.text().await.expect("a page"))
}

async fn submit(world: &World, browser: &Browser, challenge: &str, code: &str) -> Response {
    let form = [("device_challenge", challenge), ("user_code", code)];
    browser.post(world.server.public("/oauth2/device/verify"), &form).await
}

fn text<'a>(codes: &'a Value, name: &str) -> &'a str {
    codes[name].as_str().expect("text")
}

async fn somebody_types_a_code_signs_in_and_approves(backend: Backend) {
    let world = world(backend).await;
    let (browser, codes) = (world.server.browser(), codes(&world).await);
    let (challenge, page) = open(&browser, text(&codes, "verification_uri")).await;
    assert!(page.contains("Type the code") && !page.contains("<script"), "{page}");
    let wrong = submit(&world, &browser, &challenge, "wrong").await;
    assert_eq!(wrong.status(), 303);
    let page = browser.get(location(&wrong)).await.text().await.expect("a page");
    assert!(page.contains("No waiting device shows this code") && page.contains("value=\"wrong\""), "{page}");

    let right = submit(&world, &browser, &challenge, &format!(" {} ", text(&codes, "user_code"))).await;
    assert_eq!(right.status(), 303);
    let login = location(&browser.get(location(&right)).await);
    assert_eq!(login.path(), "/self-service/login/browser");
    world.with_account(&browser, "ada").await;
    let back = query(&login, "return_to").expect("an address");
    let page = browser.follow(back).await;
    assert_eq!(page.url().path(), "/ui/consent", "although the client may skip it");
    let consent = query(page.url(), "consent_challenge").expect("a challenge");
    let page = page.text().await.expect("a page");
    assert!(page.contains("Television") && page.contains("in front of you") && !page.contains("remember"), "{page}");
    let form = [("consent_challenge", consent.as_str()), ("decision", "allow")];
    let answer = browser.post(world.server.public("/ui/consent"), &form).await;
    let page = browser.follow(location(&answer)).await;
    assert_eq!((page.url().path(), page.status().as_u16()), ("/ui/device/done", 200));
    assert!(page.text().await.expect("a page").contains("Your device is connected"));
    poll(&world, &codes).await.expect(200);
}

#[tokio::test]
async fn a_scanned_code_is_confirmed_and_never_taken() {
    let world = world(Backend::Sqlite).await;
    let (browser, codes) = (world.server.browser(), codes(&world).await);
    world.with_account(&browser, "ada").await;
    let (challenge, page) = open(&browser, text(&codes, "verification_uri_complete")).await;
    let shown = format!("value=\"{}\"", text(&codes, "user_code"));
    assert!(page.contains(&shown) && page.contains("Compare this code"), "{page}");
    let german = world.server.public(&format!("/ui/device?device_challenge={challenge}&lang=de"));
    assert!(browser.get(german).await.text().await.expect("a page").contains("Gerät verbinden"));
    // Refused on the consent page.
    let consent =
        browser.follow(location(&submit(&world, &browser, &challenge, text(&codes, "user_code")).await)).await;
    let consent = query(consent.url(), "consent_challenge").expect("a challenge");
    let form = [("consent_challenge", consent.as_str()), ("decision", "deny")];
    let answer = browser.post(world.server.public("/ui/consent"), &form).await;
    let page = browser.follow(location(&answer)).await;
    assert_eq!(page.url().path(), "/ui/device/denied");
    assert_eq!(poll(&world, &codes).await.body["error"], "access_denied");
}

#[tokio::test]
async fn another_site_cannot_submit_a_code_in_somebodys_browser() {
    let world = world(Backend::Sqlite).await;
    let (victim, attacker) = (world.server.browser(), world.server.browser());
    world.with_account(&victim, "ada").await;
    let codes = codes(&world).await;
    let (challenge, _) = open(&attacker, text(&codes, "verification_uri")).await;
    let answer = submit(&world, &victim, &challenge, text(&codes, "user_code")).await;
    assert_eq!(location(&answer).path(), "/ui/oauth2/error");
    let page = world.server.public(&format!("/ui/device?device_challenge={challenge}"));
    assert_eq!(victim.get(page).await.status(), 403);
    // Without a challenge the code only gets as far as the page where it is confirmed.
    let form = [("user_code", text(&codes, "user_code"))];
    let answer = victim.post(world.server.public("/oauth2/device/verify"), &form).await;
    assert_eq!(location(&answer).path(), "/ui/device");
    // What is typed stays text.
    let evil = "\"><script>alert(1)</script>";
    let (challenge, _) = open(&victim, text(&codes, "verification_uri")).await;
    let page =
        victim.get(location(&submit(&world, &victim, &challenge, evil).await)).await.text().await.expect("a page");
    assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"), "{page}");
    assert_eq!(poll(&world, &codes).await.body["error"], "authorization_pending");
}
