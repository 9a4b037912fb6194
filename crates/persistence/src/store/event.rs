//! The outbox.

use async_trait::async_trait;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::event::NewEvent;
use orrery_core::id::EventId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};
use orrery_courier::event::{
    AfterAttempt, Attempt, ClaimedEvent, Event, EventFilter, EventStatus, EventStore, Redelivery,
};
use orrery_courier::store::{Claim, LeaseToken, Settled};

use super::super::{Conn, Db, skip_locked};
use super::Store;
use crate::columns::{At, Uid};
use crate::error::{OrConflict, Outcome};
use crate::page::{self, Place};
use crate::rows::event::{AttemptRow, EventRow, NewEventRow};
use crate::schema::{event_attempts, events};

#[async_trait]
impl EventStore for Store {
    async fn events_enqueue(&self, project: ProjectId, events: &[NewEvent]) -> Result<(), StoreError> {
        let rows = NewEventRow::all(project, events);
        self.write_one(move |connection| enqueue(connection, rows)).await
    }

    async fn events_claim(&self, claim: Claim) -> Result<Vec<ClaimedEvent>, StoreError> {
        self.write(move |connection| {
            let due: Vec<(Uid<ProjectId>, Uid<EventId>)> = skip_locked!(
                events::table
                    .filter(events::due_at.le(Some(At(claim.now))))
                    .order((events::due_at, events::id))
                    .limit(i64::from(claim.limit))
                    .select((events::project_id, events::id))
            )
            .load(connection)?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            // Ids are random, so that the project only guards against a forged twin.
            let (projects, ids): (Vec<_>, Vec<_>) = due.into_iter().unzip();
            let mut claimed: Vec<EventRow> = diesel::update(events::table)
                .filter(events::project_id.eq_any(projects))
                .filter(events::id.eq_any(ids))
                .filter(events::due_at.le(Some(At(claim.now))))
                .set((
                    events::status.eq(EventStatus::Processing.as_str()),
                    events::lease.eq(Some(Uid(claim.lease))),
                    events::due_at.eq(Some(At(claim.lease_until))),
                    events::attempts.eq(events::attempts + 1),
                    events::updated_at.eq(At(claim.now)),
                ))
                .returning(EventRow::as_returning())
                .get_results(connection)?;
            claimed.sort_by_key(EventRow::delivery_order);
            let claimed =
                claimed.into_iter().map(|row| Ok(ClaimedEvent { project: row.project_id.0, event: row.into_event()? }));
            claimed.collect()
        })
        .await
    }

    async fn event_settle(
        &self,
        project: ProjectId,
        id: EventId,
        lease: LeaseToken,
        next: AfterAttempt,
        attempt: &Attempt,
    ) -> Result<Settled, StoreError> {
        let (at, row) = (At(attempt.created_at), AttemptRow::new(project, id, attempt));
        self.write(move |connection| {
            let held = diesel::update(events::table)
                .filter(events::project_id.eq(Uid(project)))
                .filter(events::id.eq(Uid(id)))
                .filter(events::status.eq(EventStatus::Processing.as_str()))
                .filter(events::lease.eq(Some(Uid(lease))));
            let over = |status: EventStatus| (events::status.eq(status.as_str()), events::due_at.eq(None::<At>));
            let free = (events::lease.eq(None::<Uid<LeaseToken>>), events::updated_at.eq(at));
            let settled = match next {
                AfterAttempt::Retry(deliver_after) => held
                    .set((
                        events::status.eq(EventStatus::Queued.as_str()),
                        events::deliver_after.eq(At(deliver_after)),
                        events::due_at.eq(Some(At(deliver_after))),
                        free,
                    ))
                    .execute(connection)?,
                AfterAttempt::Delivered => held.set((over(EventStatus::Delivered), free)).execute(connection)?,
                AfterAttempt::Abandoned => held.set((over(EventStatus::Abandoned), free)).execute(connection)?,
            };
            if settled == 0 {
                return Ok(Settled::LeaseLost);
            }
            diesel::insert_into(event_attempts::table).values(row).execute(connection)?;
            Ok(Settled::Done)
        })
        .await
    }

