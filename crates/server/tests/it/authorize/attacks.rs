//! What attackers try, each named after what it would bring them.

use orrery_testkit::Backend;
use serde_json::{Value, json};

use super::world::{LOGIN_APP, World, body, location, query, told};
use crate::stage::send;

#[tokio::test]
async fn nobody_finishes_in_their_browser_what_another_browser_began() {
    let world = World::external(Backend::Sqlite).await;
    let (attacker, victim) = (world.server.browser(), world.server.browser());
    // Login fixation: the attacker signs in and has the victim bring the verifier.
    let challenge = world.begin(&attacker, &[]).await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "mallory", "remember": true})).await;
    let (status, page) = told(&victim, victim.get(&next).await).await;
    assert_eq!(status, 403);
    assert!(page.contains("another browser"), "{page}");
    assert!(victim.cookies(&world.server.public("/")).is_none_or(|cookies| !cookies.contains("oauth2_session")));
    // The attacker can still finish: the attempt has used up nothing.
    let consent = query(&location(&attacker.get(&next).await), "consent_challenge").expect("a challenge");
    // Consent fixation: the victim consents, the attacker collects, or the other way around.
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let (status, _) = told(&victim, victim.get(&next).await).await;
    assert_eq!(status, 403);
    let url = location(&attacker.get(&next).await);
    assert!(query(&url, "code").is_some(), "{url}");
}

#[tokio::test]
async fn a_cookie_of_another_authorization_does_not_help() {
    let world = World::external(Backend::Sqlite).await;
    let (attacker, victim) = (world.server.browser(), world.server.browser());
    world.begin(&victim, &[]).await;
    let challenge = world.begin(&attacker, &[]).await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "mallory"})).await;
    let (status, _) = told(&victim, victim.get(&next).await).await;
    assert_eq!(status, 403);
}

#[tokio::test]
async fn a_replayed_verifier_is_denied() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let challenge = world.begin(&browser, &[]).await;
    let login = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    let consent = query(&location(&browser.get(&login).await), "consent_challenge").expect("a challenge");
    assert_eq!(query(&location(&browser.get(&login).await), "error").as_deref(), Some("access_denied"));
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let first = browser.get(&next).await;
    assert!(query(&location(&first), "code").is_some());
    let (status, _) = told(&browser, browser.get(&next).await).await;
    assert_eq!(status, 403, "the cookie of the authorization is gone");
}

#[tokio::test]
async fn sixteen_browsers_with_the_same_verifier_get_one_code() {
    let world = World::external(Backend::Postgres).await;
    let browser = world.server.browser();
    let consent = world.signed_in(&browser, &[], json!({"subject": "ada"})).await;
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let answers = futures_util::future::join_all((0..16).map(|_| browser.get(&next))).await;
    let codes = answers.iter().filter(|answer| query(&location(answer), "code").is_some()).count();
    assert_eq!(codes, 1);
}

#[tokio::test]
async fn one_kind_of_sealed_text_does_not_pass_for_another() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let login = world.begin(&browser, &[]).await;
    let consent = world.signed_in(&browser, &[], json!({"subject": "ada"})).await;
    assert_eq!(world.read("consent", &login).await.status(), 404);
    assert_eq!(world.read("login", &consent).await.status(), 404);
    for query in [
        format!("login_verifier={login}"),
        format!("login_verifier={consent}"),
        format!("consent_verifier={consent}"),
        format!("login_challenge={consent}"),
    ] {
        let answer = browser.get(world.server.public(&format!("/oauth2/auth?{query}"))).await;
        assert_eq!(location(&answer).path(), "/ui/oauth2/error", "{query}");
    }
}

#[tokio::test]
async fn a_consent_application_grants_no_more_than_the_client_is_registered_for() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let greedy = json!({"grant_scope": ["openid", "photos.write", "admin", "*"], "remember": true,
        "grant_access_token_audience": ["https://api.example/v1", "https://bank.example"]});
    let url = world.authorized(&browser, &[], greedy).await;
    assert_eq!(query(&url, "scope").as_deref(), Some("openid photos.write"));
    let list = world.server.admin("/admin/oauth2/auth/sessions/consent?subject=ada");
    let listed: Value = body(world.server.api().get(list).send().await.expect("an answer")).await;
    assert_eq!(listed[0]["grant_access_token_audience"], json!(["https://api.example/v1"]));
}

#[tokio::test]
async fn a_stolen_challenge_reveals_nothing_on_the_public_listener() {
    let world = World::external(Backend::Sqlite).await;
    let challenge = world.begin(&world.server.browser(), &[]).await;
    let url = world.server.public(&format!("/admin/oauth2/auth/requests/login?login_challenge={challenge}"));
    assert_eq!(world.server.api().get(url).send().await.expect("an answer").status(), 404);
    assert!(!challenge.contains("photos"), "it is sealed");
}

