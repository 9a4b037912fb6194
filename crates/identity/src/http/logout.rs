//! Signing out over HTTP.

use actix_web::http::header::{CLEAR_SITE_DATA, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::RequestContext;
use orrery_core::secret::Purpose;
use orrery_web::{ApiError, Context, JsonBody, Listener, Pairs, Routes, response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::failure::fail;
use super::flow::{Client, csrf, return_to};
use super::session::{self, inactive};
use crate::IdentityService;
use crate::flow::FlowType;
use crate::flow::form::{endpoint, with_query};
use crate::logout;
use crate::session::current;

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Public, surface)
        .get("/self-service/logout/browser", Some("createBrowserLogoutFlow"), init)
        .get("/self-service/logout", Some("updateLogoutFlow"), submit)
        .delete("/self-service/logout/api", Some("performNativeLogout"), native)
}

/// `createBrowserLogoutFlow`: the link that signs this browser out.
///
/// # Errors
/// 401 `session_inactive`; a navigating browser is sent to the error page instead.
pub async fn init(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    match link(&service, &context, &request).await {
        Ok(answer) => Ok(answer),
        Err(error) => fail(&service, &context, Client::of_init(&request, FlowType::Browser), error).await,
    }
}

async fn link(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    let back = return_to(&config, &Pairs::of_query(request)?, "return_to")?;
    let presented = session::presented(request, service, context);
    let session = current(service, context, &presented).await?.ok_or_else(inactive)?;
    let token = logout::token(session.session.id, &service.keyring);
    let mut url = endpoint(&config.public_url, "/self-service/logout");
    url.query_pairs_mut().append_pair("token", token.expose_secret());
    let url = back.map_or_else(|| url.to_string(), |back| with_query(&url, "return_to", &back));
    response::ok(&json!({"logout_url": url, "logout_token": token.expose_secret()}))
}

/// `updateLogoutFlow`: ends the session whose link was followed.
///
/// # Errors
/// 400 without a token, 401 `session_inactive`, 403 for the token of another session; a navigating browser is sent to
/// the error page instead.
pub async fn submit(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let client = Client::of_init(&request, FlowType::Browser);
    match sign_out(&service, &context, &request, client).await {
        Ok(answer) => Ok(answer),
        Err(error) => fail(&service, &context, client, error).await,
    }
}

async fn sign_out(
    service: &IdentityService,
    context: &RequestContext,
    request: &HttpRequest,
    client: Client,
) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    let query = Pairs::of_query(request)?;
    let token = query.get("token").filter(|token| !token.is_empty()).ok_or_else(|| {
        ApiError::bad_request("The query parameter \"token\" is missing. Ask for a logout link and follow that.")
    })?;
    let back = return_to(&config, &query, "return_to")?;
    let presented = session::presented(request, service, context);
    let own = current(service, context, &presented).await?.ok_or_else(inactive)?;
    if !logout::is_token_of(own.session.id, token, &service.keyring) {
        return Err(ApiError::forbidden(
            "The logout token belongs to another session. Ask for a logout link again and follow that.",
        ));
    }
    service.sessions.session_revoke(context.project, own.session.id).await?;
    let mut answer = match client {
        Client::Api | Client::Script => response::no_content(),
        Client::Browser => {
            let to = back
                .unwrap_or_else(|| config.logout_return_url.as_ref().unwrap_or(&config.default_return_url).to_string());
            response::see_other(&to)?
        }
    };
    // Browsers heed it on secure pages only. Cookies are not named: those of this server are removed one by one, and the
    // header would also end what other applications of the same domain keep.
    if config.logout_clears_browser {
        answer.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
    }
    response::with_cookies(answer, [session::removal(&config), csrf(&config).rotate(&*service.entropy).1])
}

/// The body of [`native`].
#[derive(Debug, Deserialize)]
pub struct NativeLogout {
    session_token: SecretString,
}

/// `performNativeLogout`: ends the session that a token belongs to.
///
/// # Errors
/// 400 for a bad body, 403 for a token that no session has.
pub async fn native(
    service: Data<IdentityService>,
    context: Context,
    body: JsonBody<NativeLogout>,
) -> Result<HttpResponse, ApiError> {
    let token = body.0.session_token;
    let hashes: Vec<_> = service.keyring.candidates(Purpose::SessionToken, token.expose_secret()).collect();
    let session = service
        .sessions
        .session_by_token(context.project, &hashes)
        .await?
        .ok_or_else(|| ApiError::forbidden("No session has this token. It may have ended already."))?;
    service.sessions.session_revoke(context.project, session.session.id).await?;
    Ok(response::no_content())
}
