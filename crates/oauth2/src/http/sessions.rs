//! `/admin/oauth2/auth/sessions`: what people consented to, and their sign-ins.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::id::{GrantId, LoginSessionId};
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Context, Pairs, response};
use uuid::Uuid;

use super::shown;
use crate::client::ClientId;
use crate::error::{ErrorCode, OAuth2Error};
use crate::logout;
use crate::service::OAuth2Service;

/// Rows of a page: by default, and at most.
const BOUNDS: PageBounds = PageBounds { default: 100, max: 500 };

pub(super) async fn list_consents(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let subject = given(&query, "subject").ok_or_else(|| invalid("The query parameter 'subject' is missing."))?;
    let session = given(&query, "login_session_id").map(session).transpose()?;
    let paging = Paging {
        keyring: &service.keyring,
        entropy: &*service.entropy,
        project: context.project,
        list: "oauth2-consent-sessions",
        bounds: BOUNDS,
    };
    let asked = paging.request(&query)?;
    let page = service.grants.grant_list(context.project, subject, session, &asked, context.now).await?;
    let shown: Vec<_> = page.items.iter().map(shown::consent_session).collect();
    let mut answer = response::ok(&shown)?;
    if !page.items.is_empty() {
        paging.write(answer.headers_mut(), "/admin/oauth2/auth/sessions/consent", &query, &asked, &page);
    }
    Ok(answer)
}

pub(super) async fn revoke_consents(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let all = match given(&query, "all") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("The query parameter 'all' must be 'true' or 'false'.")),
    };
    let (subject, client) = (given(&query, "subject"), given(&query, "client"));
    match (given(&query, "consent_request_id"), subject, client, all) {
        (Some(id), None, None, false) => {
            // An id that cannot be one names nothing.
            if let Ok(id) = Uuid::try_parse(id) {
                service.grants.grant_revoke(context.project, GrantId::from_uuid(id)).await?;
            }
        }
        (None, Some(subject), Some(client), false) => {
            if let Ok(client) = client.parse::<ClientId>() {
                service.grants.grants_revoke(context.project, subject, Some(&client)).await?;
            }
        }
        (None, Some(subject), None, true) => {
            service.grants.grants_revoke(context.project, subject, None).await?;
        }
        (_, _, _, _) => {
            return Err(invalid(
                "Send either 'consent_request_id', or 'subject' with 'client', or 'subject' with 'all=true'.",
            ));
        }
    }
    Ok(response::no_content())
}

pub(super) async fn revoke_logins(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    match (given(&query, "sid"), given(&query, "subject")) {
        (Some(sid), _) => {
            if let Ok(id) = Uuid::try_parse(sid) {
                let id = LoginSessionId::from_uuid(id);
                logout::end_session(&service, &context, id).await?;
            }
        }
        (None, Some(subject)) => {
            service.login_sessions.login_sessions_end(context.project, subject).await?;
        }
        (None, None) => return Err(invalid("Send one of the query parameters 'subject' and 'sid'.")),
    }
    Ok(response::no_content())
}

fn given<'a>(query: &'a Pairs, name: &str) -> Option<&'a str> {
    query.get(name).filter(|text| !text.is_empty())
}

fn session(text: &str) -> Result<LoginSessionId, ApiError> {
    let id = Uuid::try_parse(text).map_err(|_| invalid("The query parameter 'login_session_id' is not a UUID."))?;
    Ok(LoginSessionId::from_uuid(id))
}

fn invalid(reason: &'static str) -> ApiError {
    OAuth2Error::new(ErrorCode::InvalidRequest, reason).into()
}
