//! Pushed authorization requests (RFC 9126).

use std::time::Duration;

use orrery_testkit::{Backend, Browser};
use reqwest::Response;
use serde_json::{Value, json};
use url::Url;

use super::world::{World, body, location, query, told};
use crate::stage::merge;

/// A client with a secret.
struct Pusher {
    id: String,
    secret: String,
}

async fn pusher(world: &World, extra: Value) -> Pusher {
    let mut members = json!({"scope": "openid", "token_endpoint_auth_method": "client_secret_post"});
    merge(&mut members, &extra);
    let client = world.registered(members).await;
    let text = |name: &str| client[name].as_str().expect("text").to_owned();
    Pusher { id: text("client_id"), secret: text("client_secret") }
}

async fn push(world: &World, client: &Pusher, changes: &[(&str, &str)]) -> Response {
    let mut asked = vec![("client_id", client.id.as_str()), ("scope", "openid")];
    asked.extend(changes.iter().copied());
    let url = Url::parse(&world.request(&asked)).expect("a URL");
    let mut form: Vec<_> = url.query_pairs().collect();
    form.push(("client_secret".into(), client.secret.as_str().into()));
    let call = world.server.api().post(world.server.public("/oauth2/par")).form(&form);
    call.send().await.expect("an answer")
}

async fn bring(world: &World, browser: &Browser, client: &str, request_uri: &str) -> Response {
    let mut url = Url::parse(&world.server.public("/oauth2/auth")).expect("a URL");
    url.query_pairs_mut().append_pair("client_id", client).append_pair("request_uri", request_uri);
    browser.get(url).await
}

#[tokio::test]
async fn a_pushed_request_is_good_once_for_its_client_and_for_a_short_time() {
    let world = World::external(Backend::Sqlite).await;
    let (browser, client) = (world.server.browser(), pusher(&world, json!({})).await);
    let answer = push(&world, &client, &[]).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["cache-control"].to_str().ok()), (201, Some("no-store")));
    let pushed = body(answer).await;
    let uri = pushed["request_uri"].as_str().expect("text");
    assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");
    assert_eq!(pushed["expires_in"], 90);

    let (status, page) = told(&browser, bring(&world, &browser, &world.client, uri).await).await;
    assert_eq!(status, 400, "another client: {page}");
    // Two tabs; the first decision counts.
    let one =
        query(&location(&bring(&world, &browser, &client.id, uri).await), "login_challenge").expect("a challenge");
    let two =
        query(&location(&bring(&world, &browser, &client.id, uri).await), "login_challenge").expect("a challenge");
    world.decide("login", "accept", &one, json!({"subject": "ada"})).await;
    assert_eq!(world.put("login", "accept", &two, &json!({"subject": "ada"})).await.status(), 410);
    let (status, _) = told(&browser, bring(&world, &browser, &client.id, uri).await).await;
    assert_eq!(status, 400);

    let pushed = body(push(&world, &client, &[]).await).await;
    world.server.advance(Duration::from_secs(91));
    let late = bring(&world, &browser, &client.id, pushed["request_uri"].as_str().expect("text")).await;
    assert_eq!(told(&browser, late).await.0, 400);
}

#[tokio::test]
async fn what_is_wrong_is_told_at_once_and_nobody_pushes_for_another() {
    let world = World::external(Backend::Sqlite).await;
    let client = pusher(&world, json!({})).await;
    for (changes, error) in [
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
        (("state", "short"), "invalid_state"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
    ] {
        let answer = push(&world, &client, &[changes]).await;
        assert_eq!(answer.status(), 400, "{changes:?}");
        assert_eq!(body(answer).await["error"], error, "{changes:?}");
    }
    let stranger = Pusher { secret: "wrong".to_owned(), id: client.id.clone() };
    assert_eq!(push(&world, &stranger, &[]).await.status(), 401);
}

#[tokio::test]
async fn a_client_that_must_push_cannot_send_the_browser_with_its_request() {
    let world = World::external(Backend::Sqlite).await;
    let client = pusher(&world, json!({"require_pushed_authorization_requests": true})).await;
    let browser = world.server.browser();
    let direct = browser.get(world.request(&[("client_id", &client.id), ("scope", "openid")])).await;
    assert_eq!(told(&browser, direct).await.0, 400);
    let pushed = body(push(&world, &client, &[]).await).await;
    let answer = bring(&world, &browser, &client.id, pushed["request_uri"].as_str().expect("text")).await;
    assert!(query(&location(&answer), "login_challenge").is_some());
}
