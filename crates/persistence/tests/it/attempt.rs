//! Attempt counters.

use std::time::Duration;

use orrery_core::{Timestamp, TokenHash};
use orrery_identity::credentials::CredentialKind;
use orrery_identity::limits::Door;
use orrery_identity::store::{AccountCounter, Attempts, FailedAttempt};

use crate::sample::{HOUR, NOW, hash, identity};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    failures_are_counted_and_lock_the_door,
    a_quiet_window_and_a_past_lock_are_forgotten,
    simultaneous_guesses_are_all_counted,
    each_project_has_counters_of_its_own,
    a_door_and_the_account_behind_it_are_counted_together,
    guesses_under_many_names_meet_at_the_account,
);

const LIMIT: u32 = 3;
const LOCK: Duration = Duration::from_secs(600);

pub(crate) fn failed(counter: TokenHash, at: Timestamp) -> FailedAttempt {
    FailedAttempt { counter, account: None, at, window: HOUR, limit: LIMIT, lock: LOCK }
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

async fn a_door_and_the_account_behind_it_are_counted_together(stage: Stage) {
    let store = stage.database.attempts();
    let (ada, door, nobody) = (identity("ada@example.org"), hash(), hash());
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let account = Door::account(OURS, ada.id).counter();
    let of = |counter, owner| Some(AccountCounter { counter, owner });
    let first_name = FailedAttempt { account: of(account, Some(ada.id)), ..failed(door, NOW) };
    let counted = store.attempt_failed(OURS, &first_name).await.expect("counts");
    assert_eq!(counted.failures, 1, "how the door stands");
    let other_name = FailedAttempt { account: of(account, Some(ada.id)), ..failed(hash(), NOW) };
    assert_eq!(store.attempt_failed(OURS, &other_name).await.expect("counts").failures, 1);
    let unknown = FailedAttempt { account: of(nobody, None), ..failed(hash(), NOW) };
    store.attempt_failed(OURS, &unknown).await.expect("counts");

    let names = ["ada@example.org".to_owned()];
    let identities = stage.database.identities();
    let found = identities.credential_by_identifier(OURS, CredentialKind::Password, &names, door).await.expect("reads");
    assert_eq!(found.attempts.map(|attempts| attempts.failures), Some(1));
    assert_eq!(found.account_attempts.map(|attempts| attempts.failures), Some(2), "under both names");
    let elsewhere = identities.credential_by_identifier(THEIRS, CredentialKind::Password, &names, door).await;
    assert_eq!(elsewhere.expect("reads").account_attempts, None);
}

async fn guesses_under_many_names_meet_at_the_account(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let account = AccountCounter { counter: Door::account(OURS, ada.id).counter(), owner: Some(ada.id) };
    sixteen_times(|| {
        let store = stage.database.attempts();
        async move {
            let guess = FailedAttempt { account: Some(account), ..failed(hash(), NOW) };
            store.attempt_failed(OURS, &guess).await.expect("counts")
        }
    })
    .await;
    let counted = stage.database.attempts().attempts(OURS, account.counter).await.expect("reads");
    assert_eq!(counted.map(|attempts| attempts.failures), Some(16));
}