#[tokio::test]
async fn an_answer_goes_to_the_address_of_the_request_even_when_the_client_changes_meanwhile() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let challenge = world.begin(&browser, &[]).await;
    let url = world.server.admin(&format!("/admin/clients/{}", world.client));
    let patch = json!([{"op": "replace", "path": "/redirect_uris", "value": ["https://new.example/cb"]}]);
    let patched = world.server.api().patch(url).json(&patch).send().await.expect("an answer");
    assert_eq!(patched.status(), 200);
    let answer = world.put("login", "accept", &challenge, &json!({"subject": "ada"})).await;
    assert_eq!(answer.status(), 400, "the address is not registered any more");
}

#[tokio::test]
async fn another_person_in_the_browser_gets_another_session() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let first = world.begin(&browser, &[]).await;
    let sid = body(world.read("login", &first).await).await["session_id"].clone();
    let next = world.decide("login", "accept", &first, json!({"subject": "ada", "remember": true})).await;
    browser.get(next).await;
    let consent = world.signed_in(&browser, &[("prompt", "login")], json!({"subject": "bob", "remember": true})).await;
    let bobs = body(world.read("consent", &consent).await).await;
    assert_ne!(bobs["login_session_id"], sid);
    let again = world.begin(&browser, &[]).await;
    assert_eq!(body(world.read("login", &again).await).await["subject"], "bob");
}

/// RFC 9700 section 4.11.2: whoever may register an address must not have this server send people there.
#[tokio::test]
async fn nobody_redirects_people_under_our_name() {
    let registration = json!({"dynamic_client_registration": {"enabled": true, "default_scope": ["openid"]}});
    for urls in [json!({}), json!({"login": LOGIN_APP, "error": "https://apps.example/error"})] {
        let config = json!({"oauth2": {"oidc": registration, "urls": urls}});
        let mut world = World::with(Backend::Sqlite, config).await;
        let body = json!({"redirect_uris": ["https://phish.example/now"], "response_types": ["code"],
            "post_logout_redirect_uris": ["https://phish.example/now"], "grant_types": ["authorization_code"]});
        let made = send(world.server.api().post(world.server.public("/oauth2/register")).json(&body)).await.expect(201);
        world.client = made.body["client_id"].as_str().expect("an id").to_owned();
        let browser = world.server.browser();
        let phish = ("redirect_uri", "https://phish.example/now");
        for changes in [
            vec![phish, ("scope", "bogus")],
            vec![phish, ("scope", "openid"), ("prompt", "none")],
            vec![phish, ("scope", "openid"), ("prompt", "bogus")],
            vec![phish, ("scope", "openid"), ("response_type", "token")],
            vec![phish, ("scope", "openid"), ("id_token_hint", "x.y.z")],
            vec![phish, ("scope", "bogus"), ("response_mode", "form_post")],
        ] {
            let answer = browser.get(world.request(&changes)).await;
            assert_eq!(answer.status(), 302, "{changes:?}");
            let url = location(&answer);
            assert_ne!(url.host_str(), Some("phish.example"), "{changes:?}");
            if changes.iter().any(|(name, _)| *name == "response_mode") {
                continue;
            }
            let (status, page) = told(&browser, answer).await;
            assert_eq!(status, 400, "{changes:?}");
            assert!(page.contains("nobody has checked it") && page.contains("Go on to phish.example"), "{page}");
            assert!(page.contains("href=\"https:&#x2f;&#x2f;phish.example&#x2f;now?error="), "{page}");
        }
        let out = format!("client_id={}&post_logout_redirect_uri=https://phish.example/now", world.client);
        let answer = browser.get(world.server.public(&format!("/oauth2/sessions/logout?{out}"))).await;
        assert_ne!(location(&answer).host_str(), Some("phish.example"));
    }
}

/// Whoever is signed in is asked nothing when an application renews its sign-in in silence, whoever registered that.
#[tokio::test]
async fn a_client_that_registered_itself_renews_in_silence() {
    let registration = json!({"dynamic_client_registration": {"enabled": true, "default_scope": ["openid"]}});
    let mut world = World::with(Backend::Sqlite, json!({"oauth2": {"oidc": registration}})).await;
    let body = json!({"redirect_uris": ["https://app.example/callback"], "response_types": ["code"]});
    let made = send(world.server.api().post(world.server.public("/oauth2/register")).json(&body)).await.expect(201);
    world.client = made.body["client_id"].as_str().expect("an id").to_owned();
    let browser = world.server.browser();
    world.with_account(&browser, "ada").await;
    let silent = world.request(&[("scope", "openid"), ("prompt", "none")]);
    let url = location(&browser.get(&silent).await);
    assert_eq!(query(&url, "error").as_deref(), Some("consent_required"), "{url}");
    // The question says where it leads.
    let page = browser.get(location(&browser.get(world.request(&[("scope", "openid")])).await)).await;
    let page = page.text().await.expect("a page");
    assert!(page.contains("nobody has checked it") && page.contains("app.example"), "{page}");
    // An administrator can make it one that is trusted.
    let client = world.server.admin(&format!("/admin/clients/{}", world.client));
    let trust = json!([{"op": "replace", "path": "/skip_consent", "value": true}]);
    send(world.server.api().patch(client).json(&trust)).await.expect(200);
    let url = location(&world.server.browser().get(&silent).await);
    assert_eq!((url.host_str(), query(&url, "error").as_deref()), (Some("app.example"), Some("login_required")));
}
