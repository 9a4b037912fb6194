//! The courier's queue.

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::error::Conflict;
use orrery_core::id::MessageId;
use orrery_core::{PageRequest, StoreError, Timestamp};
use orrery_courier::message::{DispatchStatus, Message, MessageFilter, MessageStatus, NewMessage};
use orrery_courier::store::{Claim, LeaseToken, Settled};

use crate::sample::{HOUR, NOW, dispatch, entropy, message};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_queued_is_read_back,
    a_message_is_claimed_by_one_node,
    claims_take_what_is_due_oldest_first,
    a_lease_that_ran_out_is_claimed_again,
    a_settled_message_is_settled,
    lists_run_from_the_newest_and_filter,
    another_project_sees_and_changes_nothing,
);

fn claim(now: Timestamp, limit: u32) -> Claim {
    Claim { lease: LeaseToken::generate(&entropy()), now, lease_until: now + HOUR, limit }
}

/// The message as it is before anything happened to it.
fn queued(new: &NewMessage) -> Message {
    Message {
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
    }
}

async fn what_is_queued_is_read_back(stage: Stage) {
    let store = stage.database.messages();
    let new = message("ada@example.org");
    store.message_enqueue(OURS, &new).await.expect("queues");
    assert_eq!(store.message_find(OURS, new.id).await.expect("reads"), Some((queued(&new), vec![])));
    assert_eq!(store.message_find(OURS, MessageId::generate(&entropy())).await.expect("reads"), None);
    let twice = store.message_enqueue(OURS, &new).await;
    assert!(matches!(twice, Err(StoreError::Conflict(Conflict::Other))), "{twice:?}");
}

async fn a_message_is_claimed_by_one_node(stage: Stage) {
    let store = stage.database.messages();
    let mut all = BTreeSet::new();
    for _ in 0..40 {
        let new = message("ada@example.org");
        store.message_enqueue(OURS, &new).await.expect("queues");
        all.insert(new.id);
    }
    let claimed = sixteen_times(|| {
        let store = store.clone();
        async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.messages_claim(claim(NOW, 3)).await.expect("claims");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|one| one.message.id));
            }
        }
    })
    .await;
    let ids: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(ids.len(), 40, "none is claimed twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), all);
}

async fn claims_take_what_is_due_oldest_first(stage: Stage) {
    let store = stage.database.messages();
    let at = |seconds| NOW + Duration::from_secs(seconds);
    let later = NewMessage { send_after: at(3), ..message("later@example.org") };
    let second = NewMessage { send_after: at(2), ..message("second@example.org") };
    let first = NewMessage { send_after: at(1), ..message("first@example.org") };
    for new in [&later, &second, &first] {
        store.message_enqueue(OURS, new).await.expect("queues");
    }
    let claim = claim(at(2), 10);
    let claimed = store.messages_claim(claim).await.expect("claims");
    let processing = |new: &NewMessage| Message {
        status: MessageStatus::Processing,
        send_count: 1,
        updated_at: at(2),
        ..queued(new)
    };
    assert!(claimed.iter().all(|one| one.project == OURS));
    let claimed: Vec<_> = claimed.into_iter().map(|one| one.message).collect();
    assert_eq!(claimed, [processing(&first), processing(&second)]);
    assert!(store.messages_claim(claim).await.expect("claims").is_empty());
}

async fn a_lease_that_ran_out_is_claimed_again(stage: Stage) {
    let store = stage.database.messages();
    let new = message("ada@example.org");
    store.message_enqueue(OURS, &new).await.expect("queues");
    let dead = claim(NOW, 1);
    assert_eq!(store.messages_claim(dead).await.expect("claims").len(), 1);
    let alive = claim(dead.lease_until, 1);
    let claimed = store.messages_claim(alive).await.expect("claims").remove(0);
    assert_eq!(claimed.message.send_count, 2);

    let sent = dispatch(DispatchStatus::Success);
    let late = store.message_delivered(OURS, new.id, dead.lease, &sent).await.expect("answers");
    assert_eq!(late, Settled::LeaseLost);
    assert_eq!(store.message_delivered(OURS, new.id, alive.lease, &sent).await.expect("settles"), Settled::Done);
    let (read, dispatches) = store.message_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, dispatches), (MessageStatus::Sent, vec![sent]));
}

