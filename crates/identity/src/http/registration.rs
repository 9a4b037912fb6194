//! Registration over HTTP.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_core::id::FlowId;
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, Submitted, response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::failure::{self, api_error};
use super::flow::{self, Client, Sender};
use super::session;
use crate::IdentityService;
use crate::config::Config;
use crate::flow::form::Reader;
use crate::flow::{BrowserSecrets, ContinueWith, Flow, FlowError, FlowKind, FlowMethod, FlowType};
use crate::identity::json::IdentityJson;
use crate::limits::Rate;
use crate::registration::render::{RegistrationFlow, render};
use crate::registration::start::{StartRegistration, start};
use crate::registration::{Registered, Submitted as Outcome, submit as registration};
use crate::session::json::SessionJson;
use crate::session::{Session, current};

pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface)
        .get("/self-service/registration/browser", Some("createBrowserRegistrationFlow"), init_browser)
        .get("/self-service/registration/api", Some("createNativeRegistrationFlow"), init_api)
        .get("/self-service/registration/flows", Some("getRegistrationFlow"), get)
        .post("/self-service/registration", Some("updateRegistrationFlow"), submit)
        .get("/self-service/registration", None, submit)
}

/// `createBrowserRegistrationFlow`.
///
/// # Errors
/// See the contract; a navigating browser is sent to the error page instead.
pub async fn init_browser(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let client = Client::of_init(&request, FlowType::Browser);
    match init(&service, &context, &request, client).await {
        Ok(answer) => Ok(answer),
        Err(error) => failure::fail(&service, &context, client, error).await,
    }
}

/// `createNativeRegistrationFlow`.
///
/// # Errors
/// See the contract.
pub async fn init_api(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    init(&service, &context, &request, Client::Api).await
}

async fn init(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    client: Client,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    service.rates.take(Rate::Flow, context, &config.limits).map_err(|limit| api_error(limit.into()))?;
    let query = Pairs::of_query(request)?;
    let presented = session::presented(request, service, context);
    let session = current(service, context, &presented).await?;
    let browser = flow::Browser::of(client, &config, request, &*service.entropy);
    let return_to = flow::return_to(&config, &query, "return_to")?;
    let asked = StartRegistration {
        flow_type: client.flow_type(),
        request_url: flow::request_url(&config, request)?,
        return_to: return_to.clone(),
        after_verification_return_to: flow::return_to(&config, &query, "after_verification_return_to")?,
        csrf: browser.fingerprint(),
        schema_id: query.get("identity_schema").filter(|id| !id.is_empty()).map(str::to_owned),
        session,
    };
    let begun = match start(service, context, asked).await {
        Err(FlowError::SessionAvailable) if client == Client::Browser => {
            return response::see_other(&return_to.unwrap_or_else(|| config.default_return_url.to_string()));
        }
        begun => begun.map_err(api_error)?,
    };
    let answer = match client {
        Client::Browser => response::see_other(&flow::page(&config, FlowKind::Registration, begun.id))?,
        Client::Api | Client::Script => {
            let token = browser.token(&*service.entropy);
            response::ok(&shown(service, &config, context, &begun, &token)?)?
        }
    };
    flow::with_cookies(answer, browser.cookie)
}

/// `getRegistrationFlow`.
///
/// # Errors
/// 400, 403, 404 and 410 of the contract.
pub async fn get(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id = flow::id(&Pairs::of_query(&request)?, "id")?;
    response::ok(&read(&service, &context, &request, id).await?)
}

/// A flow as the request's sender may read it.
///
/// # Errors
/// 403, 404 and 410 of the contract.
pub async fn read(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    id: FlowId,
) -> Result<RegistrationFlow, ApiError> {
    let config = service.config.load();
    let found = service.flows.flow_by_id(context.project, FlowKind::Registration, id).await?;
    let found = found.ok_or_else(|| api_error(FlowError::Unknown))?;
    let token = flow::check_reader(service, context, &config, request, &found)?;
    shown(service, &config, context, &found, &token)
}

/// `updateRegistrationFlow`.
///
/// # Errors
/// See the contract; a navigating browser is sent to the error page instead.
pub async fn submit(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    body: Result<Submitted, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let mut client = Client::of_submit(&request, FlowType::Browser);
    match submit_as(&service, &context, &request, body, &mut client).await {
        Ok(answer) => Ok(answer),
        Err(error) => failure::fail(&service, &context, client, error).await,
    }
}

