//! Verification over HTTP.

use actix_web::http::{Method, StatusCode};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_core::id::FlowId;
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, Submitted, response};

use super::failure::{self, api_error};
use super::flow::{self, Browser, Client, Sender};
use crate::IdentityService;
use crate::config::Config;
use crate::flow::form::{Reader, endpoint, with_query};
use crate::flow::{Flow, FlowError, FlowKind, FlowType};
use crate::limits::Rate;
use crate::verification::render::{VerificationBody, render};
use crate::verification::{self, Origin, Outcome};

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface)
        .get("/self-service/verification/browser", Some("createBrowserVerificationFlow"), init_browser)
        .get("/self-service/verification/api", Some("createNativeVerificationFlow"), init_api)
        .get("/self-service/verification/flows", Some("getVerificationFlow"), get)
        .post("/self-service/verification", Some("updateVerificationFlow"), submit)
        .get("/self-service/verification", None, submit)
}

/// `createBrowserVerificationFlow`.
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

/// `createNativeVerificationFlow`.
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
    offered(&config)?;
    let query = Pairs::of_query(request)?;
    let browser = Browser::of(client, &config, request, &*service.entropy);
    let origin = Origin {
        flow_type: client.flow_type(),
        request_url: flow::request_url(&config, request)?,
        return_to: flow::return_to(&config, &query, "return_to")?,
        csrf: browser.fingerprint(),
        transient_payload: None,
    };
    let begun = verification::start(service, context, origin).await?;
    let answer = match client {
        Client::Browser => response::see_other(&flow::page(&config, FlowKind::Verification, begun.id))?,
        Client::Api | Client::Script => {
            let token = browser.token(&*service.entropy);
            response::ok(&shown(service, &config, context, &begun, &token))?
        }
    };
    flow::with_cookies(answer, browser.cookie)
}

/// Refuses verification where the operator has switched it off.
fn offered(config: &Config) -> Result<(), ApiError> {
    if config.verification.enabled {
        return Ok(());
    }
    Err(ApiError::bad_request("Verification is not offered here.").with_id("self_service_flow_disabled"))
}

/// `getVerificationFlow`.
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
) -> Result<VerificationBody, ApiError> {
    let config = service.config.load();
    let found = service.flows.flow_by_id(context.project, FlowKind::Verification, id).await?;
    let found = found.ok_or_else(|| api_error(FlowError::Unknown))?;
    let token = flow::check_reader(service, context, &config, request, &found)?;
    Ok(shown(service, &config, context, &found, &token))
}

/// `updateVerificationFlow`; with GET, the link of a message was followed.
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
    offered(&config)?;
    let query = Pairs::of_query(request)?;
    let id = flow::id(&query, "flow")?;
    let submitted = flow::submission(request, body)?;
    let found = service.flows.flow_by_id(context.project, FlowKind::Verification, id).await?;
    let found = found.ok_or_else(|| api_error(FlowError::Unknown))?;
    let browser = Browser::of(Client::of_submit(request, found.flow_type), &config, request, &*service.entropy);
    if request.method() == Method::GET {
        let page = response::see_other(&flow::page(&config, FlowKind::Verification, id))?;
        if let Some(code) = query.get("code") {
            verification::prefill(service, context, found, code, browser.fingerprint()).await.map_err(api_error)?;
        }
        return flow::with_cookies(page, browser.cookie);
    }
    *client = Client::of_submit(request, found.flow_type);
    // Entering a code changes nothing that the code does not prove, and mail is read in other browsers.
    let proves_itself = found.flow_type == FlowType::Browser && verification::is_code_entry(&found, &submitted);
    if !proves_itself
        && let Sender::BrowserOnNativeFlow(reason) = flow::check_sender(&config, request, &found, &submitted)?
    {
        let told = flow::not_evaluated(found, &reason);
        return response::json(StatusCode::BAD_REQUEST, &shown(service, &config, context, &told, ""));
    }
    let outcome = verification::submit(service, context, found, &submitted, browser.fingerprint()).await;
    let answer = match (outcome.map_err(api_error)?, *client) {
        (
            Outcome::Shown(flow) | Outcome::Rejected(flow) | Outcome::Expired(flow) | Outcome::Replaced(flow),
            Client::Browser,
        ) => response::see_other(&flow::page(&config, FlowKind::Verification, flow.id)),
        (Outcome::Shown(flow), Client::Api | Client::Script) => {
            let token = flow::csrf_token(service, &config, request, &flow);
            response::ok(&shown(service, &config, context, &flow, &token))
        }
        (Outcome::Rejected(flow), Client::Api | Client::Script) => {
            let token = flow::csrf_token(service, &config, request, &flow);
            response::json(StatusCode::BAD_REQUEST, &shown(service, &config, context, &flow, &token))
        }
        (Outcome::Expired(fresh), Client::Api | Client::Script) => {
            let read = endpoint(&config.public_url, "/self-service/verification/flows");
            response::see_other(&with_query(&read, "id", &fresh.id.to_string()))
        }
        (Outcome::Replaced(fresh), Client::Api | Client::Script) => {
            Err(ApiError::gone("This verification is over. A new one was begun.")
                .with_id("self_service_flow_replaced")
                .with_member("use_flow_id", fresh.id.to_string()))
        }
    }?;
    flow::with_cookies(answer, browser.cookie)
}

/// The flow's JSON for the client that asks.
fn shown(
    service: &IdentityService,
    config: &Config,
    context: &RequestContext,
    flow: &Flow,
    csrf_token: &str,
) -> VerificationBody {
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    render(flow, config, &service.keyring, Reader { csrf_token, generation })
}
