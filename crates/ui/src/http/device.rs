//! `/ui/device`: the code that a device shows is typed or confirmed here, and what became of it.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use orrery_web::Context;

use crate::authorization::CodeLetters;
use crate::frontend::Trouble;
use crate::http::{Look, Visit};
use crate::page::Pages;

/// Where a browser gets its challenge.
const BEGIN: &str = "/oauth2/device/verify";

/// The question for the code. What an address brings along is confirmed, never taken.
pub(crate) async fn show(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let mut visit = Visit::new(&pages, &request, &context);
    let Some(authorizations) = &pages.authorizations else { return visit.trouble(Trouble::NotFound, None) };
    let Some(challenge) = visit.query("device_challenge") else { return visit.redirect(BEGIN) };
    let typed = visit.query("user_code");
    let question = match authorizations.device(&context, &request, &challenge, typed.as_deref()) {
        Ok(question) => question,
        Err(trouble) => return visit.trouble(trouble, Some(BEGIN)),
    };
    for target in &question.targets {
        visit.allow_form(Some(target));
    }
    let text = |key: &str| pages.text(visit.language, key);
    let problem = visit.query("error").map(|error| match error.as_str() {
        "too_many_requests" => text("device-error-too-many"),
        _ => text("device-error-invalid"),
    });
    let confirms = question.typed.is_some() && problem.is_none();
    let (capitals, keyboard) = match question.letters {
        CodeLetters::Digits => ("none", "numeric"),
        CodeLetters::Capitals => ("characters", "text"),
        CodeLetters::Mixed => ("none", "text"),
    };
    let values = context! {
        title => text("device-title"),
        lead => text(if confirms { "device-lead-confirm" } else { "device-lead" }),
        problem,
        challenge,
        typed => question.typed,
        action => visit.url(BEGIN),
        capitals,
        keyboard,
    };
    visit.page(StatusCode::OK, "device.html", Look::Card, values)
}

/// The device gets its tokens when it asks next.
pub(crate) async fn done(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    end(&Visit::new(&pages, &request, &context), "device-done", "success")
}

/// The device gets nothing.
pub(crate) async fn denied(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    end(&Visit::new(&pages, &request, &context), "device-denied", "info")
}

fn end(visit: &Visit<'_>, key: &str, kind: &str) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let actions: Vec<Value> = vec![context! { href => visit.url("/ui"), text => text("error-home") }];
    let values = context! { title => text(&format!("{key}-title")), kind, text => text(key), actions };
    visit.page(StatusCode::OK, "message.html", Look::Card, values)
}
