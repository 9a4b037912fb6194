//! Login over HTTP.

use actix_web::HttpResponse;
use orrery_web::{ApiError, Listener, Routes, response};
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure::api_error;
use super::flow::{self, Begun, Client, Exchange, SelfService};
use crate::config::Config;
use crate::flow::form::{endpoint, with_query};
use crate::flow::{
    BrowserSecrets, ContinueWith, Flow, FlowError, FlowKind, Open, Origin, Submission, Submitted, catalogue,
};
use crate::login::render::{LoginFlow, render};
use crate::login::start::{StartLogin, start};
use crate::login::submit::submit;
use crate::login::{LoggedIn, Outcome, SessionIssue};
use crate::session::Aal;
use crate::session::json::SessionJson;

pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface)
        .get("/self-service/login/browser", Some("createBrowserLoginFlow"), flow::begin_in_browser::<Login>)
        .get("/self-service/login/api", Some("createNativeLoginFlow"), flow::begin_natively::<Login>)
        .get("/self-service/login/flows", Some("getLoginFlow"), flow::get::<Login>)
        .post("/self-service/login", Some("updateLoginFlow"), flow::submit::<Login>)
        .get("/self-service/login", None, flow::submit::<Login>)
}

/// Signing in.
pub(super) struct Login;

impl SelfService for Login {
    const KIND: FlowKind = FlowKind::Login;
    type Body = LoginFlow;
    type Done = Outcome;

    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError> {
        let return_to = origin.return_to.clone();
        let token = exchange.presented().token().cloned();
        let asked = StartLogin {
            origin,
            refresh: exchange.query.get("refresh") == Some("true"),
            aal: aal(exchange.asked("aal"))?,
            schema_id: exchange.asked("identity_schema").map(str::to_owned),
            session: exchange.session().await?.zip(token),
            exchange: exchange.wants_exchange(),
            via: exchange.asked("via").map(str::to_owned),
        };
        exchange.begun(start(exchange.service, exchange.context, asked).await, return_to, response::see_other)
    }

    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<LoginFlow, ApiError> {
        let schemas = exchange.service.schemas.load();
        let schema = schemas.get(flow.schema_id.as_deref().unwrap_or(&exchange.config.default_schema_id));
        let label = match schema.and_then(|schema| schema.identifier_title()) {
            Some(title) => catalogue::LABEL_TRAIT.with([("title", json!(title)), ("name", json!("identifier"))]),
            None => catalogue::LABEL_IDENTIFIER.message(),
        };
        Ok(render(flow, &exchange.config, label, exchange.reader(csrf_token)))
    }

    async fn submit(
        exchange: &Exchange<'_>,
        open: Open,
        submitted: &Submission,
        browser: Option<BrowserSecrets>,
    ) -> Result<Submitted<Outcome>, FlowError> {
        submit(exchange.service, exchange.context, open, submitted, browser).await
    }

    async fn done(exchange: &Exchange<'_>, done: Outcome) -> Result<HttpResponse, ApiError> {
        match (done, exchange.client) {
            (Outcome::LoggedIn(done), _) => logged_in(exchange, &done),
            (Outcome::AlreadySignedIn(flow), Client::Browser) => response::see_other(&exchange.after_url(&flow, None)),
            (Outcome::AlreadySignedIn(flow), Client::Api | Client::Script) => Self::again(exchange, &flow).await,
        }
    }

    fn refused(exchange: &Exchange<'_>, error: FlowError) -> Result<HttpResponse, ApiError> {
        if let (FlowError::AddressUnverified(verification), Client::Browser) = (&error, exchange.client) {
            let page = exchange.config.ui.of(FlowKind::Verification);
            return response::see_other(&with_query(page, "flow", &verification.id.to_string()));
        }
        Err(api_error(error))
    }
}

fn aal(asked: Option<&str>) -> Result<Aal, ApiError> {
    match asked {
        None | Some("aal1") => Ok(Aal::Aal1),
        Some("aal2") => Ok(Aal::Aal2),
        Some(_) => Err(ApiError::bad_request("The query parameter \"aal\" must be \"aal1\" or \"aal2\".")),
    }
}

fn logged_in(exchange: &Exchange<'_>, done: &LoggedIn) -> Result<HttpResponse, ApiError> {
    let LoggedIn { flow, method, session, token, issued, continue_with } = done;
    let config = &exchange.config;
    let enough = config.is_enough(config.session.required_aal, &session.session, &session.identity);
    let (public_url, now) = (&config.public_url, exchange.context.now);
    if exchange.client == Client::Api {
        let shown = if enough {
            SessionJson::public(session, public_url, now)
        } else {
            SessionJson::withheld(&session.session, &session.identity, public_url, now)
        };
        let shown = shown.readable_by(exchange.generation());
        let token = token.expose_secret();
        let next = if continue_with.is_empty() { json!(null) } else { json!(continue_with) };
        return response::ok(&json!({"session_token": token, "session": shown, "continue_with": next}));
    }
    let next = if enough {
        exchange.after_url(flow, config.login.after.return_url(method.as_str()))
    } else {
        second_factor(config, flow)
    };
    let answer = match (exchange.client, enough) {
        (Client::Browser, false) => response::see_other(&next)?,
        (Client::Browser, true) => {
            // To prove the address when a hook asks for it, else where the person wanted to go.
            let verification = continue_with.iter().find_map(ContinueWith::verification_page);
            response::see_other(verification.unwrap_or(&next))?
        }
        (Client::Api | Client::Script, false) => ApiError::browser_location_change(&next).to_response(None),
        (Client::Api | Client::Script, true) => {
            let mut steps = vec![ContinueWith::RedirectBrowserTo { redirect_browser_to: next }];
            steps.extend(continue_with.iter().cloned());
            let shown = SessionJson::public(session, public_url, now).readable_by(exchange.generation());
            response::ok(&json!({"session": shown, "continue_with": steps}))?
        }
    };
    match issued {
        SessionIssue::New => exchange.with_new_session(answer, &session.session, token),
        SessionIssue::Renewed => exchange.with_session(answer, &session.session, token),
    }
}

/// The step-up that the policy demands after the first factor.
fn second_factor(config: &Config, flow: &Flow) -> String {
    let init = with_query(&endpoint(&config.public_url, "/self-service/login/browser"), "aal", Aal::Aal2.as_str());
    match (&flow.return_to, url::Url::parse(&init)) {
        (Some(to), Ok(init)) => with_query(&init, "return_to", to),
        (Some(_) | None, _) => init,
    }
}
