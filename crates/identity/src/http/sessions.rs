//! A person's own sessions.

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::id::SessionId;
use orrery_core::jsonnet::JsonnetError;
use orrery_web::page::PageBounds;
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, response};
use secrecy::ExposeSecret;
use serde_json::json;

use super::list::List;
use super::session::{self, inactive, refused};
use crate::IdentityService;
use crate::session::exchange::{Outcome, exchange};
use crate::session::tokenize::{TokenizeError, tokenize};
use crate::session::{NoSession, Presented, SessionJson, current, whoami};
use crate::store::SessionFilter;

/// Rows of one page of sessions, here and for administrators.
pub(super) const PAGE: PageBounds = PageBounds { default: 250, max: 1000 };

const IDENTITY_ID: HeaderName = HeaderName::from_static("x-kratos-authenticated-identity-id");
/// For how many seconds a proxy may reuse the answer.
const CACHE_FOR: HeaderName = HeaderName::from_static("ory-session-cache-for");
/// How long a proxy may remember that a request without any credential has no session.
const NOBODY_CACHE_FOR: u32 = 60;

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    let whoami = "/sessions/whoami";
    let routes = Routes::new(Listener::Public, surface)
        .get(whoami, Some("toSession"), to_session)
        .get("/sessions", Some("listMySessions"), list)
        .get("/sessions/token-exchange", Some("exchangeSessionToken"), exchange_token)
        .delete("/sessions", Some("disableMyOtherSessions"), revoke_others)
        .delete("/sessions/{id}", Some("disableMySession"), revoke);
    // Proxies ask with the method that they were asked with.
    [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS]
        .into_iter()
        .fold(routes, |routes, method| routes.on(method, whoami, None, to_session))
}

/// `toSession`: whose session this is. Every method, because proxies forward the one that they were asked with.
///
/// # Errors
/// 401 `session_inactive`, 403 `session_aal2_required`, 400 for an unknown `tokenize_as`.
pub async fn to_session(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    let query = Pairs::of_query(&request)?;
    let template = match query.get("tokenize_as").filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(
            config
                .tokenizer
                .get(name)
                .ok_or_else(|| ApiError::bad_request(format!("There is no tokenizer template named \"{name}\".")))?,
        ),
    };
    let presented = session::presented(&request, &service, &context);
    let found = match whoami(&service, &context, &presented, config.session.required_aal).await {
        Ok(found) => found,
        Err(NoSession::Inactive) if matches!(presented, Presented::Nothing) && config.session.cache_for.is_some() => {
            let mut answer = inactive().to_response(Some(&context.request_id));
            answer.headers_mut().insert(CACHE_FOR, HeaderValue::from(NOBODY_CACHE_FOR));
            return Ok(answer);
        }
        Err(error) => return Err(refused(error, &config)),
    };
    let expires_at = found.session.expires_at;
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    let shown = SessionJson::public(&found, &config.public_url, context.now).readable_by(generation);
    let mut answer = match template {
        None => response::ok(&shown)?,
        Some(template) => {
            let mut shown = serde_json::to_value(&shown).map_err(ApiError::internal)?;
            let token = tokenize(&service, &context, template, &found, shown.clone()).await;
            shown["tokenized"] = json!(token.map_err(untokenized)?);
            response::ok(&shown)?
        }
    };
    let identity = HeaderValue::from_str(&found.identity.id.to_string()).map_err(ApiError::internal)?;
    answer.headers_mut().insert(IDENTITY_ID, identity);
    // A token ends sooner than the session that it is about.
    if let Some(longest) = config.session.cache_for.filter(|_| template.is_none()) {
        let seconds = expires_at.since(context.now).min(longest).as_secs();
        answer.headers_mut().insert(CACHE_FOR, HeaderValue::from(seconds));
    }
    let outdated = presented.token().filter(|_| presented.is_outdated_cookie(expires_at));
    response::with_cookies(answer, outdated.map(|token| session::cookie(&service, &context, token, expires_at)))
}

