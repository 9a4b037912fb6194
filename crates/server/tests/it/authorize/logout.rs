//! Logout at the OAuth2 server.

use std::time::Duration;

use orrery_testkit::Backend;
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{LOGIN_APP, World, body, location, query, told};
use crate::flows::hooks::target::{Reply, Target};
use crate::stage::{jwt_part, merge, send};

async fn external(extra: Value) -> World {
    let mut urls = json!({"login": LOGIN_APP, "consent": super::world::CONSENT_APP,
        "logout": "https://apps.example/logout", "post_logout_redirect": "https://apps.example/bye"});
    merge(&mut urls, &extra);
    World::with(Backend::Sqlite, json!({"oauth2": {"urls": urls}})).await
}

fn logout(world: &World, query: &str) -> String {
    world.server.public(&format!("/oauth2/sessions/logout{query}"))
}

#[tokio::test]
async fn a_person_is_asked_and_then_signed_out() {
    let world = external(json!({})).await;
    let browser = world.server.browser();
    // Nobody is signed in: there is nothing to ask.
    assert_eq!(location(&browser.get(logout(&world, "")).await).as_str(), "https://apps.example/bye");
    world.authorized(&browser, &[], json!({"grant_scope": ["openid"]})).await;
    let url = location(&browser.get(logout(&world, "")).await);
    assert!(url.as_str().starts_with("https://apps.example/logout?logout_challenge="), "{url}");
    let challenge = query(&url, "logout_challenge").expect("a challenge");
    let asked = body(world.read("logout", &challenge).await).await;
    assert_eq!(
        (&asked["subject"], &asked["rp_initiated"], &asked["client"]),
        (&json!("ada"), &json!(false), &json!(null))
    );
    assert_eq!(asked["request_url"], "/oauth2/sessions/logout");

    assert_eq!(world.put("logout", "reject", &challenge, &json!({"error": "x"})).await.status(), 204);
    let login = world.begin(&browser, &[]).await;
    assert_eq!(body(world.read("login", &login).await).await["skip"], true, "a refusal ends nothing");

    let next = world.decide("logout", "accept", &challenge, json!({})).await;
    // In another browser it does nothing.
    assert_eq!(location(&world.server.browser().get(&next).await).as_str(), "https://apps.example/bye");
    let login = world.begin(&browser, &[]).await;
    assert_eq!(body(world.read("login", &login).await).await["skip"], true);
    let answer = browser.get(&next).await;
    assert_eq!(answer.status(), 302);
    assert_eq!(location(&answer).as_str(), "https://apps.example/bye");
    let login = world.begin(&browser, &[]).await;
    assert_eq!(body(world.read("login", &login).await).await["skip"], false);
    assert_eq!(location(&browser.get(&next).await).as_str(), "https://apps.example/bye", "once is enough");
}

#[tokio::test]
async fn a_browser_goes_afterwards_only_where_the_client_has_registered() {
    let world = external(json!({})).await;
    let browser = world.server.browser();
    let after = "https://app.example/after";
    let client = world.register(json!({"post_logout_redirect_uris": [after]})).await;
    for refused in [
        "?state=12345678".to_owned(),
        format!("?post_logout_redirect_uri={after}"),
        format!("?client_id={client}&post_logout_redirect_uri=https://evil.example/"),
        format!("?client_id={}&post_logout_redirect_uri={after}", world.client),
        "?client_id=nobody".to_owned(),
        "?id_token_hint=x.y.z".to_owned(),
        format!("?client_id={client}&client_id={client}"),
    ] {
        let (status, _) = told(&browser, browser.get(logout(&world, &refused)).await).await;
        assert_eq!(status, 400, "{refused}");
    }
    let query = format!("?client_id={client}&post_logout_redirect_uri={after}&state=a%26b");
    assert_eq!(location(&browser.get(logout(&world, &query)).await).as_str(), "https://app.example/after?state=a%26b");
}

#[tokio::test]
async fn clients_are_told_through_the_browser() {
    let world = external(json!({})).await;
    let browser = world.server.browser();
    let client = world.register(json!({"frontchannel_logout_uri": "https://app.example/front?a=b"})).await;
    world.authorized(&browser, &[("client_id", &client)], json!({"grant_scope": ["openid"]})).await;
    let challenge = query(&location(&browser.get(logout(&world, "")).await), "logout_challenge").expect("a challenge");
    let sid = body(world.read("logout", &challenge).await).await["sid"].as_str().expect("a session").to_owned();
    let next = world.decide("logout", "accept", &challenge, json!({})).await;
    let page = browser.get(next).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("frame-src https://app.example") && policy.contains("default-src 'none'"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("script-src 'sha256-"), "{policy}");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    let page = page.text().await.expect("a page");
    assert!(page.contains("https://app.example/front?a=b&amp;iss=") && page.contains(&sid), "{page}");
    // A script goes on once the frames have loaded; whatever happens, the browser goes on after some seconds.
    assert!(page.contains("content=\"7;url=https://apps.example/bye\"") && page.contains("'load'"), "{page}");
}