    async fn event_redeliver(
        &self,
        project: ProjectId,
        id: EventId,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Redelivery, StoreError> {
        self.write(move |connection| {
            // A lease that has ended belongs to a node that is gone.
            let in_hand = events::status
                .eq(EventStatus::Processing.as_str())
                .and(events::due_at.is_not_null())
                .and(events::due_at.assume_not_null().gt(At(now)));
            let queued: Option<EventRow> = diesel::update(events::table)
                .filter(events::project_id.eq(Uid(project)))
                .filter(events::id.eq(Uid(id)))
                .filter(diesel::dsl::not(in_hand))
                .set((
                    events::status.eq(EventStatus::Queued.as_str()),
                    events::attempts.eq(0),
                    events::deliver_after.eq(At(now)),
                    events::due_at.eq(Some(At(now))),
                    events::lease.eq(None::<Uid<LeaseToken>>),
                    events::updated_at.eq(At(now)),
                    events::expires_at.eq(At(expires_at)),
                ))
                .returning(EventRow::as_returning())
                .get_result(connection)
                .optional()?;
            if let Some(row) = queued {
                return Ok(Redelivery::Queued(Box::new(row.into_event()?)));
            }
            let there: i64 = one(project, id).count().get_result(connection)?;
            Ok(if there > 0 { Redelivery::InHand } else { Redelivery::Unknown })
        })
        .await
    }

    async fn events_list(
        &self,
        project: ProjectId,
        filter: &EventFilter,
        page: &PageRequest,
    ) -> Result<Page<Event>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read(move |connection| {
            let newest_first = (events::occurred_at.desc(), events::id.desc());
            let found = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, &filter).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Some(place) = Place::parse(after) else { return Ok(page::empty()) };
                        let id = Uid(EventId::from_uuid(place.id));
                        query = query
                            .filter(events::occurred_at.le(At(place.at)))
                            .filter(events::occurred_at.lt(At(place.at)).or(events::id.lt(id)));
                    }
                    let rows = query.order(newest_first).select(EventRow::as_select()).load(connection)?;
                    page::keyset(rows, *size, |row: &EventRow| {
                        Place { at: row.occurred_at.0, id: row.id.0.as_uuid() }.key()
                    })
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = shown(project, &filter).count().get_result(connection)?;
                    let items = shown(project, &filter)
                        .order(newest_first)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(EventRow::as_select())
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            let items = found.items.into_iter().map(EventRow::into_event).collect::<Outcome<_>>()?;
            Ok(Page { items, next: found.next, total: found.total })
        })
        .await
    }

    async fn event_find(&self, project: ProjectId, id: EventId) -> Result<Option<(Event, Vec<Attempt>)>, StoreError> {
        self.read(move |connection| {
            let event: Option<EventRow> =
                one(project, id).select(EventRow::as_select()).first(connection).optional()?;
            let Some(event) = event else { return Ok(None) };
            let attempts: Vec<AttemptRow> = event_attempts::table
                .filter(event_attempts::project_id.eq(Uid(project)))
                .filter(event_attempts::event_id.eq(Uid(id)))
                .order((event_attempts::created_at, event_attempts::id))
                .select(AttemptRow::as_select())
                .load(connection)?;
            let attempts = attempts.into_iter().map(AttemptRow::into_attempt).collect::<Outcome<_>>()?;
            Ok(Some((event.into_event()?, attempts)))
        })
        .await
    }
}

/// Queues events in the transaction of their cause.
pub(super) fn enqueue(connection: &mut Conn, events: Vec<NewEventRow>) -> Outcome<()> {
    if !events.is_empty() {
        diesel::insert_into(events::table).values(events).execute(connection).or_conflict(Conflict::Other)?;
    }
    Ok(())
}

fn one(project: ProjectId, id: EventId) -> IntoBoxed<'static, events::table, Db> {
    events::table.into_boxed().filter(events::project_id.eq(Uid(project))).filter(events::id.eq(Uid(id)))
}

/// The events that a list shows.
fn shown(project: ProjectId, filter: &EventFilter) -> IntoBoxed<'static, events::table, Db> {
    let mut query = events::table.into_boxed().filter(events::project_id.eq(Uid(project)));
    if let Some(status) = filter.status {
        query = query.filter(events::status.eq(status.as_str()));
    }
    if let Some(subject) = filter.subject.clone() {
        query = query.filter(events::subject.eq(subject));
    }
    query
}
