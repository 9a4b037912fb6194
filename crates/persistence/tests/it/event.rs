//! The outbox.

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::error::Conflict;
use orrery_core::event::NewEvent;
use orrery_core::id::{AttemptId, EventId};
use orrery_core::{PageRequest, StoreError, Timestamp};
use orrery_courier::event::{AfterAttempt, Attempt, Event, EventFilter, EventStatus, Redelivery};
use orrery_courier::store::{Claim, LeaseToken, Settled};

use crate::sample::{HOUR, NOW, entropy, event};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_queued_is_read_back,
    an_event_is_claimed_by_one_node,
    claims_take_what_is_due_oldest_first,
    a_lease_that_ran_out_is_claimed_again,
    a_settled_event_is_settled_once,
    what_is_over_can_be_delivered_again,
    an_event_that_is_delivered_again_goes_out_once,
    lists_run_from_the_newest_and_filter,
    another_project_sees_and_changes_nothing,
);

fn claim(now: Timestamp, limit: u32) -> Claim {
    Claim { lease: LeaseToken::generate(&entropy()), now, lease_until: now + HOUR, limit }
}

fn attempt(error: Option<&str>) -> Attempt {
    Attempt {
        id: AttemptId::generate(&entropy()),
        response_status: Some(if error.is_some() { 503 } else { 204 }),
        error: error.map(str::to_owned),
        created_at: NOW,
    }
}

/// The event as it is before anything happened to it.
fn queued(new: &NewEvent) -> Event {
    Event {
        id: new.id,
        status: EventStatus::Queued,
        kind: new.kind.clone(),
        subject: new.subject.clone(),
        actor: new.actor.clone(),
        request_id: new.request_id.clone(),
        session_id: new.session_id,
        recipient: new.recipient.clone(),
        notice: new.notice.clone(),
        attempts: 0,
        occurred_at: new.occurred_at,
        updated_at: new.occurred_at,
        deliver_after: new.deliver_after,
    }
}

async fn what_is_queued_is_read_back(stage: Stage) {
    let store = stage.database.events();
    let bare = NewEvent { subject: None, actor: None, request_id: None, session_id: None, ..event("x") };
    let both = [event("ada"), bare];
    store.events_enqueue(OURS, &both).await.expect("queues");
    store.events_enqueue(OURS, &[]).await.expect("nothing to do");
    for new in &both {
        assert_eq!(store.event_find(OURS, new.id).await.expect("reads"), Some((queued(new), vec![])));
    }
    assert_eq!(store.event_find(OURS, EventId::generate(&entropy())).await.expect("reads"), None);
    let twice = store.events_enqueue(OURS, &both[..1]).await;
    assert!(matches!(twice, Err(StoreError::Conflict(Conflict::Other))), "{twice:?}");
}

async fn an_event_is_claimed_by_one_node(stage: Stage) {
    let store = stage.database.events();
    let all: Vec<_> = (0..40).map(|_| event("ada")).collect();
    store.events_enqueue(OURS, &all).await.expect("queues");
    let claimed = sixteen_times(|| {
        let store = store.clone();
        async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store.events_claim(claim(NOW, 3)).await.expect("claims");
                if claimed.is_empty() {
                    return mine;
                }
                mine.extend(claimed.into_iter().map(|one| one.event.id));
            }
        }
    })
    .await;
    let ids: Vec<_> = claimed.into_iter().flatten().collect();
    assert_eq!(ids.len(), 40, "none is claimed twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), all.iter().map(|new| new.id).collect());
}

async fn claims_take_what_is_due_oldest_first(stage: Stage) {
    let store = stage.database.events();
    let at = |seconds| NOW + Duration::from_secs(seconds);
    let [later, second, first] = [3, 2, 1].map(|seconds| NewEvent { deliver_after: at(seconds), ..event("ada") });
    store.events_enqueue(OURS, &[later, second.clone(), first.clone()]).await.expect("queues");
    let claim = claim(at(2), 10);
    let claimed = store.events_claim(claim).await.expect("claims");
    let processing =
        |new: &NewEvent| Event { status: EventStatus::Processing, attempts: 1, updated_at: at(2), ..queued(new) };
    assert!(claimed.iter().all(|one| one.project == OURS));
    let claimed: Vec<_> = claimed.into_iter().map(|one| one.event).collect();
    assert_eq!(claimed, [processing(&first), processing(&second)]);
    assert!(store.events_claim(claim).await.expect("claims").is_empty());
}