/// Hears of logouts, and checks what it hears as the specification asks of a client (Back-Channel Logout section 2.6).
#[tokio::test]
async fn clients_are_told_behind_the_browser_until_they_listen() {
    let target = Target::start().await;
    target.reply(Reply::new(503, "not now"));
    let world = World::with(
        Backend::Sqlite,
        json!({
            "oauth2": {"urls": {"login": LOGIN_APP, "consent": super::world::CONSENT_APP}},
            "outbound": {"allowed_networks": ["127.0.0.1/32"]},
        }),
    )
    .await;
    let browser = world.server.browser();
    let listener = world.register(json!({"backchannel_logout_uri": format!("{}/out?a=b", target.url)})).await;
    for client in [&listener, &world.client] {
        world
            .authorized(&browser, &[("client_id", client), ("prompt", "login")], json!({"grant_scope": ["openid"]}))
            .await;
    }
    let url = location(&browser.get(logout(&world, "")).await);
    let challenge = query(&url, "logout_challenge").expect("a challenge");
    let sid = body(world.read("logout", &challenge).await).await["sid"].as_str().expect("a session").to_owned();
    browser.get(world.decide("logout", "accept", &challenge, json!({})).await).await;

    target.wait_for(1).await;
    // The clock moves once the first answer is written down, and then by the longest that the second attempt may wait.
    settled(&world, "queued").await;
    world.server.advance(Duration::from_secs(5));
    let [refused, heard] = target.wait_for(2).await.try_into().expect("it was called again");
    assert_eq!(refused.body, heard.body, "the same token once more");
    assert_eq!((heard.method.as_str(), heard.path.as_str()), ("POST", "/out?a=b"));
    assert_eq!(heard.headers["content-type"], "application/x-www-form-urlencoded");
    let token = heard.body.strip_prefix("logout_token=").expect("one parameter");
    let (header, claims) = (jwt_part(token, 0), jwt_part(token, 1));
    assert_eq!(header["typ"], "logout+jwt");
    assert_eq!((&claims["aud"], &claims["sub"], &claims["sid"]), (&json!([listener]), &json!("ada"), &json!(sid)));
    assert_eq!(claims["events"], json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    assert_eq!(claims["exp"].as_i64().expect("seconds") - claims["iat"].as_i64().expect("seconds"), 120);
    assert!(claims.get("nonce").is_none() && claims["jti"].is_string());
    let event = settled(&world, "delivered").await;
    assert_eq!((&event["kind"], &event["attempt_count"]), (&json!("oauth2.logout"), &json!(2)), "{event}");
}

/// The only event, once it has been attempted and has this status.
async fn settled(world: &World, status: &str) -> Value {
    for _ in 0..400 {
        let seen = send(world.server.api().get(world.server.admin("/admin/events"))).await.expect(200).body;
        let event = &seen[0];
        if event["status"] == status && event["attempt_count"] != 0 {
            assert_eq!(seen.as_array().map(Vec::len), Some(1), "{seen}");
            return event.clone();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("the event does not become {status}");
}

#[tokio::test]
async fn the_built_in_page_asks_and_both_surfaces_are_left_together() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let trusted = world.register(json!({"skip_consent": true})).await;
    browser.get(world.request(&[("client_id", &trusted)])).await;
    let url = location(&browser.get(logout(&world, "")).await);
    assert_eq!(url.path(), "/ui/logout", "{url}");
    let page = browser.get(url.clone()).await.text().await.expect("a page");
    assert!(page.contains("Sign out?") && !page.contains("<script"), "{page}");
    let challenge = query(&url, "logout_challenge").expect("a challenge");
    let answer = browser.post(world.server.public("/ui/logout"), &[("logout_challenge", &challenge)]).await;
    assert_eq!(answer.status(), 303);
    let answer = browser.get(location(&answer)).await;
    assert_eq!(location(&answer).path(), "/ui/signed-out");
    assert!(browser.get(location(&answer)).await.text().await.expect("a page").contains("You are signed out."));
    let whoami = browser.script(Method::GET, world.server.public("/sessions/whoami")).send().await.expect("an answer");
    assert_eq!(whoami.status(), 401, "the identity's session has ended with it");
    assert_eq!(location(&browser.get(world.request(&[])).await).path(), "/self-service/login/browser");
}

#[tokio::test]
async fn signing_out_at_the_identity_surface_is_enough() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let trusted = world.register(json!({"skip_consent": true})).await;
    let asked = world.request(&[("client_id", &trusted), ("prompt", "none")]);
    assert!(query(&location(&browser.get(&asked).await), "code").is_some());
    let flow = browser.script(Method::GET, world.server.public("/self-service/logout/browser"));
    let flow = body(flow.send().await.expect("an answer")).await;
    browser.get(flow["logout_url"].as_str().expect("an address")).await;
    assert_eq!(query(&location(&browser.get(&asked).await), "error").as_deref(), Some("login_required"));
}
