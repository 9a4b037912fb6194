//! JSON Web Keys.

use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_keys::store::{KeyOrigin, StoredKey, Succession};

use crate::sample::{HOUR, NOW, key};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_added_is_read_back,
    a_kid_is_taken_once,
    one_successor_wins,
    putting_replaces_and_sets_are_replaced_whole,
    deleting_is_by_set_or_key,
    retiring_happens_once_and_holding_only_raises,
    ended_keys_are_removed,
    resealing_never_undoes_a_newer_write,
    another_project_sees_and_changes_nothing,
);

async fn what_is_added_is_read_back(stage: Stage) {
    let store = stage.database.keys();
    let full = StoredKey {
        succession: Some("first".to_owned()),
        retires_at: Some(NOW),
        removes_at: Some(NOW + HOUR),
        held_until: Some(NOW),
        origin: KeyOrigin::Scheduled,
        ..key("set", "full")
    };
    let public_only = StoredKey { sealed_private: None, created_at: NOW + HOUR, ..key("set", "public") };
    store.add_key(OURS, &full).await.expect("adds");
    store.add_key(OURS, &public_only).await.expect("adds");
    store.add_key(OURS, &key("other", "full")).await.expect("adds");
    assert_eq!(store.keys(OURS, "set").await.expect("reads"), [public_only, full.clone()], "the newest first");
    assert_eq!(store.key(OURS, "set", "full").await.expect("reads"), Some(full));
    assert_eq!(store.key(OURS, "set", "none").await.expect("reads"), None);
    assert!(store.keys(OURS, "none").await.expect("reads").is_empty());
}

async fn a_kid_is_taken_once(stage: Stage) {
    let store = stage.database.keys();
    let outcomes = sixteen_times(|| {
        let store = store.clone();
        async move {
            match store.add_key(OURS, &key("set", "kid")).await {
                Ok(()) => true,
                Err(StoreError::Conflict(Conflict::Key)) => false,
                Err(error) => panic!("neither added nor taken: {error:?}"),
            }
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|added| **added).count(), 1);
}

async fn one_successor_wins(stage: Stage) {
    let store = stage.database.keys();
    let number = std::sync::atomic::AtomicU32::new(0);
    let outcomes = sixteen_times(|| {
        let kid = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
        let (store, key) = (store.clone(), StoredKey { succession: Some("2".to_owned()), ..key("set", &kid) });
        async move { store.add_successor(OURS, &key).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Succession::Added).count(), 1);
    assert_eq!(store.keys(OURS, "set").await.expect("reads").len(), 1);
    let winner = store.keys(OURS, "set").await.expect("reads").remove(0);
    let other = StoredKey { succession: Some("3".to_owned()), ..key("set", &winner.kid) };
    let taken = store.add_successor(OURS, &other).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::Key))), "{taken:?}");
    // Keys that succeed nobody do not stand in each other's way.
    for kid in ["a", "b"] {
        store.add_key(OURS, &key("set", kid)).await.expect("adds");
    }
}

async fn putting_replaces_and_sets_are_replaced_whole(stage: Stage) {
    let store = stage.database.keys();
    store.add_key(OURS, &key("set", "a")).await.expect("adds");
    let newer = StoredKey { algorithm: "ES512".to_owned(), ..key("set", "a") };
    store.put_key(OURS, &newer).await.expect("replaces");
    let new = key("set", "b");
    store.put_key(OURS, &new).await.expect("adds");
    assert_eq!(store.key(OURS, "set", "a").await.expect("reads"), Some(newer));

    let whole = [key("set", "b"), key("set", "c")];
    store.replace_set(OURS, "set", &whole).await.expect("replaces");
    let mut kids: Vec<_> = store.keys(OURS, "set").await.expect("reads").into_iter().map(|key| key.kid).collect();
    kids.sort_unstable();
    assert_eq!(kids, ["b", "c"]);
    store.replace_set(OURS, "set", &[]).await.expect("replaces");
    assert!(store.keys(OURS, "set").await.expect("reads").is_empty());
}

async fn deleting_is_by_set_or_key(stage: Stage) {
    let store = stage.database.keys();
    for (set, kid) in [("one", "a"), ("one", "b"), ("two", "a")] {
        store.add_key(OURS, &key(set, kid)).await.expect("adds");
    }
    store.delete_key(OURS, "one", "a").await.expect("deletes");
    store.delete_key(OURS, "one", "a").await.expect("deletes nothing");
    assert_eq!(store.keys(OURS, "one").await.expect("reads").len(), 1);
    store.delete_set(OURS, "one").await.expect("deletes");
    assert!(store.keys(OURS, "one").await.expect("reads").is_empty());
    assert_eq!(store.keys(OURS, "two").await.expect("reads").len(), 1);
}

