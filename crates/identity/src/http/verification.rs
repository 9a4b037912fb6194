//! Verification over HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use orrery_web::{ApiError, Listener, Routes, response};

use super::failure::api_error;
use super::flow::{self, Begun, Browser, Client, Exchange, SelfService, show_as};
use crate::config::Config;
use crate::flow::form::{Frame, endpoint, with_query};
use crate::flow::{BrowserSecrets, Flow, FlowError, FlowKind, FlowType, Open, Origin, Submission, Submitted};
use crate::verification::render::render;
use crate::verification::{Outcome, follow, is_code_entry, prefill, start, submit};

pub(super) fn routes(surface: &'static str) -> Routes {
    let (browser, native) = (Some("createBrowserVerificationFlow"), Some("createNativeVerificationFlow"));
    Routes::new(Listener::Public, surface)
        .get("/self-service/verification/browser", browser, flow::begin_in_browser::<Verification>)
        .get("/self-service/verification/api", native, flow::begin_natively::<Verification>)
        .get("/self-service/verification/flows", Some("getVerificationFlow"), flow::get::<Verification>)
        .post("/self-service/verification", Some("updateVerificationFlow"), flow::submit::<Verification>)
        .get("/self-service/verification", None, flow::submit::<Verification>)
}

/// Proving an address.
pub(super) struct Verification;

impl SelfService for Verification {
    const KIND: FlowKind = FlowKind::Verification;
    type Body = Frame;
    type Done = Outcome;

    fn is_offered(config: &Config) -> bool {
        config.verification.enabled
    }

    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError> {
        let flow = start(exchange.service, exchange.context, origin).await.map_err(api_error)?;
        Ok(Begun::Flow(Box::new(flow)))
    }

    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<Frame, ApiError> {
        Ok(render(flow, &exchange.config, &exchange.service.keyring, exchange.reader(csrf_token)))
    }

    async fn follow(exchange: &Exchange<'_>, open: &Open) -> Result<Option<HttpResponse>, ApiError> {
        let (service, context) = (exchange.service, exchange.context);
        let browser = Browser::of(exchange.client, &exchange.config, exchange.request, &*service.entropy);
        if let Some(code) = exchange.query.get("code") {
            prefill(service, context, open.flow.clone(), code, browser.fingerprint()).await.map_err(api_error)?;
        }
        let shown = match exchange.asked("token") {
            Some(token) => {
                let followed = follow(service, context, &open.flow, token, browser.fingerprint()).await;
                exchange.page(&followed.map_err(api_error)?)
            }
            None => exchange.page(&open.flow),
        };
        let page = response::see_other(&shown)?;
        response::with_cookies(page, browser.cookie).map(Some)
    }

    // Entering a code changes nothing that the code does not prove, and mail is read in other browsers.
    fn proves_itself(flow: &Flow, submitted: &Submission) -> bool {
        flow.flow_type == FlowType::Browser && is_code_entry(flow, submitted)
    }

    async fn submit(
        exchange: &Exchange<'_>,
        open: Open,
        submitted: &Submission,
        browser: Option<BrowserSecrets>,
    ) -> Result<Submitted<Outcome>, FlowError> {
        submit(exchange.service, exchange.context, open.flow, submitted, browser).await
    }

    async fn done(exchange: &Exchange<'_>, done: Outcome) -> Result<HttpResponse, ApiError> {
        match (done, exchange.client) {
            (Outcome::Replaced(fresh), Client::Api | Client::Script) => {
                Err(ApiError::gone("This verification is over. A new one was begun.")
                    .with_id("self_service_flow_replaced")
                    .with_member("use_flow_id", fresh.id.to_string()))
            }
            (Outcome::Shown(flow), Client::Api | Client::Script) if flow.completed_at.is_none() => {
                show_to_owner(exchange, &flow, StatusCode::OK).await
            }
            (Outcome::Shown(flow) | Outcome::Replaced(flow), _) => {
                show_as::<Self>(exchange, &flow, StatusCode::OK).await
            }
        }
    }

    async fn again(exchange: &Exchange<'_>, flow: &Flow) -> Result<HttpResponse, ApiError> {
        show_to_owner(exchange, flow, StatusCode::BAD_REQUEST).await
    }

    // The contract sends scripts and apps to the fresh flow, too.
    fn expired(exchange: &Exchange<'_>, _expired: &Flow, fresh: &Flow) -> Result<HttpResponse, ApiError> {
        match exchange.client {
            Client::Browser => response::see_other(&exchange.page(fresh)),
            Client::Api | Client::Script => {
                let read = endpoint(&exchange.config.public_url, "/self-service/verification/flows");
                response::see_other(&with_query(&read, "id", &fresh.id.to_string()))
            }
        }
    }
}

/// The flow, which names an address, for whoever began it. Whoever enters a wrong code from elsewhere has proven nothing.
async fn show_to_owner(exchange: &Exchange<'_>, flow: &Flow, status: StatusCode) -> Result<HttpResponse, ApiError> {
    Verification::admit_reader(exchange, flow).await?;
    show_as::<Verification>(exchange, flow, status).await
}
