//! Login and consent applications elsewhere: the contract that they know.

use std::time::Duration;

use orrery_testkit::Backend;
use serde_json::json;

use super::world::{CALLBACK, CONSENT_APP, LOGIN_APP, World, body, location, query};
use crate::stage::{jwt_part, send};

#[tokio::test]
async fn a_code_comes_of_login_and_consent_on_sqlite() {
    a_code_comes_of_login_and_consent(Backend::Sqlite).await;
}

#[tokio::test]
async fn a_code_comes_of_login_and_consent_on_postgres() {
    a_code_comes_of_login_and_consent(Backend::Postgres).await;
}

async fn a_code_comes_of_login_and_consent(backend: Backend) {
    let world = World::external(backend).await;
    let browser = world.server.browser();
    let asked =
        [("prompt", "login"), ("login_hint", "ada"), ("ui_locales", "de en"), ("audience", "https://api.example/v1")];
    let challenge = world.begin(&browser, &asked).await;
    assert!(challenge.len() <= 640, "{}", challenge.len());

    let read = world.read("login", &challenge).await;
    assert_eq!(read.status(), 200);
    let login = body(read).await;
    assert_eq!(
        (&login["skip"], &login["subject"], &login["challenge"]),
        (&json!(false), &json!(""), &json!(challenge))
    );
    assert_eq!(login["requested_scope"], json!(["openid", "photos.read"]));
    assert_eq!(login["requested_access_token_audience"], json!(["https://api.example/v1"]));
    assert_eq!(login["oidc_context"], json!({"login_hint": "ada", "ui_locales": ["de", "en"]}));
    assert_eq!(login["client"]["client_id"], json!(world.client));
    assert!(
        login["request_url"]
            .as_str()
            .is_some_and(|url| url.contains("/oauth2/auth?") && url.contains("login_hint=ada"))
    );

    let accept = json!({"subject": "ada", "remember": true, "remember_for": 3600, "acr": "2", "amr": ["pwd"],
        "context": {"from": "login"}});
    let next = world.decide("login", "accept", &challenge, accept).await;
    let answer = browser.get(next).await;
    assert_eq!(answer.status(), 302);
    let challenge = query(&location(&answer), "consent_challenge").expect("a challenge");
    assert!(challenge.len() <= 72, "{}", challenge.len());

    let consent = body(world.read("consent", &challenge).await).await;
    assert_eq!((&consent["skip"], &consent["subject"], &consent["acr"]), (&json!(false), &json!("ada"), &json!("2")));
    assert_eq!((&consent["amr"], &consent["context"]), (&json!(["pwd"]), &json!({"from": "login"})));
    assert_eq!(consent["login_session_id"], login["session_id"]);
    assert_eq!(consent["consent_request_id"].as_str().map(str::len), Some(32));

    let accept = json!({"grant_scope": ["openid", "photos.read"], "handled_at": "2026-01-01T00:00:00Z",
        "grant_access_token_audience": ["https://api.example/v1"], "session": {"id_token": {"email": "ada@example.org"}}});
    let next = world.decide("consent", "accept", &challenge, accept).await;
    let answer = browser.get(next).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let url = location(&answer);
    assert!(url.as_str().starts_with(CALLBACK), "{url}");
    assert!(query(&url, "code").is_some_and(|code| code.starts_with("ory_ac_")));
    assert_eq!(query(&url, "state").as_deref(), Some("a state of some length"));
    assert_eq!(query(&url, "scope").as_deref(), Some("openid photos.read"));
    assert!(query(&url, "iss").is_some(), "RFC 9207");
}

#[tokio::test]
async fn old_clients_send_the_challenge_under_its_old_name() {
    let world = World::external(Backend::Sqlite).await;
    let challenge = world.begin(&world.server.browser(), &[]).await;
    let url = world.server.admin(&format!("/oauth2/auth/requests/login?challenge={challenge}"));
    assert_eq!(world.server.api().get(url).send().await.expect("an answer").status(), 200);
    let missing = world.server.api().get(world.server.admin("/admin/oauth2/auth/requests/login")).send().await;
    let missing = missing.expect("an answer");
    assert_eq!(missing.status(), 400);
    assert_eq!(body(missing).await["error"], "invalid_request");
}

