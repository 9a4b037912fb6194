//! The courier's queue.

use async_trait::async_trait;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::id::MessageId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};
use orrery_courier::message::{Dispatch, Message, MessageFilter, MessageStatus, NewMessage};
use orrery_courier::store::{Claim, ClaimedMessage, LeaseToken, MessageStore, Settled};

use super::super::{Conn, Db, skip_locked};
use super::Store;
use crate::columns::{At, Uid};
use crate::error::{OrConflict, Outcome};
use crate::page::{self, Place};
use crate::rows::message::{DispatchRow, MessageRow, NewMessageRow};
use crate::schema::{message_dispatches, messages};

#[async_trait]
impl MessageStore for Store {
    async fn message_enqueue(&self, project: ProjectId, message: &NewMessage) -> Result<(), StoreError> {
        let row = NewMessageRow::new(project, message);
        self.write_one(move |connection| {
            diesel::insert_into(messages::table).values(row).execute(connection).or_conflict(Conflict::Other)?;
            Ok(())
        })
        .await
    }

    async fn messages_claim(&self, claim: Claim) -> Result<Vec<ClaimedMessage>, StoreError> {
        self.write(move |connection| {
            let due: Vec<(Uid<ProjectId>, Uid<MessageId>)> = skip_locked!(
                messages::table
                    .filter(messages::due_at.le(Some(At(claim.now))))
                    .order((messages::due_at, messages::id))
                    .limit(i64::from(claim.limit))
                    .select((messages::project_id, messages::id))
            )
            .load(connection)?;
            if due.is_empty() {
                return Ok(Vec::new());
            }
            // Ids are random, so that the project only guards against a forged twin.
            let (projects, ids): (Vec<_>, Vec<_>) = due.into_iter().unzip();
            let mut claimed: Vec<MessageRow> = diesel::update(messages::table)
                .filter(messages::project_id.eq_any(projects))
                .filter(messages::id.eq_any(ids))
                .filter(messages::due_at.le(Some(At(claim.now))))
                .set((
                    messages::status.eq(MessageStatus::Processing.as_str()),
                    messages::lease.eq(Some(Uid(claim.lease))),
                    messages::due_at.eq(Some(At(claim.lease_until))),
                    messages::send_count.eq(messages::send_count + 1),
                    messages::updated_at.eq(At(claim.now)),
                ))
                .returning(MessageRow::as_returning())
                .get_results(connection)?;
            claimed.sort_by_key(MessageRow::send_order);
            let claimed = claimed
                .into_iter()
                .map(|row| Ok(ClaimedMessage { project: row.project_id.0, message: row.into_message()? }));
            claimed.collect()
        })
        .await
    }

    async fn message_delivered(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        self.settle(project, id, lease, dispatch, Next::Over(MessageStatus::Sent)).await
    }

    async fn message_retry(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        send_after: Timestamp,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        self.settle(project, id, lease, dispatch, Next::Again(send_after)).await
    }

    async fn message_abandoned(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        self.settle(project, id, lease, dispatch, Next::Over(MessageStatus::Abandoned)).await
    }