async fn retiring_happens_once_and_holding_only_raises(stage: Stage) {
    let store = stage.database.keys();
    let (old, current) = (key("set", "old"), key("set", "current"));
    for key in [&old, &current] {
        store.add_key(OURS, key).await.expect("adds");
    }
    store.retire_keys(OURS, &[old.id], NOW, NOW + HOUR).await.expect("retires");
    store.retire_keys(OURS, &[old.id], NOW + HOUR, NOW + HOUR * 2).await.expect("changes nothing");
    for until in [NOW + HOUR, NOW, NOW + HOUR * 3] {
        store.hold_key(OURS, old.id, until).await.expect("holds");
    }
    let expected =
        StoredKey { retires_at: Some(NOW), removes_at: Some(NOW + HOUR), held_until: Some(NOW + HOUR * 3), ..old };
    assert_eq!(store.key(OURS, "set", "old").await.expect("reads"), Some(expected));
    assert_eq!(store.key(OURS, "set", "current").await.expect("reads"), Some(current));
}

async fn ended_keys_are_removed(stage: Stage) {
    let store = stage.database.keys();
    let ended = |kid| StoredKey { removes_at: Some(NOW), ..key("set", kid) };
    for key in [
        ended("a"),
        ended("b"),
        StoredKey { held_until: Some(NOW), ..ended("no longer held") },
        StoredKey { held_until: Some(NOW + HOUR), ..ended("held") },
        StoredKey { removes_at: Some(NOW + HOUR), ..ended("later") },
        key("set", "current"),
    ] {
        store.add_key(OURS, &key).await.expect("adds");
    }
    assert_eq!(store.remove_ended_keys(THEIRS, NOW, 10).await.expect("removes"), 0);
    assert_eq!(store.remove_ended_keys(OURS, NOW, 2).await.expect("removes"), 2);
    assert_eq!(store.remove_ended_keys(OURS, NOW, 2).await.expect("removes"), 1);
    assert_eq!(store.remove_ended_keys(OURS, NOW, 2).await.expect("removes"), 0);
    assert_eq!(store.keys(OURS, "set").await.expect("reads").len(), 3);
}

async fn resealing_never_undoes_a_newer_write(stage: Stage) {
    let store = stage.database.keys();
    let mut all = vec![key("one", "a"), key("two", "b"), key("two", "c")];
    for key in &all {
        store.add_key(OURS, key).await.expect("adds");
    }
    all.sort_by_key(|key| key.id);
    let first = store.keys_after(OURS, None, 2).await.expect("reads");
    assert_eq!(first, all[..2]);
    assert_eq!(store.keys_after(OURS, Some(first[1].id), 2).await.expect("reads"), all[2..]);
    let old = first[0].sealed_private.clone().expect("sealed");
    store.reseal_key(OURS, first[0].id, &old, b"new").await.expect("reseals");
    store.reseal_key(OURS, first[0].id, &old, b"newer").await.expect("changes nothing");
    let read = store.keys_after(OURS, None, 1).await.expect("reads").remove(0);
    assert_eq!(read.sealed_private.as_deref(), Some(&b"new"[..]));
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let store = stage.database.keys();
    let ours = key("set", "kid");
    store.add_key(OURS, &ours).await.expect("adds");
    assert!(store.keys(THEIRS, "set").await.expect("reads").is_empty());
    assert_eq!(store.key(THEIRS, "set", "kid").await.expect("reads"), None);
    assert!(store.keys_after(THEIRS, None, 10).await.expect("reads").is_empty());
    store.delete_key(THEIRS, "set", "kid").await.expect("deletes nothing");
    store.delete_set(THEIRS, "set").await.expect("deletes nothing");
    store.retire_keys(THEIRS, &[ours.id], NOW, NOW).await.expect("retires nothing");
    store.hold_key(THEIRS, ours.id, NOW).await.expect("holds nothing");
    store.reseal_key(THEIRS, ours.id, &[0, 1, 255], b"new").await.expect("reseals nothing");
    store.replace_set(THEIRS, "set", &[]).await.expect("replaces nothing");
    store.put_key(THEIRS, &key("set", "kid")).await.expect("puts their own");
    let successor = StoredKey { succession: Some("1".to_owned()), ..key("set", "next") };
    assert_eq!(store.add_successor(THEIRS, &successor).await.expect("adds their own"), Succession::Added);
    assert_eq!(store.keys(OURS, "set").await.expect("reads"), [ours]);
}