#[tokio::test]
async fn a_remembered_person_is_skipped_and_stays_who_they_are() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let consent = json!({"grant_scope": ["openid", "photos.*"], "remember": true});
    world.authorized(&browser, &[], consent).await;

    let challenge = world.begin(&browser, &[("prompt", "none")]).await;
    let login = body(world.read("login", &challenge).await).await;
    assert_eq!((&login["skip"], &login["subject"]), (&json!(true), &json!("ada")));
    // Somebody else than the remembered person has to sign in.
    let other = world.decide("login", "accept", &challenge, json!({"subject": "bob"})).await;
    assert!(other.contains("prompt=login") && !other.contains("login_verifier"), "{other}");
    let other = query(&location(&browser.get(other).await), "login_challenge").expect("a challenge");
    assert_eq!(body(world.read("login", &other).await).await["skip"], false);
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    let answer = browser.get(next).await;
    let challenge = query(&location(&answer), "consent_challenge").expect("a challenge");
    assert_eq!(body(world.read("consent", &challenge).await).await["skip"], true);
    let next = world.decide("consent", "accept", &challenge, json!({"grant_scope": ["openid"]})).await;
    let url = location(&browser.get(next).await);
    assert!(query(&url, "code").is_some(), "{url}");

    // More than was granted: with `prompt=none`, nobody may be asked.
    let wider = [("prompt", "none"), ("scope", "openid email")];
    let challenge = world.begin(&browser, &wider).await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    assert_eq!(query(&location(&browser.get(next).await), "error").as_deref(), Some("consent_required"));
    let again = world.begin(&browser, &[("prompt", "login")]).await;
    assert_eq!(body(world.read("login", &again).await).await["skip"], false);
}

#[tokio::test]
async fn prompt_none_without_a_sign_in_is_refused_at_once() {
    let world = World::external(Backend::Sqlite).await;
    let answer = world.server.browser().get(world.request(&[("prompt", "none")])).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(query(&location(&answer), "error").as_deref(), Some("login_required"));
}

#[tokio::test]
async fn max_age_asks_again_and_an_old_sign_in_does_not_suffice() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    world.authorized(&browser, &[], json!({"grant_scope": ["openid"]})).await;
    let fresh = world.begin(&browser, &[("max_age", "60")]).await;
    assert_eq!(body(world.read("login", &fresh).await).await["skip"], true);
    world.server.advance(Duration::from_secs(61));
    let stale = world.begin(&browser, &[("max_age", "60")]).await;
    assert_eq!(body(world.read("login", &stale).await).await["skip"], false);
}

#[tokio::test]
async fn a_refusal_of_either_application_reaches_the_client() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let challenge = world.begin(&browser, &[]).await;
    let next = world.decide("login", "reject", &challenge, json!({})).await;
    let url = location(&browser.get(&next).await);
    assert_eq!(query(&url, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&url, "state").as_deref(), Some("a state of some length"));

    let challenge = world.signed_in(&browser, &[], json!({"subject": "ada"})).await;
    let said = json!({"error": "interaction_required", "error_description": "No", "error_hint": "way \"x\"", "status_code": 403});
    let next = world.decide("consent", "reject", &challenge, said).await;
    let url = location(&browser.get(&next).await);
    assert_eq!(query(&url, "error").as_deref(), Some("interaction_required"));
    assert_eq!(query(&url, "error_description").as_deref(), Some("No way 'x'"));
}

