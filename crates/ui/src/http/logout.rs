//! `/ui/logout`, `/ui/signed-out` and `/ui/oauth2/error`: leaving, and what went wrong on the way.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use orrery_web::Context;
use serde::Deserialize;

use super::consent::application;
use crate::authorization::RequestError;
use crate::frontend::Trouble;
use crate::http::{Look, Visit};
use crate::page::Pages;

/// Whether somebody wants to be signed out.
pub(crate) async fn ask(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let mut visit = Visit::new(&pages, &request, &context);
    let (Some(authorizations), Some(challenge)) = (&pages.authorizations, visit.query("logout_challenge")) else {
        return visit.trouble(Trouble::NotFound, None);
    };
    let question = match authorizations.logout(&context, &challenge).await {
        Ok(question) => question,
        Err(trouble) => return visit.trouble(trouble, None),
    };
    visit.allow_form(question.target.as_deref());
    let lead = match &question.application {
        Some(application) => visit.text_of("logout-lead-application", "name", &application.name),
        None => pages.text(visit.language, "logout-lead"),
    };
    let values = context! {
        title => pages.text(visit.language, "logout-title"),
        lead,
        application => question.application.as_ref().map(application),
        challenge,
        action => visit.url("/ui/logout"),
        stay => visit.url("/ui"),
    };
    visit.page(StatusCode::OK, "logout.html", Look::Card, values)
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Form {
    logout_challenge: String,
}

/// They do.
pub(crate) async fn confirm(
    pages: web::Data<Pages>,
    request: HttpRequest,
    context: Context,
    form: web::Form<Form>,
) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let Some(authorizations) = &pages.authorizations else { return visit.trouble(Trouble::NotFound, None) };
    match authorizations.confirm_logout(&context, &form.logout_challenge).await {
        Ok(next) => visit.leave(&next),
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// Somebody is signed out.
pub(crate) async fn done(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let text = |key: &str| pages.text(visit.language, key);
    let values = context! {
        title => text("signed-out-title"),
        kind => "success",
        text => text("signed-out"),
        actions => vec![context! { href => visit.url("/ui"), text => text("error-home") }],
    };
    visit.page(StatusCode::OK, "message.html", Look::Card, values)
}

/// What is wrong with a request that no client may be told of. Only what the server sealed is shown.
pub(crate) async fn error(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let detail = visit.query("detail").unwrap_or_default();
    let said = pages.authorizations.as_ref().and_then(|authorizations| authorizations.error(&context, &detail));
    let Some(RequestError { code, description, onward }) = said else {
        return visit.trouble(Trouble::NotFound, None);
    };
    let (status, key) = match code.as_str() {
        _ if onward.is_some() => (StatusCode::BAD_REQUEST, "oauth2-error-stranger"),
        "request_forbidden" => (StatusCode::FORBIDDEN, "oauth2-error-browser"),
        "access_denied" => (StatusCode::FORBIDDEN, "oauth2-error-used"),
        "request_unauthorized" => (StatusCode::UNAUTHORIZED, "error-expired"),
        _ => (StatusCode::BAD_REQUEST, "oauth2-error-application"),
    };
    let text = |key: &str| pages.text(visit.language, key);
    let mut actions: Vec<Value> = vec![context! { href => visit.url("/ui"), text => text("error-home") }];
    if let Some(onward) = onward {
        let text = visit.text_of("oauth2-error-onward", "place", &place(&onward));
        actions.push(context! { href => onward, text });
    }
    let values = context! {
        title => text("error-title"),
        kind => "error",
        text => text(key),
        hint => description,
        // What is said to developers is not translated (WCAG 2.2, 3.1.2).
        hint_language => "en",
        reference => code,
        actions,
    };
    visit.page(status, "message.html", Look::Card, values)
}

/// The host of an address as browsers show it, or the scheme of an application.
pub(super) fn place(address: &str) -> String {
    let url = url::Url::parse(address).ok();
    url.map_or_else(String::new, |url| url.host_str().unwrap_or(url.scheme()).to_owned())
}
