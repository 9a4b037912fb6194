//! Requests that another site, browser or person made up.

use orrery_testkit::{Backend, Browser, TestServer, on_both_databases};
use reqwest::{Method, Response};
use serde_json::Value;

use super::{PASSWORD, credentials, register};

on_both_databases!(
    a_planted_cookie_does_not_vouch_for_the_persons_flow,
    a_flow_of_another_browser_can_be_neither_read_nor_submitted,
    a_link_signs_nobody_in,
    a_signed_in_person_is_not_led_to_another_site,
    a_logout_link_of_somebody_else_signs_nobody_out,
);

/// The anti-CSRF token in a flow's form.
pub(super) fn token(flow: &Value) -> String {
    let nodes = flow["ui"]["nodes"].as_array().into_iter().flatten();
    let mut tokens = nodes.filter(|node| node["attributes"]["name"] == "csrf_token");
    tokens.next().and_then(|node| node["attributes"]["value"].as_str()).expect("a token").to_owned()
}

async fn begin(server: &TestServer, browser: &Browser, query: &str) -> Value {
    let init = server.public(&format!("/self-service/login/browser{query}"));
    let answer = browser.script(Method::GET, init).send().await.expect("an answer");
    answer.json().await.expect("JSON")
}

fn filled(token: &str) -> Value {
    let mut fields = credentials("ada@example.org", PASSWORD);
    fields["csrf_token"] = token.into();
    fields
}

async fn submit(browser: &Browser, flow: &Value, token: &str) -> Response {
    let action = flow["ui"]["action"].as_str().expect("an action");
    browser.script(Method::POST, action).json(&filled(token)).send().await.expect("an answer")
}

/// A server, and two browsers of which one is hostile.
async fn stage(backend: Backend) -> (TestServer, Browser, Browser) {
    let server = TestServer::start(backend).await;
    assert_eq!(register(&server, "ada@example.org").await.status(), 200);
    let (person, stranger) = (server.browser(), server.browser());
    (server, person, stranger)
}

/// A page on a neighbouring subdomain can add a cookie of the same name, whose secret it knows.
async fn a_planted_cookie_does_not_vouch_for_the_persons_flow(backend: Backend) {
    let (server, person, stranger) = stage(backend).await;
    let (flow, known) = (begin(&server, &person, "").await, begin(&server, &stranger, "").await);
    let cookie = |browser: &Browser| browser.cookies(&server.public("/")).expect("a cookie");
    let both = format!("{}; {}", cookie(&stranger), cookie(&person));
    let send = async |token: String| {
        let action = flow["ui"]["action"].as_str().expect("an action");
        let request = server.api().post(action).header("cookie", &both).header("accept", "application/json");
        request.json(&filled(&token)).send().await.expect("an answer").status()
    };
    assert_eq!(send(token(&known)).await, 403);
    assert_eq!(send(token(&flow)).await, 200, "the person is not locked out by it");
}

async fn a_flow_of_another_browser_can_be_neither_read_nor_submitted(backend: Backend) {
    let (server, person, stranger) = stage(backend).await;
    let (flow, own) = (begin(&server, &person, "").await, begin(&server, &stranger, "").await);
    let id = flow["id"].as_str().expect("an id");
    let read = server.public(&format!("/self-service/login/flows?id={id}"));
    assert_eq!(stranger.script(Method::GET, read).send().await.expect("an answer").status(), 403);
    for token in [token(&own), token(&flow), String::new()] {
        assert_eq!(submit(&stranger, &flow, &token).await.status(), 403);
    }
    assert_eq!(submit(&person, &flow, &token(&flow)).await.status(), 200, "it was not used up by that");
}

async fn a_link_signs_nobody_in(backend: Backend) {
    let (server, person, _) = stage(backend).await;
    let flow = begin(&server, &person, "").await;
    let mut link = reqwest::Url::parse(flow["ui"]["action"].as_str().expect("an action")).expect("a URL");
    for (name, value) in filled(&token(&flow)).as_object().expect("fields") {
        link.query_pairs_mut().append_pair(name, value.as_str().unwrap_or_default());
    }
    person.script(Method::GET, link).send().await.expect("an answer");
    let whoami = person.script(Method::GET, server.public("/sessions/whoami")).send().await.expect("an answer");
    assert_eq!(whoami.status(), 401);
}

async fn a_signed_in_person_is_not_led_to_another_site(backend: Backend) {
    let (server, person, _) = stage(backend).await;
    let own = server.public("/");
    let own = own.trim_end_matches('/');
    for evil in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/.//evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        &format!("{own}@evil.example/"),
        &format!("{own}.evil.example/"),
        &format!("{own}//evil.example/"),
    ] {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", evil).finish();
        for kind in ["login", "registration", "verification"] {
            let init = server.public(&format!("/self-service/{kind}/browser?{query}"));
            let answer = person.script(Method::GET, init).send().await.expect("an answer");
            assert_eq!(answer.status(), 400, "{kind} {evil}");
        }
    }
}

async fn a_logout_link_of_somebody_else_signs_nobody_out(backend: Backend) {
    let (server, person, stranger) = stage(backend).await;
    for browser in [&person, &stranger] {
        let flow = begin(&server, browser, "").await;
        assert_eq!(submit(browser, &flow, &token(&flow)).await.status(), 200);
    }
    let link = stranger.script(Method::GET, server.public("/self-service/logout/browser")).send().await;
    let link: Value = link.expect("an answer").json().await.expect("JSON");
    let link = link["logout_url"].as_str().expect("a link");
    assert_eq!(person.script(Method::GET, link).send().await.expect("an answer").status(), 403);
    let evil = format!("{link}&return_to=https://evil.example/");
    assert_eq!(stranger.script(Method::GET, evil).send().await.expect("an answer").status(), 400);
    for browser in [&person, &stranger] {
        let whoami = browser.script(Method::GET, server.public("/sessions/whoami")).send().await.expect("an answer");
        assert_eq!(whoami.status(), 200);
    }
    let revoke = server.public("/ui/account/sessions/revoke-others");
    assert_eq!(person.post(revoke, &[("csrf_token", "made up")]).await.status(), 403);
}