#[tokio::test]
async fn a_challenge_is_unknown_expired_or_handled() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    for kind in ["login", "consent", "logout"] {
        let answer = world.read(kind, "garbage").await;
        assert_eq!(answer.status(), 404, "{kind}");
        assert_eq!(body(answer).await["error"], "not_found");
    }
    let challenge = world.begin(&browser, &[]).await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    for answer in [
        world.read("login", &challenge).await,
        world.put("login", "accept", &challenge, &json!({"subject": "bob"})).await,
        world.put("login", "reject", &challenge, &json!({})).await,
    ] {
        assert_eq!(answer.status(), 410);
        let again = body(answer).await["redirect_to"].as_str().expect("an address").to_owned();
        assert!(again.contains("/oauth2/auth?") && again.contains("client_id="), "it begins again: {again}");
        // An attacker who began, and had somebody sign in with the challenge, would collect the decision here.
        assert!(!again.contains("login_verifier"), "{again}");
    }
    let consent = query(&location(&browser.get(next).await), "consent_challenge").expect("a challenge");
    world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    assert_eq!(world.put("consent", "reject", &consent, &json!({})).await.status(), 410);

    let late = world.begin(&browser, &[]).await;
    let consent = world.signed_in(&browser, &[], json!({"subject": "ada"})).await;
    world.server.advance(Duration::from_secs(31 * 60));
    for (kind, challenge) in [("login", &late), ("consent", &consent)] {
        let answer = world.read(kind, challenge).await;
        assert_eq!(answer.status(), 401, "{kind}");
        let told = body(answer).await;
        assert_eq!(told["error"], "request_unauthorized");
        if kind == "login" {
            // The browser can begin again.
            let restart = told["redirect_to"].as_str().expect("an address");
            let again = query(&location(&browser.get(restart).await), "login_challenge").expect("a challenge");
            assert_eq!(world.read("login", &again).await.status(), 200);
        }
    }
}

#[tokio::test]
async fn a_long_request_waits_in_storage_behind_a_short_challenge() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let state = "s".repeat(3000);
    let challenge = world.begin(&browser, &[("state", &state)]).await;
    assert!(challenge.len() <= 72, "{}", challenge.len());
    let login = body(world.read("login", &challenge).await).await;
    assert!(login["request_url"].as_str().is_some_and(|url| url.contains(&state)));
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    let consent = query(&location(&browser.get(next).await), "consent_challenge").expect("a challenge");
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    assert_eq!(query(&location(&browser.get(next).await), "state"), Some(state));
}

#[tokio::test]
async fn a_subject_is_required_and_bounded() {
    let world = World::external(Backend::Sqlite).await;
    let challenge = world.begin(&world.server.browser(), &[]).await;
    for bad in [
        json!({}),
        json!({"subject": ""}),
        json!({"subject": "x".repeat(256)}),
        json!({"subject": "ada", "remember_for": -1}),
    ] {
        let answer = world.put("login", "accept", &challenge, &bad).await;
        assert_eq!(answer.status(), 400, "{bad}");
        assert_eq!(body(answer).await["error"], "invalid_request");
    }
    assert_eq!(world.read("login", &challenge).await.status(), 200, "nothing was decided");
}

#[tokio::test]
async fn a_form_may_carry_the_request_and_another_the_answer() {
    let world = World::external(Backend::Sqlite).await;
    let browser = world.server.browser();
    let url = url::Url::parse(&world.request(&[("response_mode", "form_post")])).expect("a URL");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let form: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = browser.post(world.server.public("/oauth2/auth"), &form).await;
    assert_eq!(answer.status(), 302);
    let challenge = query(&location(&answer), "login_challenge").expect("a challenge");
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada"})).await;
    let consent = query(&location(&browser.get(next).await), "consent_challenge").expect("a challenge");
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let answer = browser.get(next).await;
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("form-action https://app.example"), "{policy}");
    let page = answer.text().await.expect("a page");
    assert!(
        page.contains(&format!("action=\"{CALLBACK}\"")) && page.contains("name=\"code\" value=\"ory_ac_"),
        "{page}"
    );
}

