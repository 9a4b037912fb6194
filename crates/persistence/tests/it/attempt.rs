//! Attempt counters.

use std::time::Duration;

use orrery_core::{Timestamp, TokenHash};
use orrery_identity::store::{Attempts, FailedAttempt};

use crate::sample::{HOUR, NOW, hash};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    failures_are_counted_and_lock_the_door,
    a_quiet_window_and_a_past_lock_are_forgotten,
    simultaneous_guesses_are_all_counted,
    each_project_has_counters_of_its_own,
);

const LIMIT: u32 = 3;
const LOCK: Duration = Duration::from_secs(600);

pub(crate) fn failed(counter: TokenHash, at: Timestamp) -> FailedAttempt {
    FailedAttempt { counter, at, window: HOUR, limit: LIMIT, lock: LOCK }
}

async fn failures_are_counted_and_lock_the_door(stage: Stage) {
    let store = stage.database.attempts();
    let door = hash();
    for failures in 1..LIMIT {
        let counted = store.attempt_failed(OURS, &failed(door, NOW)).await.expect("counts");
        assert_eq!(counted, Attempts { failures, since: NOW, locked_until: None });
    }
    let locked = store.attempt_failed(OURS, &failed(door, NOW)).await.expect("counts");
    assert_eq!(locked, Attempts { failures: LIMIT, since: NOW, locked_until: Some(NOW + LOCK) });
    // A failure that was already under way counts but does not prolong the lock.
    let later = store.attempt_failed(OURS, &failed(door, NOW + LOCK / 2)).await.expect("counts");
    assert_eq!(later, Attempts { failures: LIMIT + 1, ..locked });
    assert_eq!(store.attempts(OURS, door).await.expect("reads"), Some(later));
    store.attempts_clear(OURS, door).await.expect("clears");
    assert_eq!(store.attempts(OURS, door).await.expect("reads"), None);
}

async fn a_quiet_window_and_a_past_lock_are_forgotten(stage: Stage) {
    let store = stage.database.attempts();
    let door = hash();
    store.attempt_failed(OURS, &failed(door, NOW)).await.expect("counts");
    let later = NOW + HOUR;
    let counted = store.attempt_failed(OURS, &failed(door, later)).await.expect("counts");
    assert_eq!(counted, Attempts { failures: 1, since: later, locked_until: None });
    for _ in 1..LIMIT {
        store.attempt_failed(OURS, &failed(door, later)).await.expect("counts");
    }
    let unlocked = later + LOCK;
    let counted = store.attempt_failed(OURS, &failed(door, unlocked)).await.expect("counts");
    assert_eq!(counted, Attempts { failures: 1, since: unlocked, locked_until: None });
}

async fn simultaneous_guesses_are_all_counted(stage: Stage) {
    let store = stage.database.attempts();
    let door = hash();
    let outcomes = sixteen_times(|| {
        let store = store.clone();
        async move { store.attempt_failed(OURS, &failed(door, NOW)).await.expect("counts").failures }
    })
    .await;
    let mut seen = outcomes.clone();
    seen.sort_unstable();
    assert_eq!(seen, (1..=16).collect::<Vec<_>>());
}

async fn each_project_has_counters_of_its_own(stage: Stage) {
    let store = stage.database.attempts();
    let door = hash();
    store.attempt_failed(OURS, &failed(door, NOW)).await.expect("counts");
    assert_eq!(store.attempts(THEIRS, door).await.expect("reads"), None);
    store.attempts_clear(THEIRS, door).await.expect("clears nothing");
    assert!(store.attempts(OURS, door).await.expect("reads").is_some());
    let theirs = store.attempt_failed(THEIRS, &failed(door, NOW)).await.expect("counts");
    assert_eq!(theirs.failures, 1);
}
