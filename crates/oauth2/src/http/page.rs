//! What browsers of this surface are sent: redirects, cookies, the form that posts itself, and the frames of a logout.

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::cookie::SameSite;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, PRAGMA, REFERRER_POLICY,
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_core::RequestContext;
use orrery_web::cookie::CookiePolicy;
use orrery_web::negotiate::{Preferred, preferred};
use orrery_web::{ApiError, response};

use crate::authorize::{Answer, CookieChange, Refused, built_in_error_page, error_page};
use crate::config::CookieConfig;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// Submits the form that carries an answer.
const SUBMIT: &str = "document.forms[0].submit()";
/// Goes on from the frames of a logout, half a second after all of them have loaded.
const GO_ON: &str =
    "addEventListener('load',function(){setTimeout(function(){location.replace(document.links[0].href)},500)})";
/// How long that page waits for frames that do not load, and where scripts are off, in seconds.
const PATIENCE: u32 = 7;

/// To another page: 302, as login and consent applications know it.
pub(super) fn go(url: &str) -> Result<HttpResponse, ApiError> {
    let mut answer = response::found(url)?;
    forbid_keeping(answer.headers_mut());
    Ok(answer)
}

/// To the client: 303, or a form (Form Post Response Mode).
pub(super) fn answer(answer: &Answer) -> Result<HttpResponse, ApiError> {
    let mut response = match answer.location() {
        Some(location) => response::see_other(&location)?,
        None => form(answer)?,
    };
    forbid_keeping(response.headers_mut());
    Ok(response)
}

/// What is wrong: to the client where it may be told, else to the person; in JSON for a program.
pub(super) fn refused(
    service: &OAuth2Service,
    context: &RequestContext,
    request: &HttpRequest,
    refused: Refused,
) -> Result<HttpResponse, ApiError> {
    let Refused { error, path, asks_first } = refused;
    // An outage is never anybody's mistake, and its status is for machines to see.
    if matches!(error.code, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError) {
        return Err(error.into());
    }
    match path.map(|path| Answer::error(path, &error, &service.config.load())) {
        Some(to_client) if !asks_first => answer(&to_client),
        // A link cannot carry a form.
        Some(to_client) if preferred(request) != Preferred::Json => {
            go(&built_in_error_page(service, context, &error, to_client.location()))
        }
        Some(_) | None => to_person(service, context, request, error),
    }
}

/// What is wrong, for the person.
pub(super) fn to_person(
    service: &OAuth2Service,
    context: &RequestContext,
    request: &HttpRequest,
    error: OAuth2Error,
) -> Result<HttpResponse, ApiError> {
    let outage = matches!(error.code, ErrorCode::TemporarilyUnavailable | ErrorCode::ServerError);
    if outage || preferred(request) == Preferred::Json {
        return Err(error.into());
    }
    go(&error_page(service, context, &error))
}

/// Adds what becomes of the browser's cookies.
pub(super) fn with_cookies(
    answer: HttpResponse,
    config: &CookieConfig,
    changes: &[CookieChange],
) -> Result<HttpResponse, ApiError> {
    let session = config.session_name();
    let policy = |name: &str| CookiePolicy {
        domain: config.domain.clone(),
        path: if name == session { config.session_path() } else { "/" }.to_owned(),
        same_site: if config.same_site_none { SameSite::None } else { SameSite::Lax },
        secure: config.secure,
    };
    let cookies = changes.iter().map(|change| match change {
        CookieChange::Set { name, value, max_age } => policy(name).cookie(name, value.clone(), Some(*max_age)),
        CookieChange::Remove { name } => policy(name).removal(name),
    });
    response::with_cookies(answer, cookies.collect::<Vec<_>>())
}

/// A page whose frames tell clients of a logout, and which then goes on by itself.
pub(super) fn frames(frames: &[String], target: &str) -> Result<HttpResponse, ApiError> {
    let sources: Vec<_> = frames.iter().filter_map(|frame| crate::authorize::target(frame)).collect();
    let list: String =
        frames.iter().map(|frame| format!("<iframe hidden title=\"\" src=\"{}\"></iframe>", escaped(frame))).collect();
    let target = escaped(target);
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Signing out</title>\
         <meta http-equiv=\"refresh\" content=\"{PATIENCE};url={target}\"><script>{GO_ON}</script></head>\
         <body><p><a href=\"{target}\">Continue</a></p>{list}</body></html>"
    );
    let script = hash(GO_ON);
    let policy = format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src {script}; frame-src {}",
        sources.join(" ")
    );
    html_answer(html, &policy)
}

/// A script as a source of a `script-src` policy.
fn hash(script: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, script.as_bytes()).as_ref()))
}

fn form(answer: &Answer) -> Result<HttpResponse, ApiError> {
    let target = answer.target().ok_or_else(|| ApiError::internal("a redirect address without a scheme"))?;
    let inputs: String = answer
        .parameters
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value)))
        .collect();
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Continue</title></head>\
         <body><form method=\"post\" action=\"{}\">{inputs}<noscript><button>Continue</button></noscript></form>\
         <script>{SUBMIT}</script></body></html>",
        escaped(&answer.path.redirect_uri)
    );
    // The client may have it in a frame of its own, to renew a sign-in in silence. An application's scheme frames nothing.
    let ancestors = if target.contains("://") { target.as_str() } else { "'none'" };
    let script = hash(SUBMIT);
    let policy = format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors {ancestors}; script-src {script}; form-action {target}"
    );
    html_answer(html, &policy)
}

fn html_answer(html: String, policy: &str) -> Result<HttpResponse, ApiError> {
    let mut answer = HttpResponse::new(StatusCode::OK).set_body(html);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html;charset=UTF-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_str(policy).map_err(ApiError::internal)?);
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    forbid_keeping(headers);
    Ok(answer.map_into_boxed_body())
}

fn forbid_keeping(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;

    use super::*;
    use crate::authorize::{ReturnPath, samples};
    use crate::challenge::ResponseMode;

    #[test]
    fn a_form_carries_values_and_runs_nothing_that_they_say() {
        let evil = "\"><script>alert(1)</script>";
        let path = ReturnPath {
            redirect_uri: "https://app.example/cb?a=1&b=\"".to_owned(),
            mode: ResponseMode::FormPost,
            state: Some(evil.to_owned()),
        };
        let sent = Answer::success(path, vec![("code", "x".to_owned())], &samples::config());
        let response = answer(&sent).expect("a form");
        assert_eq!(response.status(), StatusCode::OK);
        let policy =
            response.headers().get(CONTENT_SECURITY_POLICY).expect("a policy").to_str().expect("text").to_owned();
        assert!(policy.contains("form-action https://app.example") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors https://app.example;"), "{policy}");
        let body = response.into_body().try_into_bytes().expect("in memory");
        let html = std::str::from_utf8(&body).expect("text");
        assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert"), "{html}");
        assert!(html.contains("action=\"https://app.example/cb?a=1&amp;b=&quot;\""), "{html}");
    }
}