#[tokio::test]
async fn a_trusted_client_is_visited_with_skip_and_response_type_none_answers_without_a_code() {
    let world = World::external(Backend::Sqlite).await;
    let trusted = world.register(json!({"skip_consent": true})).await;
    let browser = world.server.browser();
    let asked = [("client_id", trusted.as_str()), ("response_type", "none")];
    let consent = world.signed_in(&browser, &asked, json!({"subject": "ada"})).await;
    assert_eq!(body(world.read("consent", &consent).await).await["skip"], true);
    let next = world.decide("consent", "accept", &consent, json!({"grant_scope": ["openid"]})).await;
    let url = location(&browser.get(next).await);
    assert_eq!((query(&url, "code"), query(&url, "error")), (None, None), "{url}");
    assert_eq!(query(&url, "state").as_deref(), Some("a state of some length"));
}

#[tokio::test]
async fn applications_learn_all_that_an_id_token_hint_says_and_nobody_gets_around_it() {
    let mut world = World::external(Backend::Sqlite).await;
    let members = json!({"token_endpoint_auth_method": "none", "userinfo_signed_response_alg": "RS256"});
    world.client = world.register(members).await;
    let browser = world.server.browser();
    let code = world.code(&browser, "openid", json!({"id_token": {"nickname": "Ada"}})).await;
    let tokens = send(world.redeem(&code, &[])).await.expect(200).body;
    let hint = tokens["id_token"].as_str().expect("a token");
    let challenge = world.begin(&browser, &[("id_token_hint", hint)]).await;
    let asked = body(world.read("login", &challenge).await).await;
    assert_eq!(asked["oidc_context"], json!({"id_token_hint_claims": jwt_part(hint, 1)}));
    assert!(!asked["request_url"].as_str().expect("an address").contains("id_token_hint"));

    // The application has somebody else sign in: still it is Ada who is meant.
    let next = world.decide("login", "accept", &challenge, json!({"subject": "bob"})).await;
    let again = query(&location(&browser.get(next).await), "login_challenge").expect("a challenge");
    let asked = body(world.read("login", &again).await).await;
    assert_eq!(asked["oidc_context"]["id_token_hint_claims"]["nickname"], "Ada");
    let next = world.decide("login", "accept", &again, json!({"subject": "bob"})).await;
    assert_eq!(query(&location(&browser.get(next).await), "error").as_deref(), Some("login_required"));

    // What the same keys have signed for something else is no hint.
    let token = tokens["access_token"].as_str().expect("a token");
    let userinfo = world.server.api().get(world.server.public("/userinfo")).bearer_auth(token).send().await;
    let userinfo = userinfo.expect("an answer").text().await.expect("a JWT");
    assert_eq!(jwt_part(&userinfo, 1)["nickname"], "Ada");
    for wrong in [userinfo.as_str(), token, "x.y.z"] {
        let url = location(&browser.get(world.request(&[("id_token_hint", wrong)])).await);
        assert_eq!(query(&url, "error").as_deref(), Some("invalid_request"), "{url}");
    }
}

#[tokio::test]
async fn the_cookie_of_a_sign_in_has_the_path_that_is_configured() {
    let urls = json!({"login": LOGIN_APP, "consent": CONSENT_APP});
    let cookies = json!({"paths": {"session": "/oauth2"}});
    let world = World::with(Backend::Sqlite, json!({"oauth2": {"urls": urls, "cookies": cookies}})).await;
    let browser = world.server.browser();
    let challenge = world.begin(&browser, &[]).await;
    let next = world.decide("login", "accept", &challenge, json!({"subject": "ada", "remember": true})).await;
    let answer = browser.get(next).await;
    let set: Vec<_> =
        answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().expect("text")).collect();
    let session = set.iter().find(|cookie| cookie.contains("orrery_oauth2_session=")).expect("a cookie");
    assert!(session.contains("Path=/oauth2;") && !session.starts_with("__Host-"), "{session}");
    let again = world.begin(&browser, &[]).await;
    assert_eq!(body(world.read("login", &again).await).await["skip"], true);
}
