//! The built-in sign-in and consent.

use std::time::Duration;

use orrery_testkit::{Backend, Browser};
use reqwest::Method;
use serde_json::json;
use url::Url;

use super::world::{CALLBACK, World, body, location, query};

/// The consent page that a browser was sent to: its challenge and its text.
async fn consent_page(world: &World, browser: &Browser, changes: &[(&str, &str)]) -> (String, String) {
    let answer = browser.get(world.request(changes)).await;
    assert_eq!(answer.status(), 302);
    let url = location(&answer);
    assert_eq!(url.path(), "/ui/consent", "{url}");
    let page = browser.get(url.clone()).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    assert!(policy.contains("https://app.example"), "the answer gets through: {policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "nobody clicks through another page: {policy}");
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    (query(&url, "consent_challenge").expect("a challenge"), page.text().await.expect("a page"))
}

/// Answers the consent page, and follows to the client.
async fn answer(world: &World, browser: &Browser, challenge: &str, decision: &str) -> Url {
    let form = [("consent_challenge", challenge), ("decision", decision), ("remember", "true")];
    let answer = browser.post(world.server.public("/ui/consent"), &form).await;
    assert_eq!(answer.status(), 303);
    let answer = browser.get(location(&answer)).await;
    assert_eq!(answer.status(), 303);
    location(&answer)
}

#[tokio::test]
async fn a_signed_in_person_consents_and_is_not_asked_again_on_sqlite() {
    a_signed_in_person_consents_and_is_not_asked_again(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_signed_in_person_consents_and_is_not_asked_again_on_postgres() {
    a_signed_in_person_consents_and_is_not_asked_again(Backend::Postgres).await;
}

async fn a_signed_in_person_consents_and_is_not_asked_again(backend: Backend) {
    let world = World::built_in(backend).await;
    let browser = world.server.browser();
    let ada = world.with_account(&browser, "ada").await;
    let asked = [("scope", "openid offline email photos.read")];
    let (challenge, page) = consent_page(&world, &browser, &asked).await;
    for words in
        ["Photo printer", "ada@example.org", "know who you are", "stay connected", "photos.read", "Do not allow"]
    {
        assert!(page.contains(words), "{words} in {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    let url = answer(&world, &browser, &challenge, "allow").await;
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    assert_eq!(query(&url, "scope").as_deref(), Some("openid offline email photos.read"));

    // Remembered: not even a page in between, and `prompt=none` is enough.
    for changes in [vec![], vec![("prompt", "none")]] {
        let again = browser.get(world.request(&changes)).await;
        assert_eq!(again.status(), 303, "{changes:?}");
        assert!(query(&location(&again), "code").is_some());
    }
    let list = world.server.admin(&format!("/admin/oauth2/auth/sessions/consent?subject={ada}"));
    let listed = body(world.server.api().get(list).send().await.expect("an answer")).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "what nobody was asked for is not listed: {listed}");
    assert_eq!(listed[0]["consent_request"]["acr"], "aal1");
    assert_eq!(listed[0]["consent_request"]["amr"], json!(["password"]));
    // More than was granted, or asked to ask.
    for changes in [("audience", "https://api.example"), ("prompt", "consent")] {
        assert_eq!(location(&browser.get(world.request(&[changes])).await).path(), "/ui/consent", "{changes:?}");
    }
}

#[tokio::test]
async fn whoever_does_not_consent_gives_nothing() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let (challenge, _) = consent_page(&world, &browser, &[]).await;
    let url = answer(&world, &browser, &challenge, "deny").await;
    assert_eq!((query(&url, "error").as_deref(), query(&url, "code")), (Some("access_denied"), None));
    consent_page(&world, &browser, &[]).await;
}

#[tokio::test]
async fn whoever_is_not_signed_in_signs_in_and_comes_back() {
    let world = World::built_in(Backend::Sqlite).await;
    let trusted = world.register(json!({"skip_consent": true})).await;
    let browser = world.server.browser();
    let none = browser.get(world.request(&[("prompt", "none")])).await;
    assert_eq!(query(&location(&none), "error").as_deref(), Some("login_required"));

    let asked = [("client_id", trusted.as_str())];
    let answer = browser.get(world.request(&asked)).await;
    let url = location(&answer);
    assert_eq!(url.path(), "/self-service/login/browser", "{url}");
    let back = query(&url, "return_to").expect("an address");
    assert!(back.starts_with(&world.server.public("/oauth2/auth?login_challenge=")), "{back}");
    // The login page lets its form lead to the client.
    let page = browser.follow(url).await;
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("form-action 'self'") && policy.contains("https://app.example"), "{policy}");
    // Whoever comes back without having signed in is sent to do so.
    assert_eq!(location(&browser.get(&back).await).path(), "/self-service/login/browser");
    world.with_account(&browser, "ada").await;
    let answer = browser.get(&back).await;
    assert_eq!(answer.status(), 303);
    assert!(query(&location(&answer), "code").is_some());
    // Another browser cannot go on with it.
    let other = world.server.browser();
    world.with_account(&other, "mallory").await;
    assert_eq!(location(&other.get(&back).await).path(), "/ui/oauth2/error");
}

#[tokio::test]
async fn a_long_request_waits_for_whoever_comes_back_without_signing_in() {
    let world = World::built_in(Backend::Sqlite).await;
    let trusted = world.register(json!({"skip_consent": true})).await;
    let browser = world.server.browser();
    let state = "s".repeat(3000);
    let answer = browser.get(world.request(&[("client_id", trusted.as_str()), ("state", &state)])).await;
    let mut back = query(&location(&answer), "return_to").expect("an address");
    for _ in 0..2 {
        let url = location(&browser.get(&back).await);
        assert_eq!(url.path(), "/self-service/login/browser");
        back = query(&url, "return_to").expect("an address");
    }
    world.with_account(&browser, "ada").await;
    let url = location(&browser.get(&back).await);
    assert!(query(&url, "code").is_some() && query(&url, "state") == Some(state), "{url}");
}

#[tokio::test]
async fn an_application_says_whom_it_expects_and_in_which_language() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    let read = async |url: Url| {
        let page = browser.follow(url).await;
        let language = page.headers()["content-language"].to_str().expect("text").to_owned();
        (page.url().clone(), language, page.text().await.expect("a page"))
    };
    let asked = [("login_hint", "ada\"><b>@example.org"), ("ui_locales", "fr-CA de-CH en")];
    let begun = location(&browser.get(world.request(&asked)).await);
    let (page, language, text) = read(begun.clone()).await;
    assert_eq!((page.path(), language.as_str()), ("/ui/login", "de"), "French there is none of");
    assert!(text.contains("value=\"ada&quot;&gt;&lt;b&gt;@example.org\"") && !text.contains("<b>"), "{text}");
    // A reload shows the same; whoever chooses another language keeps it.
    let (_, language, text) = read(page.clone()).await;
    assert!(language == "de" && text.contains("ada&quot;"), "{language} {text}");
    let mut english = page.clone();
    english.query_pairs_mut().append_pair("lang", "en");
    assert_eq!(read(english).await.1, "en");
    assert_eq!(read(page).await.1, "en");

    let browser = world.server.browser();
    let mut asked = vec![("prompt", "create"), ("login_hint", "ada@example.org"), ("ui_locales", "de")];
    let page = browser.follow(location(&browser.get(world.request(&asked)).await)).await;
    assert_eq!(page.url().path(), "/ui/registration");
    assert_eq!(page.headers()["content-language"], "de");
    assert!(page.text().await.expect("a page").contains("value=\"ada@example.org\""));
    world.with_account(&browser, "ada").await;
    asked.remove(0);
    let page = browser.get(location(&browser.get(world.request(&asked)).await)).await;
    assert_eq!(page.url().path(), "/ui/consent");
    assert_eq!(page.headers()["content-language"], "de");
}

#[tokio::test]
async fn prompt_login_and_max_age_ask_whoever_is_signed_in_again() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    world.server.advance(Duration::from_secs(120));
    for changes in [("prompt", "login"), ("max_age", "60"), ("max_age", "0")] {
        let url = location(&browser.get(world.request(&[changes])).await);
        assert_eq!(url.path(), "/self-service/login/browser", "{changes:?}");
        assert_eq!(query(&url, "refresh").as_deref(), Some("true"), "{changes:?}");
        let back = query(&url, "return_to").expect("an address");
        assert_eq!(location(&browser.get(back).await).path(), "/self-service/login/browser", "not without signing in");
    }
    assert_eq!(location(&browser.get(world.request(&[("max_age", "600")])).await).path(), "/ui/consent");
}

