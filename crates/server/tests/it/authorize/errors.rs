//! Requests that are refused, and who is told.

use orrery_testkit::Backend;
use reqwest::header::ACCEPT;

use super::world::{CALLBACK, World, body, location, query, told};

#[tokio::test]
async fn what_no_client_may_be_told_is_told_to_the_person() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    for changes in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", "https://app.example/callback/"),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", ""),
        ("response_mode", "web_message"),
    ] {
        let answer = browser.get(world.request(&[changes])).await;
        let url = location(&answer);
        assert_eq!(url.path(), "/ui/oauth2/error", "{changes:?}");
        let (status, page) = told(&browser, answer).await;
        assert_eq!(status, 400, "{changes:?}");
        assert!(page.contains("cannot be answered"), "{page}");
    }
    let answer = world.server.api().get(world.request(&[("client_id", "nobody")])).header(ACCEPT, "application/json");
    let answer = answer.send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(body(answer).await["error"], "invalid_client");
}

#[tokio::test]
async fn the_error_page_says_only_what_the_server_sealed() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let page =
        browser.get(world.server.public("/ui/oauth2/error?error=x&error_description=Call+1-800&detail=zzz")).await;
    assert_eq!(page.status(), 404);
    assert!(!page.text().await.expect("a page").contains("Call 1-800"));
}

#[tokio::test]
async fn a_configured_error_page_gets_code_and_description() {
    let config = serde_json::json!({"oauth2": {"urls": {"error": "https://apps.example/error?a=b"}}});
    let world = World::with(Backend::Sqlite, config).await;
    let answer = world.server.browser().get(world.request(&[("redirect_uri", "https://evil.example/")])).await;
    let url = location(&answer);
    assert!(
        url.as_str().starts_with("https://apps.example/error?a=b&error=invalid_request&error_description="),
        "{url}"
    );
}

#[tokio::test]
async fn everything_else_is_told_to_the_client_before_anybody_signs_in() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    for (changes, error) in [
        (("scope", "openid admin"), "invalid_scope"),
        (("audience", "https://other.example"), "invalid_request"),
        (("resource", "https://other.example"), "invalid_target"),
        (("response_type", "token"), "unsupported_response_type"),
        (("state", "1234567"), "invalid_state"),
        (("nonce", "1234567"), "insufficient_entropy"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "x"), "invalid_request"),
        (("id_token_hint", "x.y.z"), "invalid_request"),
    ] {
        let answer = browser.get(world.request(&[changes])).await;
        assert_eq!(answer.status(), 303, "{changes:?}");
        let url = location(&answer);
        assert!(url.as_str().starts_with(CALLBACK), "{url}");
        assert_eq!(query(&url, "error").as_deref(), Some(error), "{changes:?}");
        assert!(query(&url, "iss").is_some() && query(&url, "state").is_some());
    }
    let twice = format!("{}&scope=openid", world.request(&[]));
    assert_eq!(query(&location(&browser.get(twice).await), "error").as_deref(), Some("invalid_request"));
    let answer = browser.get(world.request(&[("scope", "x"), ("response_mode", "fragment")])).await;
    let url = location(&answer);
    assert!(
        url.query().is_none() && url.fragment().is_some_and(|fragment| fragment.starts_with("error=invalid_scope"))
    );
}
