//! `/admin/events`: the outbox for administrators. What a call says is not shown: it carries personal data and secrets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use orrery_core::id::{AttemptId, EventId, SessionId};
use orrery_core::{Entropy, Keyring, Timestamp};
use orrery_web::page::{PageBounds, Paging};
use orrery_web::{ApiError, Context, Listener, Pairs, Routes, response};
use serde::Serialize;

use crate::deliver::Wake;
use crate::event::{Attempt, Event, EventFilter, EventStatus, EventStore, Redelivery};

const BOUNDS: PageBounds = PageBounds { default: 100, max: 500 };

/// What the handlers need, as `web::Data`.
pub struct EventsApi {
    /// The outbox.
    pub store: Arc<dyn EventStore>,
    /// Seals page tokens.
    pub keyring: Arc<Keyring>,
    /// For sealing.
    pub entropy: Arc<dyn Entropy>,
    /// Wakes the worker when something is to be delivered again.
    pub wake: Wake,
    /// How long an event that is delivered again is kept.
    pub retention: Duration,
}

impl fmt::Debug for EventsApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventsApi").field("retention", &self.retention).finish_non_exhaustive()
    }
}

/// The routes of the admin listener.
pub(super) fn routes(surface: &'static str) -> Routes {
    Routes::new(Listener::Admin, surface).get("/admin/events", None, list).get("/admin/events/{id}", None, get).post(
        "/admin/events/{id}/redeliver",
        None,
        redeliver,
    )
}

/// An event on the wire.
#[derive(Serialize)]
struct EventBody<'a> {
    id: EventId,
    kind: &'a str,
    status: &'static str,
    recipient: &'a str,
    subject: Option<&'a str>,
    actor: Option<&'a str>,
    request_id: Option<&'a str>,
    session_id: Option<SessionId>,
    attempt_count: u32,
    occurred_at: Timestamp,
    deliver_after: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptBody<'a>>>,
}

/// An attempt on the wire.
#[derive(Serialize)]
struct AttemptBody<'a> {
    id: AttemptId,
    status: &'static str,
    response_status: Option<u16>,
    error: Option<&'a str>,
    created_at: Timestamp,
}

impl<'a> EventBody<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            id: event.id,
            kind: &event.kind,
            status: event.status.as_str(),
            recipient: &event.recipient,
            subject: event.subject.as_deref(),
            actor: event.actor.as_deref(),
            request_id: event.request_id.as_deref(),
            session_id: event.session_id,
            attempt_count: event.attempts,
            occurred_at: event.occurred_at,
            deliver_after: event.deliver_after,
            updated_at: event.updated_at,
            attempts: None,
        }
    }

    fn with(mut self, attempts: &'a [Attempt]) -> Self {
        let body = |attempt: &'a Attempt| AttemptBody {
            id: attempt.id,
            status: if attempt.error.is_none() { "success" } else { "failed" },
            response_status: attempt.response_status,
            error: attempt.error.as_deref(),
            created_at: attempt.created_at,
        };
        self.attempts = Some(attempts.iter().map(body).collect());
        self
    }
}

/// The project's events, newest first; `status` and `subject` narrow the list.
async fn list(api: web::Data<EventsApi>, context: Context, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    let filter = filter(&query)?;
    let paging = Paging {
        keyring: &api.keyring,
        entropy: &*api.entropy,
        project: context.project,
        list: "events",
        bounds: BOUNDS,
    };
    let asked = paging.request(&query)?;
    let page = api.store.events_list(context.project, &filter, &asked).await?;
    let bodies: Vec<_> = page.items.iter().map(EventBody::of).collect();
    let mut answer = response::ok(&bodies)?;
    paging.write(answer.headers_mut(), request.path(), &query, &asked, &page);
    Ok(answer)
}

/// One event with its attempts, oldest first.
async fn get(api: web::Data<EventsApi>, context: Context, id: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let found = api.store.event_find(context.project, event_id(&id)?).await?;
    let (event, attempts) = found.ok_or_else(unknown)?;
    response::ok(&EventBody::of(&event).with(&attempts))
}

/// Has an event delivered again, as if for the first time. While a node is at it, there is nothing to repeat yet: 409.
async fn redeliver(
    api: web::Data<EventsApi>,
    context: Context,
    id: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let (id, now) = (event_id(&id)?, context.now);
    match api.store.event_redeliver(context.project, id, now, now + api.retention).await? {
        Redelivery::Queued(event) => {
            api.wake.recorded(1);
            response::ok(&EventBody::of(&event))
        }
        Redelivery::InHand => Err(ApiError::conflict("The event is being delivered at this moment. Look at it again.")),
        Redelivery::Unknown => Err(unknown()),
    }
}

fn filter(query: &Pairs) -> Result<EventFilter, ApiError> {
    let status = match query.get("status").filter(|status| !status.is_empty()) {
        None => None,
        Some(status) => Some(status.parse::<EventStatus>().map_err(|_| {
            ApiError::bad_request("The parameter \"status\" must be queued, processing, delivered or abandoned.")
        })?),
    };
    let subject = query.get("subject").filter(|subject| !subject.is_empty()).map(str::to_owned);
    Ok(EventFilter { status, subject })
}

fn event_id(text: &str) -> Result<EventId, ApiError> {
    text.parse().map_err(|_| ApiError::bad_request("The event id in the path must be a UUID."))
}

fn unknown() -> ApiError {
    ApiError::not_found("There is no event with this id.")
}
