//! What the engine promises its callers: bounded queues, group commit, failures that stay with whom they belong to.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_persistence::{Database, DatabaseConfig, Statements};

use crate::sample::{NOW, identity, key};
use crate::stage::{Engine, OURS, Place, Stage, on_both_engines};

on_both_engines!(a_failing_call_undoes_only_itself, a_caller_who_has_gone_is_not_served,);

#[tokio::test]
async fn sqlite_turns_callers_away_when_the_queue_is_full() {
    turned_away(Engine::Sqlite).await;
}

#[tokio::test]
async fn postgres_turns_callers_away_when_the_queue_is_full() {
    turned_away(Engine::Postgres).await;
}

/// More callers than one group of the SQLite writer (256) can hold besides the queue.
const CALLERS: usize = 300;

/// One thread, which is kept busy, and a queue of two: whoever finds it full is turned away, and at once.
async fn turned_away(engine: Engine) {
    let place = Place::new(engine);
    let config = DatabaseConfig { connections: 1, queue: 2, ..place.config() };
    let stage = place.open(&config).await;
    let store = stage.database.keys();
    let mut beside = stage.beside();
    beside.hold("keys");
    let calls: Vec<_> = (0..CALLERS)
        .map(|number| {
            let (store, key) = (store.clone(), key("set", &number.to_string()));
            async move { store.add_key(OURS, &key).await }
        })
        .collect();
    // The first poll of each call happens before the lock is released, in order.
    let (outcomes, ()) = tokio::join!(join_all(calls), async { beside.release() });
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(StoreError::Unavailable(_)))).count();
    let served = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(refused + served, CALLERS);
    // What the thread has in hand when it meets the lock: how many are in the writer's group is up to the scheduler.
    let in_hand = match engine {
        Engine::Sqlite => 0..=256,
        Engine::Postgres => 0..=1,
    };
    assert!(in_hand.contains(&(served.saturating_sub(2))), "two wait, others are in hand: {served} were served");
    assert_eq!(stage.beside().rows("keys"), i64::try_from(served).expect("small"));
}

async fn a_failing_call_undoes_only_itself(stage: Stage) {
    let store = stage.database.identities();
    let taken = identity("taken@example.org");
    store.identity_create(OURS, &taken).await.expect("creates");
    let mut beside = stage.beside();
    beside.hold("identities");
    let before = stage.database.statements();
    let calls: Vec<_> = (0..40)
        .map(|number| {
            let email = if number % 4 == 0 { "taken@example.org".to_owned() } else { format!("{number}@example.org") };
            let (store, identity) = (store.clone(), identity(&email));
            async move { store.identity_create(OURS, &identity).await }
        })
        .collect();
    let (outcomes, ()) = tokio::join!(join_all(calls), async { beside.release() });
    for (number, outcome) in outcomes.iter().enumerate() {
        if number % 4 == 0 {
            let named = matches!(outcome, Err(StoreError::Conflict(Conflict::CredentialIdentifier)));
            assert!(named, "{number}: {outcome:?}");
        } else {
            assert!(outcome.is_ok(), "{number}: {outcome:?}");
        }
    }
    assert_eq!(stage.beside().rows("identities"), 31);
    assert_eq!(stage.beside().rows("credential_identifiers"), 31);
    let Statements { commits, .. } = stage.database.statements() - before;
    match stage.place.engine {
        Engine::Sqlite => assert!(commits <= 2, "waiting calls share a commit: {commits} for 40 calls"),
        Engine::Postgres => assert_eq!(commits, 30),
    }
}

async fn a_caller_who_has_gone_is_not_served(stage: Stage) {
    // With one connection a call can only be waiting while another is in hand.
    let config = DatabaseConfig { connections: 1, ..stage.place.config() };
    let database = Database::connect(&config).expect("opens");
    database.ping().await.expect("answers");
    let store = database.keys();
    let mut beside = stage.beside();
    beside.hold("keys");
    let (first, second) = (key("set", "first"), key("set", "second"));
    let in_hand = store.add_key(OURS, &first);
    tokio::pin!(in_hand);
    // Polled once, so that it is queued; the thread then waits for the lock.
    assert!(futures_util::poll!(&mut in_hand).is_pending());
    stage_is_busy(&stage, &mut beside);
    {
        let waiting = store.add_key(OURS, &second);
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
    }
    beside.release();
    in_hand.await.expect("adds");
    database.ping().await.expect("answers");
    store.delete_key(OURS, "none", "none").await.expect("the queue has moved on");
    assert_eq!(stage.beside().rows("keys"), 1, "what was dropped while it waited was never begun");
}

/// Returns once the thread under test waits for the lock. SQLite does not tell; there the writer takes whatever waits
/// as one group, which a dropped call is filtered out of when the next one begins.
fn stage_is_busy(stage: &Stage, beside: &mut crate::stage::Beside) {
    if stage.place.engine == Engine::Postgres {
        while beside.count(
            "SELECT count(*) AS count FROM pg_stat_activity \
             WHERE datname = current_database() AND wait_event_type = 'Lock'",
        ) == 0
        {}
    }
}

#[tokio::test]
async fn sqlite_tells_everybody_when_a_group_cannot_begin() {
    let place = Place::new(Engine::Sqlite);
    let config = DatabaseConfig { timeout: Duration::from_millis(400), ..place.config() };
    let stage = place.open(&config).await;
    let store = stage.database.keys();
    let mut beside = stage.beside();
    beside.hold("keys");
    let calls = (0..8).map(|number| {
        let (store, key) = (store.clone(), key("set", &number.to_string()));
        async move { store.add_key(OURS, &key).await }
    });
    for outcome in join_all(calls).await {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    beside.release();
    // What was given up is not stored later on. Once the lock is free, service goes on by itself.
    let mut served = store.add_key(OURS, &key("set", "after")).await;
    while matches!(served, Err(StoreError::Unavailable(_))) {
        served = store.add_key(OURS, &key("set", "after")).await;
    }
    served.expect("adds");
    assert_eq!(stage.beside().rows("keys"), 1);
}

#[tokio::test]
async fn a_sqlite_database_in_memory_serves_every_call() {
    let database = Database::connect(&DatabaseConfig::new("memory")).expect("opens");
    database.migrate_up().await.expect("migrates");
    database.check_schema().await.expect("is current");
    let ada = identity("ada@example.org");
    database.identities().identity_create(OURS, &ada).await.expect("creates");
    let read = database.identities().identity_by_id(OURS, ada.id, &[].into()).await.expect("reads");
    assert!(read.is_some());
    database.sweep(NOW, 10).await.expect("sweeps");
}