async fn a_lease_that_ran_out_is_claimed_again(stage: Stage) {
    let store = stage.database.events();
    let new = event("ada");
    store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
    let dead = claim(NOW, 1);
    assert_eq!(store.events_claim(dead).await.expect("claims").len(), 1);
    let alive = claim(dead.lease_until, 1);
    assert_eq!(store.events_claim(alive).await.expect("claims").remove(0).event.attempts, 2);
    let told = attempt(None);
    let late = store.event_settle(OURS, new.id, dead.lease, AfterAttempt::Delivered, &told).await;
    assert_eq!(late.expect("answers"), Settled::LeaseLost);
    let settled = store.event_settle(OURS, new.id, alive.lease, AfterAttempt::Delivered, &told).await;
    assert_eq!(settled.expect("settles"), Settled::Done);
    let (read, attempts) = store.event_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, attempts), (EventStatus::Delivered, vec![told]));
}

async fn a_settled_event_is_settled_once(stage: Stage) {
    let store = stage.database.events();
    let new = event("ada");
    store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
    let (first, again) = (claim(NOW, 1), NOW + HOUR * 2);
    store.events_claim(first).await.expect("claims");
    let retry = AfterAttempt::Retry(again);
    let settled = store.event_settle(OURS, new.id, first.lease, retry, &attempt(Some("away"))).await;
    assert_eq!(settled.expect("settles"), Settled::Done);
    assert!(store.events_claim(claim(NOW + HOUR, 1)).await.expect("claims").is_empty());
    let (read, _) = store.event_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, read.deliver_after, read.attempts), (EventStatus::Queued, again, 1));

    let second = claim(again, 1);
    assert_eq!(store.events_claim(second).await.expect("claims").len(), 1);
    let outcomes = sixteen_times(|| {
        let (store, id) = (store.clone(), new.id);
        let given_up = attempt(Some("still away"));
        async move {
            let settled = store.event_settle(OURS, id, second.lease, AfterAttempt::Abandoned, &given_up).await;
            settled.expect("answers")
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Settled::Done).count(), 1);
    let (read, attempts) = store.event_find(OURS, new.id).await.expect("reads").expect("is there");
    assert_eq!((read.status, attempts.len()), (EventStatus::Abandoned, 2));
    assert!(store.events_claim(claim(again + HOUR * 9, 1)).await.expect("claims").is_empty());
}

async fn what_is_over_can_be_delivered_again(stage: Stage) {
    let store = stage.database.events();
    let new = event("ada");
    store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
    let first = claim(NOW, 1);
    store.events_claim(first).await.expect("claims");
    let later = NOW + HOUR / 2;
    let redeliver = || store.event_redeliver(OURS, new.id, later, later + HOUR);
    assert_eq!(redeliver().await.expect("answers"), Redelivery::InHand);
    store
        .event_settle(OURS, new.id, first.lease, AfterAttempt::Abandoned, &attempt(Some("no")))
        .await
        .expect("settles");
    let due = Event { deliver_after: later, updated_at: later, ..queued(&new) };
    assert_eq!(redeliver().await.expect("answers"), Redelivery::Queued(Box::new(due)));
    // It is kept for as long again, and swept afterwards.
    assert_eq!(stage.database.sweep(NOW + HOUR, 9).await.expect("sweeps").events, 0);
    assert_eq!(store.events_claim(claim(later, 9)).await.expect("claims").len(), 1);
    // The node that claimed it is gone.
    let much_later = later + HOUR * 2;
    let again = store.event_redeliver(OURS, new.id, much_later, much_later + HOUR).await.expect("answers");
    assert!(matches!(again, Redelivery::Queued(_)), "{again:?}");
    let unknown = store.event_redeliver(OURS, EventId::generate(&entropy()), NOW, NOW + HOUR).await;
    assert_eq!(unknown.expect("answers"), Redelivery::Unknown);
    assert_eq!(stage.database.sweep(much_later + HOUR, 9).await.expect("sweeps").events, 1);
    assert_eq!(stage.beside().rows("event_attempts"), 0, "the attempts go with their event");
}

