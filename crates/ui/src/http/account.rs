//! The account page: who is signed in, where else, and the ways out.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use minijinja::context;
use minijinja::value::Serde;
use orrery_core::id::SessionId;
use orrery_web::Context;
use serde::Deserialize;

use crate::account::{PersonView, SessionView};
use crate::frontend::{End, Trouble};
use crate::http::{Look, Visit};
use crate::page::Pages;

/// `/ui/account`.
pub(crate) async fn show(pages: web::Data<Pages>, request: HttpRequest, context: Context) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    let signed_in = match pages.frontend.signed_in(&context, &request).await {
        Ok(signed_in) => signed_in,
        Err(trouble) => return visit.trouble(trouble, None),
    };
    let view = |session| SessionView::new(&pages, visit.language, session);
    let others: Vec<_> = signed_in.others.iter().map(view).collect();
    let notice = match visit.query("ended").as_deref() {
        Some("one") => Some(pages.text(visit.language, "session-ended")),
        Some("others") => Some(pages.text(visit.language, "sessions-ended")),
        _ => None,
    };
    let values = context! {
        title => pages.text(visit.language, "account-title"),
        person => Serde(PersonView::new(&pages, visit.language, &signed_in)),
        session => Serde(view(&signed_in.session)),
        others => Serde(&others),
        logout_url => signed_in.logout_url,
        csrf_token => signed_in.form_token,
        notice,
    };
    visit.page(StatusCode::OK, "account.html", Look::Account, values)
}

/// The two forms that end sessions.
#[derive(Deserialize)]
pub(crate) struct EndForm {
    csrf_token: String,
    session: Option<String>,
}

/// Ends one other session.
pub(crate) async fn end_one(
    pages: web::Data<Pages>,
    request: HttpRequest,
    context: Context,
    form: web::Form<EndForm>,
) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    match form.session.as_deref().and_then(|id| id.parse::<SessionId>().ok()) {
        Some(id) => end(&visit, &form.csrf_token, End::One(id), "/ui/account?ended=one").await,
        None => visit.trouble(Trouble::NotFound, None),
    }
}

/// Ends every other session.
pub(crate) async fn end_others(
    pages: web::Data<Pages>,
    request: HttpRequest,
    context: Context,
    form: web::Form<EndForm>,
) -> HttpResponse {
    let visit = Visit::new(&pages, &request, &context);
    end(&visit, &form.csrf_token, End::Others, "/ui/account?ended=others").await
}

async fn end(visit: &Visit<'_>, token: &str, end: End, after: &str) -> HttpResponse {
    match visit.pages.frontend.end_sessions(visit.context, visit.request, token, end).await {
        Ok(()) => visit.redirect(after),
        Err(trouble) => visit.trouble(trouble, None),
    }
}
