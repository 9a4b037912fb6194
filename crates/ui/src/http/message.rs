//! The error page, and every page that can only say why there is nothing to show.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use orrery_web::Context;

use crate::frontend::Trouble;
use crate::http::{Look, Visit};
use crate::page::Pages;

/// `/ui/error?id=`: what a flow could not tell the browser any other way.
pub(crate) async fn error(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let Some(id) = visit.query("id").or_else(|| visit.query("error")) else {
        return visit.trouble(Trouble::NotFound, None);
    };
    match pages.frontend.flow_error(&context, &id).await {
        Ok(stored) => {
            let error = &stored["error"];
            let (text, hint) = match error["id"].as_str() {
                Some("security_csrf_violation") => ("error-forged", Some("error-forged-hint")),
                Some("self_service_flow_expired") => ("error-expired", Some("error-expired-hint")),
                _ => ("", None),
            };
            let said = || error["reason"].as_str().or_else(|| error["message"].as_str()).map(str::to_owned);
            let text = if text.is_empty() {
                said().unwrap_or_else(|| pages.text(visit.language, "error-unknown"))
            } else {
                pages.text(visit.language, text)
            };
            let hint = hint.map(|key| pages.text(visit.language, key));
            show(&visit, StatusCode::OK, Said { text, hint, reference: Some(id) }, "/ui")
        }
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// What a page without a subject says.
struct Said {
    text: String,
    hint: Option<String>,
    reference: Option<String>,
}

/// The page for something that cannot be shown; `restart` begins again.
pub(crate) fn trouble(visit: &Visit<'_>, trouble: Trouble, restart: Option<&str>) -> HttpResponse {
    let (status, text, hint) = match trouble {
        Trouble::NotFound => (StatusCode::NOT_FOUND, "error-not-found", None),
        Trouble::Expired => (StatusCode::GONE, "error-expired", Some("error-expired-hint")),
        Trouble::Cookie => (StatusCode::FORBIDDEN, "error-cookie", Some("error-cookie-hint")),
        Trouble::Forged => (StatusCode::FORBIDDEN, "error-forged", Some("error-forged-hint")),
        Trouble::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "error-unavailable", Some("error-unavailable-hint")),
        Trouble::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "error-unknown", None),
        Trouble::SignedOut => return visit.redirect("/self-service/login/browser"),
        Trouble::SecondFactor => return visit.redirect("/self-service/login/browser?aal=aal2"),
    };
    let said = Said {
        text: visit.pages.text(visit.language, text),
        hint: hint.map(|key| visit.pages.text(visit.language, key)),
        reference: status.is_server_error().then(|| visit.context.request_id.clone()),
    };
    show(visit, status, said, restart.unwrap_or("/ui"))
}

fn show(visit: &Visit<'_>, status: StatusCode, said: Said, again: &str) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let mut actions: Vec<Value> = Vec::new();
    if again != "/ui" {
        actions.push(context! { href => visit.url(again), text => text("error-again") });
    }
    actions.push(context! { href => visit.url("/ui"), text => text("error-home") });
    let values = context! {
        title => text("error-title"),
        kind => "error",
        text => said.text,
        hint => said.hint,
        reference => said.reference,
        actions,
    };
    visit.page(status, "message.html", Look::Card, values)
}
