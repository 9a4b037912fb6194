//! `/ui/consent`: what an application may do, in plain words, and the person's answer.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::{Value, context};
use orrery_web::Context;
use serde::Deserialize;

use crate::authorization::{Application, ConsentAnswer, ConsentQuestion, FetchedBy};
use crate::frontend::Trouble;
use crate::http::logout::place;
use crate::http::{Look, Visit};
use crate::page::Pages;

/// Scopes that have words of their own.
const WORDS: [&str; 7] = ["openid", "profile", "email", "phone", "address", "offline", "offline_access"];

/// The question.
pub(crate) async fn show(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let mut visit = Visit::new(&pages, &request, &context);
    let (Some(authorizations), Some(challenge)) = (&pages.authorizations, visit.query("consent_challenge")) else {
        return visit.trouble(Trouble::NotFound, None);
    };
    let question = match authorizations.consent(&context, &request, &challenge).await {
        Ok(question) => question,
        Err(trouble) => return visit.trouble(trouble, None),
    };
    visit.prefer(&question.locales);
    visit.allow_form(question.target.as_deref());
    visit.allow_image(question.application.logo.as_deref());
    let account = match pages.frontend.signed_in(&context, &request).await {
        Ok(signed_in) => account(&signed_in.session),
        Err(_) => None,
    };
    page(&visit, &challenge, &question, account)
}

fn page(visit: &Visit<'_>, challenge: &str, question: &ConsentQuestion, account: Option<String>) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let scopes = question.scopes.iter().map(|scope| {
        if WORDS.contains(&scope.as_str()) {
            let key = format!("scope-{}", scope.replace('_', "-"));
            context! { text => text(&key), named => false }
        } else {
            context! { text => scope, named => true }
        }
    });
    let mut scopes: Vec<Value> = scopes.collect();
    scopes.dedup();
    let values = context! {
        title => visit.text_of("consent-title", "name", &question.application.name),
        application => application(&question.application),
        scopes,
        audiences => question.audiences.clone(),
        device => question.fetched_by == FetchedBy::Device,
        unchecked => question.unchecked.as_ref().map(|address| match question.fetched_by {
            FetchedBy::Browser => visit.text_of("consent-unchecked", "place", &place(address)),
            FetchedBy::Device => text("consent-unchecked-device"),
        }),
        account,
        challenge,
        action => visit.url("/ui/consent"),
    };
    visit.page(StatusCode::OK, "consent.html", Look::Card, values)
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct Form {
    consent_challenge: String,
    decision: String,
    remember: Option<String>,
}

/// The answer.
pub(crate) async fn answer(
    pages: web::Data<Pages>,
    request: HttpRequest,
    context: Context,
    form: web::Form<Form>,
) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let Some(authorizations) = &pages.authorizations else { return visit.trouble(Trouble::NotFound, None) };
    let answer = match (form.decision.as_str(), form.remember.as_deref()) {
        ("allow", Some("true")) => ConsentAnswer::AllowAndRemember,
        ("allow", _) => ConsentAnswer::AllowOnce,
        (_, _) => ConsentAnswer::Deny,
    };
    match authorizations.answer(&context, &request, &form.consent_challenge, answer).await {
        Ok(next) => visit.leave(&next),
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// The application as templates show it.
pub(super) fn application(application: &Application) -> Value {
    context! {
        name => application.name.clone(),
        logo => application.logo.clone(),
        home => application.links.home.clone(),
        policy => application.links.policy.clone(),
        terms => application.links.terms.clone(),
    }
}

/// The address by which people know their account.
fn account(session: &serde_json::Value) -> Option<String> {
    let identity = &session["identity"];
    let addresses = identity["verifiable_addresses"].as_array();
    let first = addresses.and_then(|addresses| addresses.first()).and_then(|address| address["value"].as_str());
    first.or_else(|| identity["traits"]["email"].as_str()).map(str::to_owned)
}