async fn a_settled_message_is_settled(stage: Stage) {
    let store = stage.database.messages();
    let new = message("ada@example.org");
    store.message_enqueue(OURS, &new).await.expect("queues");

    let first = claim(NOW, 1);
    store.messages_claim(first).await.expect("claims");
    let refused = dispatch(DispatchStatus::Failed);
    let again = NOW + HOUR * 2;
    let settled = store.message_retry(OURS, new.id, first.lease, again, &refused).await.expect("settles");
    assert_eq!(settled, Settled::Done);
    let settled = store.message_retry(OURS, new.id, first.lease, again, &refused).await.expect("answers");
    assert_eq!(settled, Settled::LeaseLost);
    assert!(store.messages_claim(claim(NOW + HOUR, 1)).await.expect("claims").is_empty());
    let (read, _) = store.message_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, read.send_after, read.send_count), (MessageStatus::Queued, again, 1));

    let second = claim(again, 1);
    assert_eq!(store.messages_claim(second).await.expect("claims").len(), 1);
    let outcomes = sixteen_times(|| {
        let (store, id) = (store.clone(), new.id);
        let given_up = dispatch(DispatchStatus::Failed);
        async move { store.message_abandoned(OURS, id, second.lease, &given_up).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Settled::Done).count(), 1);
    let (read, dispatches) = store.message_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, dispatches.len()), (MessageStatus::Abandoned, 2));
    assert!(store.messages_claim(claim(again + HOUR * 9, 1)).await.expect("claims").is_empty());
}

async fn lists_run_from_the_newest_and_filter(stage: Stage) {
    let store = stage.database.messages();
    let mut all = Vec::new();
    for minutes in [2, 1, 1, 3] {
        let created_at = NOW + Duration::from_secs(minutes * 60);
        let new = NewMessage { created_at, send_after: NOW + HOUR, ..message("ada@example.org") };
        store.message_enqueue(OURS, &new).await.expect("queues");
        all.push(queued(&new));
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.created_at, one.id)));
    let sent = NewMessage { created_at: NOW, ..message("bob@example.org") };
    store.message_enqueue(OURS, &sent).await.expect("queues");
    let lease = claim(NOW, 1);
    store.messages_claim(lease).await.expect("claims");
    store.message_delivered(OURS, sent.id, lease.lease, &dispatch(DispatchStatus::Success)).await.expect("settles");

    let to_ada = MessageFilter { status: None, recipient: Some("ada@example.org".to_owned()) };
    let page = store.messages_list(OURS, &to_ada, &PageRequest::Keyset { size: 3, after: None }).await.expect("lists");
    assert_eq!(page.items, all[..3]);
    let rest = store.messages_list(OURS, &to_ada, &PageRequest::Keyset { size: 3, after: page.next }).await;
    let rest = rest.expect("lists");
    assert_eq!((rest.items.as_slice(), rest.next), (&all[3..], None));
    let numbered = PageRequest::Numbered { page: 0, size: 2 };
    let page = store.messages_list(OURS, &MessageFilter::default(), &numbered).await.expect("lists");
    assert_eq!((page.items.as_slice(), page.total), (&all[..2], Some(5)));
    let only_sent = MessageFilter { status: Some(MessageStatus::Sent), recipient: None };
    let page = store.messages_list(OURS, &only_sent, &numbered).await.expect("lists");
    assert_eq!(page.items.into_iter().map(|one| one.id).collect::<Vec<_>>(), [sent.id]);
    let forged = PageRequest::Keyset { size: 3, after: Some("nonsense".to_owned()) };
    assert!(store.messages_list(OURS, &to_ada, &forged).await.expect("lists").items.is_empty());
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let store = stage.database.messages();
    let new = message("ada@example.org");
    store.message_enqueue(OURS, &new).await.expect("queues");
    let lease = claim(NOW, 1);
    store.messages_claim(lease).await.expect("claims");
    let sent = dispatch(DispatchStatus::Success);
    assert_eq!(store.message_find(THEIRS, new.id).await.expect("reads"), None);
    for page in [PageRequest::Keyset { size: 9, after: None }, PageRequest::Numbered { page: 0, size: 9 }] {
        let page = store.messages_list(THEIRS, &MessageFilter::default(), &page).await.expect("lists");
        assert!(page.items.is_empty());
    }
    for settled in [
        store.message_delivered(THEIRS, new.id, lease.lease, &sent).await,
        store.message_retry(THEIRS, new.id, lease.lease, NOW, &sent).await,
        store.message_abandoned(THEIRS, new.id, lease.lease, &sent).await,
    ] {
        assert_eq!(settled.expect("answers"), Settled::LeaseLost);
    }
    assert_eq!(store.message_delivered(OURS, new.id, lease.lease, &sent).await.expect("settles"), Settled::Done);
}
