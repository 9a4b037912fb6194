//! Recovery over HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use orrery_web::{ApiError, Listener, Routes, response};
use secrecy::ExposeSecret;
use serde_json::json;

use super::failure;
use super::flow::{self, Begun, Browser, Client, Exchange, SelfService, show_as};
use crate::config::Config;
use crate::flow::form::{endpoint, with_query};
use crate::flow::{
    BrowserSecrets, ContinueWith, Flow, FlowError, FlowKind, FlowType, NextFlow, Open, Origin, Submission, Submitted,
};
use crate::recovery::render::{RecoveryFlow, render};
use crate::recovery::{Outcome, Recovered, follow, start, submit};

pub(super) fn routes(surface: &'static str) -> Routes {
    let (browser, native) = (Some("createBrowserRecoveryFlow"), Some("createNativeRecoveryFlow"));
    Routes::new(Listener::Public, surface)
        .get("/self-service/recovery/browser", browser, flow::begin_in_browser::<Recovery>)
        .get("/self-service/recovery/api", native, flow::begin_natively::<Recovery>)
        .get("/self-service/recovery/flows", Some("getRecoveryFlow"), flow::get::<Recovery>)
        .post("/self-service/recovery", Some("updateRecoveryFlow"), flow::submit::<Recovery>)
        .get("/self-service/recovery", None, flow::submit::<Recovery>)
}

/// Getting back into an account.
pub(super) struct Recovery;

impl SelfService for Recovery {
    const KIND: FlowKind = FlowKind::Recovery;
    type Body = RecoveryFlow;
    type Done = Outcome;

    fn is_offered(config: &Config) -> bool {
        config.recovery.enabled
    }

    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError> {
        let return_to = origin.return_to.clone();
        let skip_settings = exchange.query.get("skip_settings") == Some("true");
        let session = exchange.session().await?;
        let begun = start(exchange.service, exchange.context, origin, skip_settings, session).await;
        exchange.begun(begun, return_to, response::found)
    }

    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<RecoveryFlow, ApiError> {
        Ok(render(flow, &exchange.config, exchange.reader(csrf_token)))
    }

    async fn follow(exchange: &Exchange<'_>, open: &Open) -> Result<Option<HttpResponse>, ApiError> {
        let (service, context) = (exchange.service, exchange.context);
        let Some(token) = exchange.asked("token") else {
            return match exchange.client {
                Client::Browser => response::see_other(&exchange.page(&open.flow)).map(Some),
                Client::Api | Client::Script => Ok(None),
            };
        };
        let browser = Browser::of(Client::Browser, &exchange.config, exchange.request, &*service.entropy);
        let present = browser.fingerprint().unwrap_or_else(|| exchange.next_secret());
        let secrets = BrowserSecrets { present, next: exchange.next_secret() };
        let answer = match follow(service, context, open, token, secrets).await {
            Ok(Submitted::Done(done)) => Self::done(exchange, *done).await?,
            Ok(Submitted::Again(flow) | Submitted::Expired { fresh: flow, .. }) => Self::again(exchange, &flow).await?,
            Err(FlowError::SessionAvailable) if exchange.client == Client::Browser => {
                response::see_other(exchange.config.default_return_url.as_str())?
            }
            Err(error) => return Err(failure::api_error(error)),
        };
        response::with_cookies(answer, browser.cookie).map(Some)
    }

    // A code that an administrator handed over is entered in a browser that nobody knew beforehand.
    fn proves_itself(flow: &Flow, submitted: &Submission) -> bool {
        flow.flow_type == FlowType::Browser && flow.csrf.is_none() && submitted.text("code").is_some()
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
            (Outcome::Shown(flow), _) => show_as::<Self>(exchange, &flow, StatusCode::OK).await,
            (Outcome::Replaced(fresh), Client::Browser) => response::see_other(&exchange.page(&fresh)),
            (Outcome::Replaced(fresh), Client::Api | Client::Script) if exchange.config.continue_with_transitions => {
                Err(with_fresh(
                    exchange,
                    ApiError::gone("This recovery is over. A new one was begun.")
                        .with_id("self_service_flow_replaced")
                        .with_member("use_flow_id", fresh.id.to_string()),
                    &fresh,
                ))
            }
            (Outcome::Replaced(fresh), Client::Api | Client::Script) => read_instead(exchange, &fresh),
            (Outcome::Recovered(recovered), _) => recovered_as(exchange, *recovered).await,
        }
    }

    fn expired(exchange: &Exchange<'_>, expired: &Flow, fresh: &Flow) -> Result<HttpResponse, ApiError> {
        match exchange.client {
            Client::Browser => response::see_other(&exchange.page(fresh)),
            Client::Script => read_instead(exchange, fresh),
            Client::Api => {
                Err(with_fresh(exchange, failure::expired_on_submit(expired, fresh, exchange.context), fresh))
            }
        }
    }
}

/// The contract sends scripts and apps to the fresh flow.
fn read_instead(exchange: &Exchange<'_>, fresh: &Flow) -> Result<HttpResponse, ApiError> {
    let read = endpoint(&exchange.config.public_url, "/self-service/recovery/flows");
    response::see_other(&with_query(&read, "id", &fresh.id.to_string()))
}

fn with_fresh(exchange: &Exchange<'_>, error: ApiError, fresh: &Flow) -> ApiError {
    let next = ContinueWith::ShowRecoveryUi { flow: NextFlow::of(fresh, &exchange.config) };
    error.with_detail("continue_with", json!([next]))
}

async fn recovered_as(exchange: &Exchange<'_>, recovered: Recovered) -> Result<HttpResponse, ApiError> {
    let Recovered { flow, settings, session: (session, token), skip_settings } = recovered;
    let next = if skip_settings { exchange.after_url(&flow, None) } else { exchange.page(&settings) };
    let answer = match exchange.client {
        Client::Browser => response::see_other(&next)?,
        Client::Script if !exchange.config.continue_with_transitions => {
            ApiError::browser_location_change(&next).to_response(None)
        }
        Client::Script | Client::Api => {
            let mut shown = Recovery::show(exchange, &flow, &exchange.token_if_owner(&flow)).await?;
            if exchange.client == Client::Api {
                let ory_session_token = token.expose_secret().to_owned();
                shown.continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token });
            }
            if !skip_settings {
                let flow = NextFlow::of(&settings, &exchange.config);
                shown.continue_with.push(ContinueWith::ShowSettingsUi { flow });
            } else if exchange.client == Client::Script {
                shown.continue_with.push(ContinueWith::RedirectBrowserTo { redirect_browser_to: next });
            }
            response::ok(&shown)?
        }
    };
    match exchange.client {
        Client::Api => Ok(answer),
        Client::Browser | Client::Script => exchange.with_new_session(answer, &session, &token),
    }
}
