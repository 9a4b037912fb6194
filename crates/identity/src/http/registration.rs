//! Registration over HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use orrery_web::{ApiError, Listener, Routes, response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::failure::api_error;
use super::flow::{self, Begun, Client, Exchange, SelfService, show_as};
use crate::config::Config;
use crate::flow::{BrowserSecrets, ContinueWith, Flow, FlowError, FlowKind, Open, Origin, Submission, Submitted};
use crate::identity::json::IdentityJson;
use crate::registration::Registered;
use crate::registration::render::{RegistrationFlow, render};
use crate::registration::start::{StartRegistration, start};
use crate::registration::submit::submit;
use crate::session::Session;
use crate::session::json::SessionJson;

pub(super) fn routes(surface: &'static str) -> Routes {
    let (browser, native) = (Some("createBrowserRegistrationFlow"), Some("createNativeRegistrationFlow"));
    Routes::new(Listener::Public, surface)
        .get("/self-service/registration/browser", browser, flow::begin_in_browser::<Registration>)
        .get("/self-service/registration/api", native, flow::begin_natively::<Registration>)
        .get("/self-service/registration/flows", Some("getRegistrationFlow"), flow::get::<Registration>)
        .post("/self-service/registration", Some("updateRegistrationFlow"), flow::submit::<Registration>)
        .get("/self-service/registration", None, flow::submit::<Registration>)
}

/// Creating an account.
pub(super) struct Registration;

impl SelfService for Registration {
    const KIND: FlowKind = FlowKind::Registration;
    type Body = RegistrationFlow;
    type Done = Registered;

    fn is_offered(config: &Config) -> bool {
        config.registration.enabled
    }

    async fn start(exchange: &Exchange<'_>, origin: Origin) -> Result<Begun, ApiError> {
        let return_to = origin.return_to.clone();
        let asked = StartRegistration {
            origin,
            after_verification_return_to: exchange.return_to("after_verification_return_to")?,
            schema_id: exchange.asked("identity_schema").map(str::to_owned),
            session: exchange.session().await?,
            exchange: exchange.wants_exchange(),
        };
        exchange.begun(start(exchange.service, exchange.context, asked).await, return_to, response::see_other)
    }

    async fn show(exchange: &Exchange<'_>, flow: &Flow, csrf_token: &str) -> Result<RegistrationFlow, ApiError> {
        let schemas = exchange.service.schemas.load();
        let schema = flow.schema_id.as_deref().and_then(|id| schemas.get(id));
        let schema = schema.ok_or_else(|| api_error(FlowError::UnknownSchema))?;
        Ok(render(flow, &exchange.config, schema, exchange.reader(csrf_token)))
    }

    async fn submit(
        exchange: &Exchange<'_>,
        open: Open,
        submitted: &Submission,
        browser: Option<BrowserSecrets>,
    ) -> Result<Submitted<Registered>, FlowError> {
        submit(exchange.service, exchange.context, open, submitted, browser).await
    }

    async fn done(exchange: &Exchange<'_>, done: Registered) -> Result<HttpResponse, ApiError> {
        registered(exchange, done)
    }

    async fn again(exchange: &Exchange<'_>, flow: &Flow) -> Result<HttpResponse, ApiError> {
        let mut answer = show_as::<Self>(exchange, flow, StatusCode::BAD_REQUEST).await?;
        if exchange.client == Client::Browser {
            // The contract has 302 here, where every other flow has 303.
            *answer.status_mut() = StatusCode::FOUND;
        }
        Ok(answer)
    }
}

fn registered(exchange: &Exchange<'_>, done: Registered) -> Result<HttpResponse, ApiError> {
    let Registered { flow, method, identity, session, mut continue_with } = done;
    let (public_url, now) = (&exchange.config.public_url, exchange.context.now);
    let configured = exchange.config.registration.after.return_url(method.as_str());
    let return_url = exchange.after_url(&flow, configured);
    let mut body = json!({"identity": IdentityJson::public(&identity, public_url)});
    if let Some((session, token)) = &session {
        body["session"] =
            json!(SessionJson::of(session, &identity, public_url, now).readable_by(exchange.generation()));
        if exchange.client == Client::Api {
            let token = token.expose_secret().to_owned();
            body["session_token"] = json!(token);
            continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token: token });
        }
    }
    match exchange.client {
        Client::Browser => {
            // To prove the address when a hook asks for it, else where the person wanted to go.
            let verification = continue_with.iter().find_map(ContinueWith::verification_page);
            with_session(exchange, response::see_other(verification.unwrap_or(&return_url))?, session.as_ref())
        }
        Client::Script => {
            continue_with.insert(0, ContinueWith::RedirectBrowserTo { redirect_browser_to: return_url });
            body["continue_with"] = json!(continue_with);
            with_session(exchange, response::ok(&body)?, session.as_ref())
        }
        Client::Api => {
            body["continue_with"] = if continue_with.is_empty() { json!(null) } else { json!(continue_with) };
            response::ok(&body)
        }
    }
}

fn with_session(
    exchange: &Exchange<'_>,
    answer: HttpResponse,
    session: Option<&(Session, SecretString)>,
) -> Result<HttpResponse, ApiError> {
    match session {
        Some((session, token)) => exchange.with_new_session(answer, session, token),
        None => Ok(answer),
    }
}
