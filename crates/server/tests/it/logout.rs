//! Signing out.

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde_json::json;

use crate::stage::{Jar, Stage, send};

on_both_databases! {
    following_the_link_signs_out,
    a_browser_goes_where_it_asked_to,
    nobody_is_sent_to_strangers_after_signing_out,
    nobody_is_signed_out_by_somebody_elses_link,
    apps_hand_in_their_token,
    a_browser_is_asked_to_forget_the_site_where_that_is_configured,
}

async fn a_browser_is_asked_to_forget_the_site_where_that_is_configured(backend: Backend) {
    let clear = json!({"after": {"clear_browser_data": true}});
    for (flow, expected) in [(clear, Some("\"cache\", \"storage\"")), (json!({}), None)] {
        let stage = Stage::with(backend, json!({"identity": {"selfservice": {"flows": {"logout": flow}}}})).await;
        stage.person("ada@example.org").await;
        let mut jar = Jar::default();
        jar.login(&stage, "ada@example.org").await;
        let link = link(&stage, &mut jar, "").await;
        let answer = jar.script(stage.public(Method::GET, &link)).await.expect(204);
        assert_eq!(answer.header("clear-site-data"), expected);
    }
}

/// The logout link of a browser, relative to the public listener.
async fn link(stage: &Stage, jar: &mut Jar, query: &str) -> String {
    let path = format!("/self-service/logout/browser{query}");
    let answer = jar.script(stage.public(Method::GET, &path)).await.expect(200);
    let token = answer.body["logout_token"].as_str().expect("a token");
    assert!(token.starts_with("ory_lo_") && token.len() == 39, "{token}");
    let url = answer.body["logout_url"].as_str().expect("a link");
    assert!(url.contains(token));
    url.strip_prefix(&stage.public_url()).expect("a link to the public listener").to_owned()
}

async fn following_the_link_signs_out(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    let csrf = jar.0.iter().find(|(name, _)| name.starts_with("csrf_token_")).cloned().expect("a CSRF cookie");
    let before = jar.clone();
    let link = link(&stage, &mut jar, "").await;
    jar.script(stage.public(Method::GET, &link)).await.expect(204);
    assert!(jar.get("ory_kratos_session").is_none(), "the cookie is gone");
    assert_ne!(jar.get(&csrf.0), Some(csrf.1.as_str()), "and so is what a page knew about this browser");
    // Whoever kept the cookie has nothing.
    before.clone().script(stage.public(Method::GET, "/sessions/whoami")).await.expect(401);
    // Signing out twice is no success.
    let again = before.clone().script(stage.public(Method::GET, &link)).await.expect(401);
    assert_eq!(again.error_id(), "session_inactive");
}

async fn a_browser_goes_where_it_asked_to(backend: Backend) {
    let stage = Stage::returning(backend).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    let to = "?return_to=https%3A%2F%2Fapp.example.org%2Fbye%3Fa%3Db";
    let link = link(&stage, &mut jar, to).await;
    let answer = jar.send(stage.public(Method::GET, &link).header("accept", "text/html")).await.expect(303);
    assert_eq!(answer.header("location"), Some("https://app.example.org/bye?a=b"));
    // Without a session the browser is told on the error page.
    let answer = jar.send(stage.public(Method::GET, &link).header("accept", "text/html")).await.expect(303);
    assert!(answer.header("location").is_some_and(|location| location.contains("/error?id=")));
}

async fn nobody_is_sent_to_strangers_after_signing_out(backend: Backend) {
    let stage = Stage::returning(backend).await;
    stage.person("ada@example.org").await;
    let mut jar = Jar::default();
    jar.login(&stage, "ada@example.org").await;
    let link = link(&stage, &mut jar, "").await;
    for evil in
        ["https://evil.example", "//evil.example", "https://app.example.org.evil.example/", "javascript:alert(1)"]
    {
        let evil: String = url::form_urlencoded::byte_serialize(evil.as_bytes()).collect();
        let request = stage.public(Method::GET, &format!("{link}&return_to={evil}"));
        let answer = jar.script(request).await.expect(400);
        assert_eq!(answer.error_id(), "self_service_flow_return_to_forbidden");
        let asked = stage.public(Method::GET, &format!("/self-service/logout/browser?return_to={evil}"));
        jar.script(asked).await.expect(400);
    }
    jar.script(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
}

async fn nobody_is_signed_out_by_somebody_elses_link(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    stage.person("eve@example.org").await;
    let (mut ada, mut eve) = (Jar::default(), Jar::default());
    ada.login(&stage, "ada@example.org").await;
    eve.login(&stage, "eve@example.org").await;
    let eves = link(&stage, &mut eve, "").await;
    // Eve makes Ada's browser open Eve's link, or one that Eve invented.
    ada.script(stage.public(Method::GET, &eves)).await.expect(403);
    for invented in ["?token=ory_lo_00000000000000000000000000000000", "?token=x"] {
        let path = format!("/self-service/logout{invented}");
        ada.script(stage.public(Method::GET, &path)).await.expect(403);
    }
    ada.script(stage.public(Method::GET, "/self-service/logout")).await.expect(400);
    ada.script(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
    // Eve cannot use her link without her session, either.
    send(stage.public(Method::GET, &eves).header("accept", "application/json")).await.expect(401);
    eve.script(stage.public(Method::GET, "/sessions/whoami")).await.expect(200);
}

async fn apps_hand_in_their_token(backend: Backend) {
    let stage = Stage::start(backend).await;
    stage.person("ada@example.org").await;
    let (token, _) = stage.login("ada@example.org").await;
    let logout = |body: serde_json::Value| stage.public(Method::DELETE, "/self-service/logout/api").json(&body);
    send(logout(json!({}))).await.expect(400);
    send(logout(json!({"session_token": 7}))).await.expect(400);
    send(logout(json!({"session_token": "ory_st_00000000000000000000000000000000"}))).await.expect(403);
    stage.whoami(&token).await.expect(200);
    send(logout(json!({"session_token": token}))).await.expect(204);
    stage.whoami(&token).await.expect(401);
}