async fn submit_as(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    body: Result<Submitted, ApiError>,
    client: &mut Client,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    service.rates.take(Rate::Submit, context, &config.limits).map_err(|limit| api_error(limit.into()))?;
    let id = flow::id(&Pairs::of_query(request)?, "flow")?;
    let presented = session::presented(request, service, context);
    let open = registration::open(service, context, id, &presented).await.map_err(api_error)?;
    *client = Client::of_submit(request, open.flow.flow_type);
    let submitted = flow::submission(request, body)?;
    let present = match flow::check_sender(&config, request, &open.flow, &submitted)? {
        Sender::Owner(csrf) => csrf,
        Sender::BrowserOnNativeFlow(reason) => {
            let told = flow::not_evaluated(open.flow, &reason);
            return response::json(StatusCode::BAD_REQUEST, &shown(service, &config, context, &told, "")?);
        }
    };
    // Chosen now, because the verification that follows already belongs to it.
    let (next, next_cookie) = flow::csrf(&config).rotate(&*service.entropy);
    let browser = present.map(|present| BrowserSecrets { present, next: next.fingerprint() });
    let answer = Answer { service, config: &config, context, request, client: *client, next_cookie };
    let return_to = open.flow.return_to.clone();
    match registration::submit(service, context, open, &submitted, browser).await {
        Ok(Outcome::Done(done)) => answer.done(*done),
        Ok(Outcome::Again(flow)) => answer.again(&flow),
        Ok(Outcome::Expired { expired, fresh }) => match client {
            Client::Browser => response::see_other(&flow::page(&config, FlowKind::Registration, fresh.id)),
            Client::Api | Client::Script => Err(failure::expired_on_submit(&expired, &fresh, context)),
        },
        Err(FlowError::SessionAvailable) if *client == Client::Browser => {
            response::see_other(&return_to.unwrap_or_else(|| config.default_return_url.to_string()))
        }
        Err(error) => Err(api_error(error)),
    }
}

/// What answering a submit takes.
struct Answer<'a> {
    service: &'a IdentityService,
    config: &'a Config,
    context: &'a RequestContext,
    request: &'a HttpRequest,
    client: Client,
    /// The anti-CSRF cookie that comes with a new session.
    next_cookie: Cookie<'static>,
}

impl Answer<'_> {
    fn again(&self, flow: &Flow) -> Result<HttpResponse, ApiError> {
        match self.client {
            Client::Browser => {
                // The contract has 302 here, where every other flow has 303.
                let mut answer = response::see_other(&flow::page(self.config, FlowKind::Registration, flow.id))?;
                *answer.status_mut() = StatusCode::FOUND;
                Ok(answer)
            }
            Client::Api | Client::Script => {
                let token = flow::csrf_token(self.service, self.config, self.request, flow);
                let shown = shown(self.service, self.config, self.context, flow, &token)?;
                response::json(StatusCode::BAD_REQUEST, &shown)
            }
        }
    }

    fn done(&self, done: Registered) -> Result<HttpResponse, ApiError> {
        let Registered { flow, identity, session, mut continue_with } = done;
        let (config, now) = (self.config, self.context.now);
        let public_url = &config.public_url;
        let mut body = json!({"identity": IdentityJson::public(&identity, public_url)});
        if let Some((session, token)) = &session {
            body["session"] = json!(SessionJson::of(session, &identity, public_url, now));
            if self.client == Client::Api {
                let token = token.expose_secret().to_owned();
                body["session_token"] = json!(token);
                continue_with.push(ContinueWith::SetOrySessionToken { ory_session_token: token });
            }
        }
        match self.client {
            Client::Browser => {
                // To prove the address when a hook asks for it, else where the person wanted to go.
                let verification = continue_with.iter().find_map(ContinueWith::verification_page);
                let next = verification.map_or_else(|| self.return_url(&flow), str::to_owned);
                self.with_session(response::see_other(&next)?, session)
            }
            Client::Script => {
                let redirect_browser_to = self.return_url(&flow);
                continue_with.insert(0, ContinueWith::RedirectBrowserTo { redirect_browser_to });
                body["continue_with"] = json!(continue_with);
                self.with_session(response::ok(&body)?, session)
            }
            Client::Api => {
                body["continue_with"] = if continue_with.is_empty() { json!(null) } else { json!(continue_with) };
                response::ok(&body)
            }
        }
    }

    fn return_url(&self, flow: &Flow) -> String {
        let configured = self.config.registration.after.return_url(FlowMethod::Password.as_str());
        flow::after_url(self.config, flow, configured)
    }

    fn with_session(
        &self,
        answer: HttpResponse,
        session: Option<(Session, SecretString)>,
    ) -> Result<HttpResponse, ApiError> {
        let cookies = session.map(|(session, token)| {
            let signed_in = session::cookie(self.service, self.context, &token, session.expires_at);
            // What an earlier user of this browser knew must not be worth anything now.
            [signed_in, self.next_cookie.clone()]
        });
        flow::with_cookies(answer, cookies.into_iter().flatten())
    }
}

/// The flow's JSON for the client that asks.
fn shown(
    service: &IdentityService,
    config: &Config,
    context: &RequestContext,
    flow: &Flow,
    csrf_token: &str,
) -> Result<RegistrationFlow, ApiError> {
    let schemas = service.schemas.load();
    let schema = flow.schema_id.as_deref().and_then(|id| schemas.get(id));
    let schema = schema.ok_or_else(|| api_error(FlowError::UnknownSchema))?;
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    Ok(render(flow, config, schema, Reader { csrf_token, generation }))
}