fn untokenized(error: TokenizeError) -> ApiError {
    match error {
        TokenizeError::NoSubject => ApiError::bad_request(
            "The template names the owner of a token by their external_id, and this identity has none.",
        ),
        TokenizeError::Mapper(JsonnetError::Unavailable(_)) => ApiError::unavailable(1).with_source(error),
        TokenizeError::Mapper(_) | TokenizeError::NoClaims => ApiError::misconfigured(error),
        TokenizeError::Key(error) => ApiError::internal(error),
    }
}

/// `exchangeSessionToken`: the session that a browser earned, for the app that began the flow.
///
/// # Errors
/// 400 for a missing code; 404 while nobody has signed in, and for codes that are wrong or used. 422 with the flow when it
/// has to be corrected first.
pub async fn exchange_token(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let code = |name: &str| {
        let given = query.get(name).filter(|code| !code.is_empty());
        given.ok_or_else(|| ApiError::bad_request(format!("The query parameter \"{name}\" is missing.")))
    };
    let config = service.config.load();
    match exchange(&service, &context, code("init_code")?, code("return_to_code")?).await? {
        Outcome::Session(found, token) => {
            let generation = config.compatibility.generation(context.user_agent.as_deref());
            let shown = SessionJson::public(&found, &config.public_url, context.now).readable_by(generation);
            response::ok(&json!({"session_token": token.expose_secret(), "session": shown}))
        }
        Outcome::Failed(flow) => {
            let body = super::read(&service, &context, &request, flow.kind, flow.id).await?;
            response::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
        }
        Outcome::NotReady => {
            Err(ApiError::not_found("Nobody has signed in with these codes yet, or they are wrong or were used."))
        }
    }
}

/// `listMySessions`: the caller's other active sessions.
///
/// # Errors
/// 401 `session_inactive`, 403 `session_aal2_required`, 400 for a bad page.
pub async fn list(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    let presented = session::presented(&request, &service, &context);
    let own = whoami(&service, &context, &presented, config.session.required_aal)
        .await
        .map_err(|error| refused(error, &config))?;
    let query = Pairs::of_query(&request)?;
    let filter = SessionFilter {
        active: Some((true, context.now)),
        identity: Some(own.identity.id),
        except: Some(own.session.id),
    };
    let list = List {
        service: &service,
        context: &context,
        request: &request,
        query: &query,
        name: "own sessions",
        bounds: PAGE,
    };
    let asked = list.asked()?;
    let page = service.sessions.session_list(context.project, &filter, &asked).await?;
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    let shown = |session| SessionJson::public(session, &config.public_url, context.now).readable_by(generation);
    let shown = page.items.iter().map(shown);
    list.answer(&asked, &page, shown)
}

/// `disableMyOtherSessions`: ends all sessions of the caller but this one.
///
/// # Errors
/// 401 `session_inactive`.
pub async fn revoke_others(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let presented = session::presented(&request, &service, &context);
    let own = current(&service, &context, &presented).await?.ok_or_else(inactive)?;
    let keep = Some(own.session.id);
    let count = service.sessions.session_revoke_others(context.project, own.identity.id, keep).await?;
    response::ok(&json!({"count": count}))
}

/// `disableMySession`: ends one other session of the caller. Sessions of others are left alone, and the answer does not
/// tell whether they exist.
///
/// # Errors
/// 401 `session_inactive`; 400 for the present session and for what is no UUID.
pub async fn revoke(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let presented = session::presented(&request, &service, &context);
    let own = current(&service, &context, &presented).await?.ok_or_else(inactive)?;
    let id: SessionId = parse(&id)?;
    if id == own.session.id {
        return Err(ApiError::bad_request("This is the session of the request itself; to end it, sign out."));
    }
    service.sessions.session_revoke_own(context.project, own.identity.id, id).await?;
    Ok(response::no_content())
}

/// The id in a path.
///
/// # Errors
/// 400 when it is no UUID.
pub(super) fn parse<T: std::str::FromStr>(id: &str) -> Result<T, ApiError> {
    id.parse().map_err(|_| ApiError::bad_request("The id in the path is not a UUID."))
}
