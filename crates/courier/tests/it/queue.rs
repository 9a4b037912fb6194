//! A queue in memory, just enough to watch the worker: what real stores owe is proved where they live.

use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use orrery_core::id::MessageId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};
use orrery_courier::message::{Channel, Dispatch, Message, MessageFilter, MessageStatus, NewMessage};
use orrery_courier::store::{Claim, ClaimedMessage, LeaseToken, MessageStore, Settled};

#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) project: ProjectId,
    pub(crate) message: Message,
    pub(crate) dispatches: Vec<Dispatch>,
    lease: Option<(LeaseToken, Timestamp)>,
}

#[derive(Default)]
pub(crate) struct Queue(Mutex<Vec<Row>>);

impl Queue {
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().expect("no test panics while holding it")
    }

    pub(crate) fn only(&self) -> Row {
        let rows = self.rows();
        assert_eq!(rows.len(), 1);
        rows[0].clone()
    }

    pub(crate) fn status_of(&self, channel: Channel) -> Option<MessageStatus> {
        self.rows().iter().find(|row| row.message.channel == channel).map(|row| row.message.status)
    }

    fn settle(
        &self,
        id: MessageId,
        lease: LeaseToken,
        status: MessageStatus,
        send_after: Option<Timestamp>,
        dispatch: &Dispatch,
    ) -> Settled {
        let mut rows = self.rows();
        let held = |row: &&mut Row| row.message.id == id && row.lease.is_some_and(|(held, _)| held == lease);
        let Some(row) = rows.iter_mut().find(held) else { return Settled::LeaseLost };
        row.lease = None;
        row.message.status = status;
        row.message.send_after = send_after.unwrap_or(row.message.send_after);
        row.dispatches.push(dispatch.clone());
        Settled::Done
    }
}

#[async_trait]
impl MessageStore for Queue {
    async fn message_enqueue(&self, project: ProjectId, new: &NewMessage) -> Result<(), StoreError> {
        let message = Message {
            id: new.id,
            status: MessageStatus::Queued,
            channel: new.channel,
            recipient: new.recipient.clone(),
            template_type: new.template_type,
            content: new.content.clone(),
            send_count: 0,
            created_at: new.created_at,
            updated_at: new.created_at,
            send_after: new.send_after,
        };
        self.rows().push(Row { project, message, dispatches: Vec::new(), lease: None });
        Ok(())
    }

    async fn messages_claim(&self, claim: Claim) -> Result<Vec<ClaimedMessage>, StoreError> {
        let due = |row: &&mut Row| match row.message.status {
            MessageStatus::Queued => row.message.send_after <= claim.now,
            MessageStatus::Processing => row.lease.is_some_and(|(_, until)| until <= claim.now),
            MessageStatus::Sent | MessageStatus::Abandoned => false,
        };
        let mut claimed = Vec::new();
        for row in self.rows().iter_mut().filter(due).take(claim.limit as usize) {
            row.lease = Some((claim.lease, claim.lease_until));
            row.message.status = MessageStatus::Processing;
            row.message.send_count += 1;
            claimed.push(ClaimedMessage { project: row.project, message: row.message.clone() });
        }
        Ok(claimed)
    }

    async fn message_delivered(
        &self,
        _: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        Ok(self.settle(id, lease, MessageStatus::Sent, None, dispatch))
    }

    async fn message_retry(
        &self,
        _: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        send_after: Timestamp,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        Ok(self.settle(id, lease, MessageStatus::Queued, Some(send_after), dispatch))
    }

    async fn message_abandoned(
        &self,
        _: ProjectId,
        id: MessageId,
        lease: LeaseToken,
        dispatch: &Dispatch,
    ) -> Result<Settled, StoreError> {
        Ok(self.settle(id, lease, MessageStatus::Abandoned, None, dispatch))
    }

    async fn messages_list(
        &self,
        project: ProjectId,
        filter: &MessageFilter,
        page: &PageRequest,
    ) -> Result<Page<Message>, StoreError> {
        let rows = self.rows();
        let matches = |row: &&Row| {
            row.project == project
                && filter.status.is_none_or(|status| status == row.message.status)
                && filter.recipient.as_ref().is_none_or(|recipient| *recipient == row.message.recipient)
        };
        let all: Vec<Message> = rows.iter().rev().filter(matches).map(|row| row.message.clone()).collect();
        let size = page.size() as usize;
        let (start, total) = match page {
            PageRequest::Keyset { after, .. } => {
                (after.as_ref().map_or(0, |after| after.parse().expect("own key")), None)
            }
            PageRequest::Numbered { page, .. } => (*page as usize * size, Some(all.len() as u64)),
        };
        let next = (start + size < all.len()).then(|| (start + size).to_string());
        Ok(Page { items: all.into_iter().skip(start).take(size).collect(), next, total })
    }

    async fn message_find(
        &self,
        project: ProjectId,
        id: MessageId,
    ) -> Result<Option<(Message, Vec<Dispatch>)>, StoreError> {
        let rows = self.rows();
        let row = rows.iter().find(|row| row.project == project && row.message.id == id);
        Ok(row.map(|row| (row.message.clone(), row.dispatches.clone())))
    }
}
