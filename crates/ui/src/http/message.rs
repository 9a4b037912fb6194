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
            let known = error["id"].as_str().and_then(in_words);
            let said = || error["reason"].as_str().or_else(|| error["message"].as_str()).map(str::to_owned);
            let text = match known {
                Some((text, _)) => pages.text(visit.language, text),
                None => said().unwrap_or_else(|| pages.text(visit.language, "error-unknown")),
            };
            let hint = known.and_then(|(_, hint)| hint).map(|key| pages.text(visit.language, key));
            show(&visit, StatusCode::OK, Said { text, hint, reference: Some(id) }, "/ui")
        }
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// Text and hint for errors that have an id.
fn in_words(id: &str) -> Option<(&'static str, Option<&'static str>)> {
    Some(match id {
        "security_csrf_violation" => ("error-forged", Some("error-forged-hint")),
        "self_service_flow_expired" => ("error-expired", Some("error-expired-hint")),
        "self_service_flow_return_to_forbidden" => ("error-return-to", Some("error-return-to-hint")),
        "self_service_flow_disabled" => ("error-disabled", None),
        "session_already_available" => ("error-signed-in", Some("error-signed-in-hint")),
        "session_inactive" | "session_aal1_required" => ("error-signed-out", None),
        "session_refresh_required" => ("error-refresh", None),
        "session_verified_address_required" => ("error-verify", Some("error-verify-hint")),
        "security_identity_mismatch" => ("error-other-account", Some("error-forged-hint")),
        _ => return None,
    })
}

/// What a page without a subject says.
struct Said {
    text: String,
    hint: Option<String>,
    reference: Option<String>,
}

/// The page for something that cannot be shown; `restart` begins again.
pub(crate) fn trouble(visit: &Visit<'_>, trouble: Trouble, restart: Option<&str>) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let (status, said, hint) = match trouble {
        Trouble::NotFound => (StatusCode::NOT_FOUND, "error-not-found", None),
        Trouble::Expired => (StatusCode::GONE, "error-expired", Some("error-expired-hint")),
        Trouble::Cookie => (StatusCode::FORBIDDEN, "error-cookie", Some("error-cookie-hint")),
        Trouble::Forged => (StatusCode::FORBIDDEN, "error-forged", Some("error-forged-hint")),
        Trouble::TooMany { .. } => (StatusCode::TOO_MANY_REQUESTS, "error-too-many", Some("error-too-many-hint")),
        Trouble::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "error-unavailable", Some("error-unavailable-hint")),
        Trouble::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "error-unknown", None),
        Trouble::SignedOut => return visit.redirect("/self-service/login/browser"),
        Trouble::SecondFactor => return visit.redirect("/self-service/login/browser?aal=aal2"),
    };
    let hint = match (trouble, hint) {
        (Trouble::TooMany { retry_after }, Some(key)) => {
            Some(visit.text_of(key, "minutes", &retry_after.div_ceil(60).max(1).to_string()))
        }
        (_, hint) => hint.map(text),
    };
    let said =
        Said { text: text(said), hint, reference: status.is_server_error().then(|| visit.context.request_id.clone()) };
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
