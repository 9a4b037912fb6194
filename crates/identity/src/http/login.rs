//! Login over HTTP.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_core::id::FlowId;
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, Submitted, response};
use serde_json::json;

use super::failure::{self, api_error};
use super::flow::{self, Client, Sender};
use super::session;
use crate::IdentityService;
use crate::config::Config;
use crate::flow::form::{Reader, endpoint, with_query};
use crate::flow::{ContinueWith, Flow, FlowError, FlowKind, FlowMethod, FlowType, catalogue};
use crate::limits::Rate;
use crate::login::render::{LoginFlow, render};
use crate::login::start::{StartLogin, start};
use crate::login::{LoggedIn, SessionIssue, Submitted as Outcome, submit as login};
use crate::session::json::SessionJson;
use crate::session::{Aal, current};

pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface)
        .get("/self-service/login/browser", Some("createBrowserLoginFlow"), init_browser)
        .get("/self-service/login/api", Some("createNativeLoginFlow"), init_api)
        .get("/self-service/login/flows", Some("getLoginFlow"), get)
        .post("/self-service/login", Some("updateLoginFlow"), submit)
        .get("/self-service/login", None, submit)
}

/// `createBrowserLoginFlow`.
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

/// `createNativeLoginFlow`.
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
    let asked = StartLogin {
        flow_type: client.flow_type(),
        request_url: flow::request_url(&config, request)?,
        return_to: return_to.clone(),
        csrf: browser.fingerprint(),
        refresh: query.get("refresh") == Some("true"),
        aal: aal(&query)?,
        schema_id: query.get("identity_schema").filter(|id| !id.is_empty()).map(str::to_owned),
        session,
    };
    let begun = match start(service, context, asked).await {
        // Nothing to do: a person is better off where they wanted to go than on an error page.
        Err(FlowError::SessionAvailable) if client == Client::Browser => {
            return response::see_other(&return_to.unwrap_or_else(|| config.default_return_url.to_string()));
        }
        begun => begun.map_err(api_error)?,
    };
    let answer = match client {
        Client::Browser => response::see_other(&flow::page(&config, FlowKind::Login, begun.id))?,
        Client::Api | Client::Script => {
            let token = browser.token(&*service.entropy);
            response::ok(&shown(service, &config, context, &begun, &token))?
        }
    };
    flow::with_cookies(answer, browser.cookie)
}

fn aal(query: &Pairs) -> Result<Aal, ApiError> {
    match query.get("aal") {
        None | Some("" | "aal1") => Ok(Aal::Aal1),
        Some("aal2") => Ok(Aal::Aal2),
        Some(_) => Err(ApiError::bad_request("The query parameter \"aal\" must be \"aal1\" or \"aal2\".")),
    }
}

/// `getLoginFlow`.
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
) -> Result<LoginFlow, ApiError> {
    let config = service.config.load();
    let found = service.flows.flow_by_id(context.project, FlowKind::Login, id).await?;
    let found = found.ok_or_else(|| api_error(FlowError::Unknown))?;
    let token = flow::check_reader(service, context, &config, request, &found)?;
    Ok(shown(service, &config, context, &found, &token))
}

/// `updateLoginFlow`.
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
    let open = login::open(service, context, id, &presented).await.map_err(api_error)?;
    *client = Client::of_submit(request, open.flow.flow_type);
    let submitted = flow::submission(request, body)?;
    let csrf = match flow::check_sender(&config, request, &open.flow, &submitted)? {
        Sender::Owner(csrf) => csrf,
        Sender::BrowserOnNativeFlow(reason) => {
            let told = flow::not_evaluated(open.flow, &reason);
            return response::json(StatusCode::BAD_REQUEST, &shown(service, &config, context, &told, ""));
        }
    };
    let answer = Answer { service, config: &config, context, request, client: *client };
    match login::submit(service, context, open, &submitted, csrf).await {
        Ok(Outcome::Done(done)) => answer.done(*done),
        Ok(Outcome::Again(flow)) => answer.again(&flow),
        Ok(Outcome::AlreadySignedIn(flow)) => match client {
            Client::Browser => response::see_other(&flow::after_url(&config, &flow, None)),
            Client::Api | Client::Script => answer.again(&flow),
        },
        Ok(Outcome::Expired { expired, fresh }) => match client {
            Client::Browser => response::see_other(&flow::page(&config, FlowKind::Login, fresh.id)),
            Client::Api | Client::Script => Err(failure::expired_on_submit(&expired, &fresh, context)),
        },
        Err(FlowError::AddressUnverified(verification)) if *client == Client::Browser => {
            response::see_other(&flow::page(&config, FlowKind::Verification, verification.id))
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
}

impl Answer<'_> {
    fn again(&self, flow: &Flow) -> Result<HttpResponse, ApiError> {
        match self.client {
            Client::Browser => response::see_other(&flow::page(self.config, FlowKind::Login, flow.id)),
            Client::Api | Client::Script => {
                let token = flow::csrf_token(self.service, self.config, self.request, flow);
                let shown = shown(self.service, self.config, self.context, flow, &token);
                response::json(StatusCode::BAD_REQUEST, &shown)
            }
        }
    }

    fn done(&self, done: LoggedIn) -> Result<HttpResponse, ApiError> {
        let LoggedIn { flow, session, token, issued } = done;
        let config = self.config;
        let enough = config.session.required_aal.satisfied(session.session.aal, session.identity.available_aal);
        let (public_url, now) = (&config.public_url, self.context.now);
        if self.client == Client::Api {
            let shown = if enough {
                SessionJson::public(&session, public_url, now)
            } else {
                SessionJson::withheld(&session.session, &session.identity, public_url, now)
            };
            let token = secrecy::ExposeSecret::expose_secret(&token);
            return response::ok(&json!({"session_token": token, "session": shown, "continue_with": null}));
        }
        let method = FlowMethod::Password.as_str();
        let next = if enough {
            flow::after_url(config, &flow, config.login.after.return_url(method))
        } else {
            second_factor(config, &flow)
        };
        let answer = match (self.client, enough) {
            (Client::Browser, _) => response::see_other(&next)?,
            (Client::Api | Client::Script, false) => ApiError::browser_location_change(&next).to_response(None),
            (Client::Api | Client::Script, true) => {
                let continue_with = [ContinueWith::RedirectBrowserTo { redirect_browser_to: next }];
                let shown = SessionJson::public(&session, public_url, now);
                response::ok(&json!({"session": shown, "continue_with": continue_with}))?
            }
        };
        let mut cookies = vec![session::cookie(self.service, self.context, &token, session.session.expires_at)];
        if issued == SessionIssue::New {
            // What an earlier user of this browser knew must not be worth anything now.
            cookies.push(flow::csrf(config).rotate(&*self.service.entropy).1);
        }
        flow::with_cookies(answer, cookies)
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

/// The flow's JSON for the client that asks.
fn shown(
    service: &IdentityService,
    config: &Config,
    context: &RequestContext,
    flow: &Flow,
    csrf_token: &str,
) -> LoginFlow {
    let schemas = service.schemas.load();
    let schema = schemas.get(flow.schema_id.as_deref().unwrap_or(&config.default_schema_id));
    let label = match schema.and_then(|schema| schema.identifier_title()) {
        Some(title) => catalogue::LABEL_TRAIT.with([("title", json!(title)), ("name", json!("identifier"))]),
        None => catalogue::LABEL_IDENTIFIER.message(),
    };
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    render(flow, config, label, Reader { csrf_token, generation })
}
