//! Sessions for administrators.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::Timestamp;
use orrery_core::id::{IdentityId, SessionId};
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, response};

use super::end_sessions;
use super::list::List;
use super::sessions::{PAGE, parse};
use crate::IdentityService;
use crate::session::{Expand, SessionJson};
use crate::store::{Extended, SessionFilter};

const EVERYTHING: Expand = Expand { identity: true, devices: true };

/// The routes of this file.
#[must_use]
pub fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Admin, surface)
        .get("/admin/sessions", Some("listSessions"), list)
        .post("/admin/sessions", None, end_sessions::end)
        .get("/admin/sessions/{id}", Some("getSession"), get)
        .delete("/admin/sessions/{id}", Some("disableSession"), revoke)
        .patch("/admin/sessions/{id}/extend", Some("extendSession"), extend)
        .get("/admin/identities/{id}/sessions", Some("listIdentitySessions"), list_of_identity)
        .delete("/admin/identities/{id}/sessions", Some("deleteIdentitySessions"), delete_of_identity)
}

async fn list(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let filter = SessionFilter { active: active(&query, context.now)?, ..SessionFilter::default() };
    let expand = expand(&query)?;
    let list =
        List { service: &service, context: &context, request: &request, query: &query, name: "sessions", bounds: PAGE };
    page(&list, &filter, expand).await
}

async fn list_of_identity(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let identity: IdentityId = parse(&id)?;
    let filter = SessionFilter { active: active(&query, context.now)?, identity: Some(identity), except: None };
    let name = "sessions of an identity";
    let list = List { service: &service, context: &context, request: &request, query: &query, name, bounds: PAGE };
    page(&list, &filter, EVERYTHING).await
}

async fn page(list: &List<'_>, filter: &SessionFilter, expand: Expand) -> Result<HttpResponse, ApiError> {
    let (service, context) = (list.service, list.context);
    let config = service.config.load();
    let asked = list.asked()?;
    let page = service.sessions.session_list(context.project, filter, &asked).await?;
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    let shown = |session| SessionJson::admin(session, expand, &config.public_url, context.now).readable_by(generation);
    let shown = page.items.iter().map(shown);
    list.answer(&asked, &page, shown)
}

async fn get(
    service: Data<IdentityService>,
    context: Context,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let expand = expand(&Pairs::of_query(&request)?)?;
    let session = service.sessions.session_by_id(context.project, parse(&id)?).await?.ok_or_else(unknown)?;
    let config = service.config.load();
    let generation = config.compatibility.generation(context.user_agent.as_deref());
    response::ok(&SessionJson::admin(&session, expand, &config.public_url, context.now).readable_by(generation))
}

async fn revoke(service: Data<IdentityService>, context: Context, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id: SessionId = parse(&id)?;
    let revoked = service.sessions.session_revoke(context.project, id).await?;
    // Asking twice is no mistake; only a session that never was is.
    if !revoked && service.sessions.session_by_id(context.project, id).await?.is_none() {
        return Err(unknown());
    }
    Ok(response::no_content())
}

async fn extend(service: Data<IdentityService>, context: Context, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let config = service.config.load();
    let expires_at = context.now + config.session.lifespan;
    // Never to an earlier end: the lifespan may have been shortened since.
    let earliest = config.session.earliest_extend.unwrap_or(config.session.lifespan);
    let extendable_before = expires_at.min(context.now + earliest);
    let extended = service
        .sessions
        .session_extend(context.project, parse(&id)?, expires_at, extendable_before, context.now)
        .await?;
    match extended {
        Extended::Unknown => Err(unknown()),
        Extended::Session(_) if config.session.faster_extend => Ok(response::no_content()),
        Extended::Session(session) => {
            let generation = config.compatibility.generation(context.user_agent.as_deref());
            let shown = SessionJson::admin(&session, EVERYTHING, &config.public_url, context.now);
            response::ok(&shown.readable_by(generation))
        }
    }
}

async fn delete_of_identity(
    service: Data<IdentityService>,
    context: Context,
    id: Path<String>,
) -> Result<HttpResponse, ApiError> {
    match service.sessions.session_delete_all(context.project, parse(&id)?).await? {
        0 => Err(ApiError::not_found("This identity has no sessions.")),
        _ => Ok(response::no_content()),
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("There is no such session. It may have been removed after its end.")
}

/// Only active or only inactive sessions, if the query says so.
fn active(query: &Pairs, now: Timestamp) -> Result<Option<(bool, Timestamp)>, ApiError> {
    match query.get("active").filter(|value| !value.is_empty()) {
        None => Ok(None),
        Some("true") => Ok(Some((true, now))),
        Some("false") => Ok(Some((false, now))),
        Some(_) => Err(ApiError::bad_request("The parameter \"active\" must be \"true\" or \"false\".")),
    }
}

/// Which parts the query asks for.
fn expand(query: &Pairs) -> Result<Expand, ApiError> {
    let mut expand = Expand::default();
    for part in query.all("expand").filter(|part| !part.is_empty()) {
        match part.to_ascii_lowercase().as_str() {
            "identity" => expand.identity = true,
            "devices" => expand.devices = true,
            _ => {
                return Err(ApiError::bad_request("The parameter \"expand\" must be \"identity\" or \"devices\"."));
            }
        }
    }
    Ok(expand)
}
