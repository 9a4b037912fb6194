//! What every page keeps to, and what each of them shows.

use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HeaderMap, SET_COOKIE};
use actix_web::test::{self, TestRequest};

use crate::fixture::{MESSAGE, app};

/// One GET: status, headers, text.
async fn get(path: &str, cookie: &str) -> (StatusCode, HeaderMap, String) {
    let service = test::init_service(app(true)).await;
    let request = TestRequest::get().uri(path).insert_header((COOKIE, cookie)).to_request();
    let response = test::call_service(&service, request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, String::from_utf8(test::read_body(response).await.to_vec()).expect("UTF-8"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

const SIGNED_IN: &str = "session=ada";

#[actix_web::test]
async fn every_page_forbids_scripts_frames_and_storing() {
    let inbox = format!("/ui/inbox/{MESSAGE}");
    for path in [
        "/",
        "/ui/login?flow=x",
        "/ui/registration?flow=x",
        "/ui/verification?flow=x",
        "/ui/recovery?flow=x",
        "/ui/settings?flow=x",
        "/ui/error?id=x",
        "/ui/inbox",
        inbox.as_str(),
        "/ui/login?flow=gone",
    ] {
        let (_, headers, html) = get(path, "").await;
        let policy = header(&headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.ends_with("form-action 'self' https://app.example"), "{path}: {policy}");
        assert_eq!(header(&headers, "cache-control"), "private, no-store", "{path}");
        assert_eq!(header(&headers, "x-frame-options"), "DENY", "{path}");
        assert!(!html.contains("<script") && !html.contains(" style=") && !html.contains(" onclick"), "{path}");
        assert!(html.contains("<html lang=\"en\">") && html.contains("<h1 id=\"title\">"), "{path}");
    }
}

#[actix_web::test]
async fn what_a_person_typed_is_text_and_never_markup() {
    let (_, _, html) = get("/ui/login?flow=x", "").await;
    assert!(html.contains("value=\"&quot;&gt;&lt;script&gt;alert(1)&lt;&#x2f;script&gt;\""), "{html}");
    let (_, _, html) = get("/ui/error?id=x", "").await;
    assert!(html.contains("&lt;b&gt;bad"), "{html}");
    let (_, _, html) = get(&format!("/ui/inbox/{MESSAGE}"), "").await;
    assert!(html.contains("Your code &lt;is&gt; 123456"), "{html}");
}

#[actix_web::test]
async fn a_form_posts_to_the_flow_and_says_what_is_wrong_where() {
    let (status, _, html) = get("/ui/registration?flow=x", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        html.contains(
            "action=\"http:&#x2f;&#x2f;127.0.0.1:4433&#x2f;self-service&#x2f;registration?flow=x\" method=\"POST\""
        ),
        "{html}"
    );
    assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"password-problem\""), "{html}");
    assert!(html.contains("The password needs at least 8 characters, not 3."), "{html}");
    // The checkbox idiom: unchecked sends false.
    assert!(html.contains("<input type=\"hidden\" name=\"traits.newsletter\" value=\"false\">"), "{html}");
    // "Back" must work although the password is missing; the main button must not skip the check.
    assert!(html.contains("value=\"previous\" class=\"secondary\" formnovalidate"), "{html}");
    assert!(html.contains("name=\"method\" value=\"password\">"), "{html}");
}

#[actix_web::test]
async fn the_way_to_the_other_flow_keeps_return_to() {
    let (_, _, html) = get("/ui/login?flow=x", "").await;
    let link = "registration&#x2f;browser?return_to=https%3A%2F%2Fapp.example%2Fafter%3Fa%3Db%26c%3Dd";
    assert!(html.contains(link), "{html}");
}

#[actix_web::test]
async fn german_readers_get_german_pages_and_messages() {
    let service = test::init_service(app(false)).await;
    let request =
        TestRequest::get().uri("/ui/registration?flow=x").insert_header(("Accept-Language", "de-CH,de;q=0.9"));
    let html = test::call_and_read_body(&service, request.to_request()).await;
    let html = String::from_utf8(html.to_vec()).expect("UTF-8");
    assert!(html.contains("<html lang=\"de\">") && html.contains("Konto anlegen"), "{html}");
    assert!(html.contains("Das Passwort braucht mindestens 8 Zeichen, nicht 3."), "{html}");
    assert!(html.contains("?flow=x&amp;lang=en") || html.contains("?flow=x&lang=en"), "{html}");
}

#[actix_web::test]
async fn a_chosen_language_is_remembered() {
    let (_, headers, html) = get("/ui/login?flow=x&lang=de", "").await;
    assert!(html.contains("<html lang=\"de\">"));
    assert!(header(&headers, "set-cookie").starts_with("orrery_language=de;"));
    let (_, headers, html) = get("/ui/login?flow=x", "orrery_language=de").await;
    assert!(html.contains("<html lang=\"de\">") && !headers.contains_key(SET_COOKIE));
    let (_, headers, _) = get("/ui/login?flow=x&lang=%0d%0aSet-Cookie:x", "").await;
    assert!(!headers.contains_key(SET_COOKIE));
}

#[actix_web::test]
async fn trouble_has_its_own_status_and_a_way_out() {
    for (flow, status, words) in [
        ("gone", StatusCode::GONE, "no longer valid"),
        ("stranger", StatusCode::FORBIDDEN, "did not send the cookie"),
        ("down", StatusCode::SERVICE_UNAVAILABLE, "cannot be reached"),
        ("nothing", StatusCode::NOT_FOUND, "nothing at this address"),
    ] {
        let (answered, _, html) = get(&format!("/ui/login?flow={flow}"), "").await;
        assert_eq!(answered, status, "{flow}");
        assert!(html.contains(words) && html.contains("login&#x2f;browser"), "{flow}: {html}");
    }
    let (status, headers, _) = get("/ui/login", "").await;
    assert_eq!(
        (status, header(&headers, "location")),
        (StatusCode::SEE_OTHER, "http://127.0.0.1:4433/self-service/login/browser")
    );
}

#[actix_web::test]
async fn the_account_shows_sessions_in_plain_words() {
    let (status, headers, _) = get("/ui/account", "").await;
    assert_eq!(status, StatusCode::SEE_OTHER);
    assert!(header(&headers, "location").ends_with("/self-service/login/browser"));
    let (status, _, html) = get("/ui/account", SIGNED_IN).await;
    assert_eq!(status, StatusCode::OK);
    for words in [
        "Signed in as Ada",
        "Firefox on Linux",
        "Bern, CH · 192.0.2.7",
        "2026-11-23 08:15 UTC",
        "not verified",
        "Unknown device",
    ] {
        assert!(html.contains(words), "{words}: {html}");
    }
}

#[actix_web::test]
async fn ending_sessions_needs_the_form_of_this_session() {
    let service = test::init_service(app(false)).await;
    for (token, status) in [("ory_lo_x", StatusCode::SEE_OTHER), ("forged", StatusCode::FORBIDDEN)] {
        let form = [("csrf_token", token), ("session", "6fa459ea-ee8a-4ca4-894e-db77e160355e")];
        let request = TestRequest::post().uri("/ui/account/sessions/revoke").set_form(form);
        let response = test::call_service(&service, request.insert_header((COOKIE, SIGNED_IN)).to_request()).await;
        assert_eq!(response.status(), status, "{token}");
    }
}

#[actix_web::test]
async fn without_the_switch_there_is_no_inbox() {
    let service = test::init_service(app(false)).await;
    for path in ["/ui/inbox".to_owned(), format!("/ui/inbox/{MESSAGE}")] {
        let response = test::call_service(&service, TestRequest::get().uri(&path).to_request()).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let (_, _, html) = get(&format!("/ui/inbox/{MESSAGE}"), "").await;
    assert!(
        html.contains("<a href=\"http:&#x2f;&#x2f;127.0.0.1:4433&#x2f;self-service&#x2f;verification?code=123456\">"),
        "{html}"
    );
}

#[actix_web::test]
async fn settings_show_one_tab_at_a_time_and_begin_where_help_is_needed() {
    let (_, _, html) = get("/ui/settings?flow=x", "").await;
    assert!(
        html.contains("name=\"password\"") && !html.contains("traits.email"),
        "recovered: the password first\n{html}"
    );
    assert!(html.contains("aria-current=\"page\">Password</a>"), "{html}");
    let (_, _, html) = get("/ui/settings?flow=x&tab=profile", "").await;
    assert!(html.contains("traits.email") && !html.contains("name=\"password\" type"), "{html}");
    assert!(html.contains("name=\"csrf_token\" value=\"token\""), "{html}");
    let (_, _, html) = get("/ui/settings?flow=x&tab=profile&lang=de", "").await;
    assert!(html.contains("Einstellungen") && html.contains("Speichern"), "{html}");
}

#[actix_web::test]
async fn addresses_to_choose_from_keep_their_masks_in_every_language() {
    for path in ["/ui/recovery?flow=x", "/ui/recovery?flow=x&lang=de"] {
        let (_, _, html) = get(path, "").await;
        assert!(html.contains("ad****@example.org") && html.contains("+49****56"), "{html}");
    }
    let (_, _, html) = get("/ui/login?flow=x", "").await;
    assert!(html.contains("self-service&#x2f;recovery&#x2f;browser"), "the login page leads to recovery\n{html}");
}
