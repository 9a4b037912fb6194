//! Events and attempts to tell somebody of them.

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::event::{NewEvent, SealedNotice};
use orrery_core::id::{AttemptId, EventId, SessionId};
use orrery_core::{ProjectId, Timestamp};
use orrery_courier::event::{Attempt, Event, EventStatus};

use crate::columns::{At, Uid};
use crate::error::Failure;
use crate::schema::{event_attempts, events};

/// A new event.
#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(crate) struct NewEventRow {
    project_id: Uid<ProjectId>,
    id: Uid<EventId>,
    status: &'static str,
    kind: String,
    subject: Option<String>,
    actor: Option<String>,
    request_id: Option<String>,
    session_id: Option<Uid<SessionId>>,
    recipient: String,
    notice: Vec<u8>,
    attempts: i32,
    occurred_at: At,
    updated_at: At,
    deliver_after: At,
    due_at: At,
    expires_at: At,
}

impl NewEventRow {
    fn new(project: ProjectId, event: &NewEvent) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(event.id),
            status: EventStatus::Queued.as_str(),
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            actor: event.actor.clone(),
            request_id: event.request_id.clone(),
            session_id: event.session_id.map(Uid),
            recipient: event.recipient.clone(),
            notice: event.notice.0.clone(),
            attempts: 0,
            occurred_at: At(event.occurred_at),
            updated_at: At(event.occurred_at),
            deliver_after: At(event.deliver_after),
            due_at: At(event.deliver_after),
            expires_at: At(event.expires_at),
        }
    }

    pub(crate) fn all(project: ProjectId, events: &[NewEvent]) -> Vec<Self> {
        events.iter().map(|event| Self::new(project, event)).collect()
    }
}

/// A stored event.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(crate) struct EventRow {
    pub(crate) project_id: Uid<ProjectId>,
    pub(crate) id: Uid<EventId>,
    status: String,
    kind: String,
    subject: Option<String>,
    actor: Option<String>,
    request_id: Option<String>,
    session_id: Option<Uid<SessionId>>,
    recipient: String,
    notice: Vec<u8>,
    attempts: i32,
    pub(crate) occurred_at: At,
    updated_at: At,
    deliver_after: At,
}

impl EventRow {
    /// Whoever has waited longest comes first.
    pub(crate) fn delivery_order(&self) -> (Timestamp, EventId) {
        (self.deliver_after.0, self.id.0)
    }

    pub(crate) fn into_event(self) -> Result<Event, Failure> {
        Ok(Event {
            id: self.id.0,
            status: self.status.parse().map_err(|_| Failure::Corrupt("events.status"))?,
            kind: self.kind,
            subject: self.subject,
            actor: self.actor,
            request_id: self.request_id,
            session_id: self.session_id.map(|id| id.0),
            recipient: self.recipient,
            notice: SealedNotice(self.notice),
            attempts: u32::try_from(self.attempts).map_err(|_| Failure::Corrupt("events.attempts"))?,
            occurred_at: self.occurred_at.0,
            updated_at: self.updated_at.0,
            deliver_after: self.deliver_after.0,
        })
    }
}

/// One attempt.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = event_attempts, treat_none_as_default_value = false)]
pub(crate) struct AttemptRow {
    project_id: Uid<ProjectId>,
    id: Uid<AttemptId>,
    event_id: Uid<EventId>,
    response_status: Option<i32>,
    error: Option<String>,
    created_at: At,
}

impl AttemptRow {
    pub(crate) fn new(project: ProjectId, event: EventId, attempt: &Attempt) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(attempt.id),
            event_id: Uid(event),
            response_status: attempt.response_status.map(i32::from),
            error: attempt.error.clone(),
            created_at: At(attempt.created_at),
        }
    }

    pub(crate) fn into_attempt(self) -> Result<Attempt, Failure> {
        let status = self.response_status.map(u16::try_from).transpose();
        Ok(Attempt {
            id: self.id.0,
            response_status: status.map_err(|_| Failure::Corrupt("event_attempts.response_status"))?,
            error: self.error,
            created_at: self.created_at.0,
        })
    }
}