async fn an_event_that_is_delivered_again_goes_out_once(stage: Stage) {
    let store = stage.database.events();
    let new = event("ada");
    store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
    let first = claim(NOW, 1);
    store.events_claim(first).await.expect("claims");
    store.event_settle(OURS, new.id, first.lease, AfterAttempt::Delivered, &attempt(None)).await.expect("settles");
    // Sixteen administrators press the button while sixteen nodes look for work.
    let outcomes = sixteen_times(|| {
        let (store, id) = (store.clone(), new.id);
        async move {
            let wish = store.event_redeliver(OURS, id, NOW, NOW + HOUR).await.expect("answers");
            let claimed = store.events_claim(claim(NOW, 1)).await.expect("claims").len();
            (matches!(wish, Redelivery::Queued(_)), claimed)
        }
    })
    .await;
    assert!(outcomes.iter().any(|(queued, _)| *queued));
    assert_eq!(outcomes.iter().map(|(_, claimed)| claimed).sum::<usize>(), 1, "{outcomes:?}");
}

async fn lists_run_from_the_newest_and_filter(stage: Stage) {
    let store = stage.database.events();
    let mut all = Vec::new();
    for minutes in [2, 1, 1, 3] {
        let occurred_at = NOW + Duration::from_secs(minutes * 60);
        let new = NewEvent { occurred_at, deliver_after: NOW + HOUR, ..event("ada") };
        store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
        all.push(queued(&new));
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.occurred_at, one.id)));
    let told = event("bob");
    store.events_enqueue(OURS, std::slice::from_ref(&told)).await.expect("queues");
    let lease = claim(NOW, 1);
    store.events_claim(lease).await.expect("claims");
    store.event_settle(OURS, told.id, lease.lease, AfterAttempt::Delivered, &attempt(None)).await.expect("settles");

    let ada = EventFilter { status: None, subject: Some("ada".to_owned()) };
    let page = store.events_list(OURS, &ada, &PageRequest::Keyset { size: 3, after: None }).await.expect("lists");
    assert_eq!(page.items, all[..3]);
    let rest = store.events_list(OURS, &ada, &PageRequest::Keyset { size: 3, after: page.next }).await.expect("lists");
    assert_eq!((rest.items.as_slice(), rest.next), (&all[3..], None));
    let numbered = PageRequest::Numbered { page: 0, size: 2 };
    let page = store.events_list(OURS, &EventFilter::default(), &numbered).await.expect("lists");
    assert_eq!((page.items.as_slice(), page.total), (&all[..2], Some(5)));
    let delivered = EventFilter { status: Some(EventStatus::Delivered), subject: None };
    let page = store.events_list(OURS, &delivered, &numbered).await.expect("lists");
    assert_eq!(page.items.into_iter().map(|one| one.id).collect::<Vec<_>>(), [told.id]);
    let forged = PageRequest::Keyset { size: 3, after: Some("nonsense".to_owned()) };
    assert!(store.events_list(OURS, &ada, &forged).await.expect("lists").items.is_empty());
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let store = stage.database.events();
    let new = event("ada");
    store.events_enqueue(OURS, std::slice::from_ref(&new)).await.expect("queues");
    let lease = claim(NOW, 1);
    store.events_claim(lease).await.expect("claims");
    let told = attempt(None);
    assert_eq!(store.event_find(THEIRS, new.id).await.expect("reads"), None);
    for page in [PageRequest::Keyset { size: 9, after: None }, PageRequest::Numbered { page: 0, size: 9 }] {
        assert!(store.events_list(THEIRS, &EventFilter::default(), &page).await.expect("lists").items.is_empty());
    }
    let settled = store.event_settle(THEIRS, new.id, lease.lease, AfterAttempt::Delivered, &told).await;
    assert_eq!(settled.expect("answers"), Settled::LeaseLost);
    let settled = store.event_settle(OURS, new.id, lease.lease, AfterAttempt::Delivered, &told).await;
    assert_eq!(settled.expect("settles"), Settled::Done);
    let redelivered = store.event_redeliver(THEIRS, new.id, NOW, NOW + HOUR).await;
    assert_eq!(redelivered.expect("answers"), Redelivery::Unknown);
}