#[tokio::test]
async fn the_consent_page_is_for_the_browser_that_began() {
    let world = World::built_in(Backend::Sqlite).await;
    let (victim, attacker) = (world.server.browser(), world.server.browser());
    world.with_account(&victim, "ada").await;
    world.with_account(&attacker, "mallory").await;
    let (challenge, _) = consent_page(&world, &attacker, &[]).await;
    let page = world.server.public(&format!("/ui/consent?consent_challenge={challenge}"));
    assert_eq!(victim.get(page).await.status(), 403);
    let form = [("consent_challenge", challenge.as_str()), ("decision", "allow")];
    assert_eq!(victim.post(world.server.public("/ui/consent"), &form).await.status(), 403);
    let garbage = [("consent_challenge", "x"), ("decision", "allow")];
    assert_eq!(victim.post(world.server.public("/ui/consent"), &garbage).await.status(), 404);
}

#[tokio::test]
async fn an_application_that_is_signed_out_in_between_gets_no_code() {
    let world = World::built_in(Backend::Sqlite).await;
    let browser = world.server.browser();
    let ada = world.with_account(&browser, "ada").await;
    let (challenge, _) = consent_page(&world, &browser, &[]).await;
    let url = world.server.admin(&format!("/admin/identities/{ada}/sessions"));
    let gone = world.server.api().request(Method::DELETE, url).send().await.expect("an answer");
    assert_eq!(gone.status(), 204);
    let url = answer(&world, &browser, &challenge, "allow").await;
    assert_eq!((query(&url, "error").as_deref(), query(&url, "code")), (Some("login_required"), None));
}

