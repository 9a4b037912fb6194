//! Home, and the pages of the flows. Without a flow in the address, a page begins one.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use minijinja::value::Serde;
use orrery_web::Context;
use serde_json::Value;

use crate::frontend::{FlowPage, Trouble};
use crate::http::{Look, Visit};
use crate::page::Pages;
use crate::view::Form;

/// Longest name that somebody is expected by, in characters.
const LONGEST_HINT: usize = 320;

/// `/`: to the account for whoever is signed in, else the two ways in.
pub(crate) async fn home(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    match pages.frontend.signed_in(&context, &request).await {
        Ok(_) => visit.redirect("/ui/account"),
        Err(Trouble::SignedOut) => {
            let title = pages.text(visit.language, "login-title");
            visit.page(StatusCode::OK, "home.html", Look::Card, context! { title, inbox => pages.config.inbox })
        }
        Err(trouble) => visit.trouble(trouble, None),
    }
}

/// The login page.
pub(crate) async fn login(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    flow(&pages, &request, &context, FlowPage::Login).await
}

/// The registration page.
pub(crate) async fn registration(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    flow(&pages, &request, &context, FlowPage::Registration).await
}

/// The verification page.
pub(crate) async fn verification(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    flow(&pages, &request, &context, FlowPage::Verification).await
}

/// The recovery page.
pub(crate) async fn recovery(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    flow(&pages, &request, &context, FlowPage::Recovery).await
}

async fn flow(pages: &Pages, request: &HttpRequest, context: &Context, page: FlowPage) -> HttpResponse {
    let mut visit = Visit::new(pages, request, context);
    let begin = format!("/self-service/{}/browser", page.as_str());
    let Some(id) = visit.query("flow") else { return visit.redirect(&begin) };
    match pages.frontend.flow(context, request, page, &id).await {
        Ok(mut flow) => {
            let reason = match (&pages.authorizations, flow["return_to"].as_str()) {
                (Some(authorizations), Some(return_to)) => authorizations.sign_in_reason(context, return_to).await,
                (_, _) => None,
            };
            if let Some(reason) = reason {
                visit.allow_form(reason.target.as_deref());
                visit.prefer(&reason.locales);
                prefill(&mut flow["ui"]["nodes"], reason.login_hint.as_deref().unwrap_or_default());
            }
            show(&visit, page, &flow)
        }
        Err(trouble) => visit.trouble(trouble, Some(&begin)),
    }
}

/// Writes whom the application expects into the field for that, as long as it is empty: a proposal, as if the person had typed it.
fn prefill(nodes: &mut Value, hint: &str) {
    if hint.is_empty() || hint.chars().count() > LONGEST_HINT || hint.chars().any(char::is_control) {
        return;
    }
    for node in nodes.as_array_mut().into_iter().flatten() {
        let attributes = &mut node["attributes"];
        let asks_who = attributes["name"] == "identifier" || (attributes["type"] == "email" && hint.contains('@'));
        let is_empty = attributes["value"].as_str().unwrap_or_default().is_empty();
        if asks_who && is_empty && attributes["type"] != "hidden" {
            attributes["value"] = hint.into();
            return;
        }
    }
}

fn show(visit: &Visit<'_>, page: FlowPage, flow: &Value) -> HttpResponse {
    let text = |key: &str| visit.pages.text(visit.language, key);
    let (title, lead) = match page {
        FlowPage::Login if flow["refresh"] == true => ("login-refresh-title", None),
        FlowPage::Login => ("login-title", Some("login-lead")),
        FlowPage::Registration => ("registration-title", Some("registration-lead")),
        FlowPage::Verification => match flow["state"].as_str() {
            Some("sent_email") => ("verification-title", Some("verification-lead")),
            Some("passed_challenge") => ("verification-title", Some("verification-done-lead")),
            _ => ("verification-title", Some("verification-start-lead")),
        },
        FlowPage::Recovery => match flow["state"].as_str() {
            // A link is followed in the message; the form stays as it was.
            Some("sent_email") if flow["active"] == "link" => ("recovery-title", Some("recovery-link-lead")),
            Some("sent_email" | "recovery_awaiting_code") => ("recovery-title", Some("recovery-code-lead")),
            Some("recovery_awaiting_address_choice" | "recovery_confirming_address") => ("recovery-title", None),
            _ => ("recovery-title", Some("recovery-lead")),
        },
        FlowPage::Settings => ("settings-title", None),
    };
    let forgotten = Some(("login-recovery", "login-recovery-link", "recovery"));
    let others = match page {
        FlowPage::Login => [
            (flow["refresh"] != true).then_some(("login-other", "login-other-link", "registration")),
            forgotten.filter(|_| visit.pages.frontend.offers_recovery() && flow["refresh"] != true),
        ],
        FlowPage::Registration => [Some(("registration-other", "registration-other-link", "login")), None],
        FlowPage::Recovery => [Some(("recovery-other", "recovery-other-link", "login")), None],
        FlowPage::Verification | FlowPage::Settings => [None, None],
    };
    let others = others.into_iter().flatten().map(|(question, link, to)| {
        let mut href = visit.url(&format!("/self-service/{to}/browser"));
        if let Some(return_to) = flow["return_to"].as_str() {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", return_to).finish();
            href.push_str(&format!("?{query}"));
        }
        context! { question => text(question), text => text(link), href }
    });
    let others: Vec<_> = others.collect();
    let form = Form::new(&flow["ui"], &visit.pages.words(visit.language));
    let values = context! {
        title => text(title),
        lead => lead.map(text),
        form => Serde(&form),
        others,
    };
    visit.page(StatusCode::OK, "flow.html", Look::Card, values)
}