    async fn messages_list(
        &self,
        project: ProjectId,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read(move |connection| {
            let newest_first = (messages::created_at.desc(), messages::id.desc());
            let found = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, &filter).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Some(place) = Place::parse(after) else { return Ok(page::empty()) };
                        let id = Uid(MessageId::from_uuid(place.id));
                        query = query
                            .filter(messages::created_at.le(At(place.at)))
                            .filter(messages::created_at.lt(At(place.at)).or(messages::id.lt(id)));
                    }
                    let rows = query.order(newest_first).select(MessageRow::as_select()).load(connection)?;
                    page::keyset(rows, *size, |row: &MessageRow| {
                        Place { at: row.created_at.0, id: row.id.0.as_uuid() }.key()
                    })
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = shown(project, &filter).count().get_result(connection)?;
                    let items = shown(project, &filter)
                        .order(newest_first)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(MessageRow::as_select())
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            let items = found.items.into_iter().map(MessageRow::into_message).collect::<Outcome<_>>()?;
            Ok(Page { items, next: found.next, total: found.total })
        })
        .await
    }

    async fn message_find(
        &self,
        project: ProjectId,
        id: MessageId,
    ) -> Result<Option<(Message, Vec<Dispatch>)>, StoreError> {
        self.read(move |connection| {
            let message: Option<MessageRow> = messages::table
                .filter(messages::project_id.eq(Uid(project)))
                .filter(messages::id.eq(Uid(id)))
                .select(MessageRow::as_select())
                .first(connection)
                .optional()?;
            let Some(message) = message else { return Ok(None) };
            let dispatches: Vec<DispatchRow> = message_dispatches::table
                .filter(message_dispatches::project_id.eq(Uid(project)))
                .filter(message_dispatches::message_id.eq(Uid(id)))
                .order((message_dispatches::created_at, message_dispatches::id))
                .select(DispatchRow::as_select())
                .load(connection)?;
            let dispatches = dispatches.into_iter().map(DispatchRow::into_dispatch).collect::<Outcome<_>>()?;
            Ok(Some((message.into_message()?, dispatches)))
        })
        .await
    }
}

/// What follows an attempt.
#[derive(Clone, Copy)]
enum Next {
    /// Another attempt, not before this moment.
    Again(Timestamp),
    /// Nothing.
    Over(MessageStatus),
}

impl Store {
    /// Records an attempt if its lease still holds.
    async fn settle(
        &self,
        project: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
        next: Next,
    ) -> Result<Settled, StoreError> {
        let at = At(dispatch.created_at);
        let row = DispatchRow::new(project, id, dispatch);
        self.write(move |connection| {
            let held = diesel::update(messages::table)
                .filter(messages::project_id.eq(Uid(project)))
                .filter(messages::id.eq(Uid(id)))
                .filter(messages::status.eq(MessageStatus::Processing.as_str()))
                .filter(messages::lease.eq(Some(Uid(lease))));
            let settled = match next {
                Next::Again(send_after) => held
                    .set((
                        messages::status.eq(MessageStatus::Queued.as_str()),
                        messages::send_after.eq(At(send_after)),
                        messages::due_at.eq(Some(At(send_after))),
                        messages::lease.eq(None::<Uid<LeaseToken>>),
                        messages::updated_at.eq(at),
                    ))
                    .execute(connection)?,
                Next::Over(status) => held
                    .set((
                        messages::status.eq(status.as_str()),
                        messages::due_at.eq(None::<At>),
                        messages::lease.eq(None::<Uid<LeaseToken>>),
                        messages::updated_at.eq(at),
                    ))
                    .execute(connection)?,
            };
            if settled == 0 {
                return Ok(Settled::LeaseLost);
            }
            diesel::insert_into(message_dispatches::table).values(row).execute(connection)?;
            Ok(Settled::Done)
        })
        .await
    }
}

/// Queues messages in the transaction of their cause.
pub(super) fn enqueue(connection: &mut Conn, messages: Vec<NewMessageRow>) -> Outcome<()> {
    if !messages.is_empty() {
        diesel::insert_into(messages::table).values(messages).execute(connection).or_conflict(Conflict::Other)?;
    }
    Ok(())
}

/// The messages that a list shows.
fn shown(project: ProjectId, filter: &MessageFilter) -> IntoBoxed<'static, messages::table, Db> {
    let mut query = messages::table.into_boxed().filter(messages::project_id.eq(Uid(project)));
    if let Some(status) = filter.status {
        query = query.filter(messages::status.eq(status.as_str()));
    }
    if let Some(recipient) = filter.recipient.clone() {
        query = query.filter(messages::recipient.eq(recipient));
    }
    query
}