#[tokio::test]
async fn hostile_names_and_links_of_a_client_stay_text() {
    let world = World::built_in(Backend::Sqlite).await;
    let name = "<script>alert(1)</script>";
    let hostile = world.register(json!({"client_name": name})).await;
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let (_, page) = consent_page(&world, &browser, &[("client_id", &hostile)]).await;
    assert!(!page.contains(name) && page.contains("&lt;script&gt;"), "{page}");
    let german = browser.get(world.request(&[("client_id", &hostile)])).await;
    let mut url = location(&german);
    url.query_pairs_mut().append_pair("lang", "de");
    let page = browser.get(url).await.text().await.expect("a page");
    assert!(page.contains("möchte dein Konto nutzen") && page.contains("wissen, wer du bist"), "{page}");
}

/// The form that carries an answer stands in a frame of the client's own, at most.
#[tokio::test]
async fn an_answer_in_a_form_is_framed_by_its_client_alone() {
    let world = World::built_in(Backend::Sqlite).await;
    let native = world.register(json!({"redirect_uris": ["com.example.app:/callback"]})).await;
    for (changes, ancestors) in [
        (vec![], "frame-ancestors https://app.example;"),
        (
            vec![("client_id", native.as_str()), ("redirect_uri", "com.example.app:/callback")],
            "frame-ancestors 'none';",
        ),
    ] {
        let mut asked = vec![("response_mode", "form_post"), ("scope", "bogus")];
        asked.extend(changes);
        let page = world.server.browser().get(world.request(&asked)).await;
        assert_eq!(page.status(), 200, "{asked:?}");
        let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
        assert!(policy.contains(ancestors), "{policy}");
        assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    }
}
