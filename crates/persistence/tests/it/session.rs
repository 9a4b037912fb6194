//! Sessions.

use std::time::Duration;

use orrery_core::id::SessionId;
use orrery_core::{PageRequest, Timestamp};
use orrery_identity::identity::{Identity, IdentityState};
use orrery_identity::session::{Session, SessionWithIdentity};
use orrery_identity::store::{Completion, Extended, SessionEnding, SessionFilter, SessionSelection, SessionWrite};

use crate::sample::{HOUR, NOW, entropy, hash, identity, session, without_credentials};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_token_finds_its_session_and_identity,
    lists_run_from_the_newest_and_page,
    lists_are_filtered,
    revoking_happens_once,
    one_can_only_revoke_ones_own,
    the_others_are_revoked,
    deleting_removes_all_of_an_identity,
    many_are_ended_at_once,
    everybodys_end_in_batches,
    a_short_list_is_counted_on_every_page,
    extending_moves_the_end_when_it_may,
);

async fn person(stage: &Stage, email: &str) -> Identity {
    let one = identity(email);
    stage.database.identities().identity_create(OURS, &one).await.expect("creates");
    one
}

/// Signs in at the given moment, for an hour.
async fn sign_in_at(stage: &Stage, identity: &Identity, at: Timestamp) -> Session {
    let session = Session { issued_at: at, expires_at: at + HOUR, ..session(identity.id) };
    let write = SessionWrite::Create { session: session.clone(), token: hash() };
    assert_eq!(crate::login::complete(stage, write).await, Completion::Done);
    session
}

async fn a_token_finds_its_session_and_identity(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let (session, token) = crate::login::sign_in(&stage, &ada).await;
    let store = stage.database.sessions();
    let expected = Some(SessionWithIdentity { session: session.clone(), identity: without_credentials(&ada) });
    for tokens in [&[token][..], &[hash(), token], &[token]] {
        let found = store.session_by_token(OURS, tokens).await.expect("reads");
        assert_eq!(found.as_deref(), expected.as_ref());
    }
    assert_eq!(store.session_by_id(OURS, session.id).await.expect("reads"), expected);
    assert_eq!(store.session_by_token(OURS, &[hash()]).await.expect("reads"), None);
    assert_eq!(store.session_by_token(OURS, &[]).await.expect("reads"), None);
    assert_eq!(store.session_by_token(THEIRS, &[token]).await.expect("reads"), None);
    assert_eq!(store.session_by_id(THEIRS, session.id).await.expect("reads"), None);
}

async fn lists_run_from_the_newest_and_page(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let mut all = Vec::new();
    for minutes in [3, 1, 2, 2, 2, 5] {
        all.push(sign_in_at(&stage, &ada, NOW + Duration::from_secs(minutes * 60)).await);
    }
    all.sort_by_key(|one| std::cmp::Reverse((one.issued_at, one.id)));
    let store = stage.database.sessions();
    let everything = SessionFilter::default();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest::Keyset { size: 2, after };
        let page = store.session_list(OURS, &everything, &page).await.expect("lists");
        assert!(page.items.iter().all(|one| one.identity.id == ada.id));
        seen.extend(page.items.into_iter().map(|one| one.session));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    let page = PageRequest::Numbered { page: 1, size: 4 };
    let page = store.session_list(OURS, &everything, &page).await.expect("lists");
    assert_eq!(page.total, Some(6));
    assert_eq!(page.items.into_iter().map(|one| one.session).collect::<Vec<_>>(), all[4..]);

    for page in [
        PageRequest::Keyset { size: 2, after: Some("nonsense".to_owned()) },
        PageRequest::Numbered { page: 9, size: 4 },
    ] {
        assert!(store.session_list(OURS, &everything, &page).await.expect("lists").items.is_empty());
    }
    let page = PageRequest::Keyset { size: 2, after: None };
    assert!(store.session_list(THEIRS, &everything, &page).await.expect("lists").items.is_empty());
}

async fn lists_are_filtered(stage: Stage) {
    let (ada, mut bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let current = sign_in_at(&stage, &ada, NOW).await;
    let expired = sign_in_at(&stage, &ada, NOW - HOUR).await;
    let revoked = sign_in_at(&stage, &ada, NOW).await;
    let disabled = sign_in_at(&stage, &bob, NOW).await;
    let store = stage.database.sessions();
    store.session_revoke(OURS, revoked.id).await.expect("revokes");
    bob.state = IdentityState::Inactive;
    stage.database.identities().identity_update(OURS, &bob, &[].into()).await.expect("updates");

    let list = async |filter: SessionFilter| {
        let page = PageRequest::Keyset { size: 10, after: None };
        let found = store.session_list(OURS, &filter, &page).await.expect("lists");
        let mut ids: Vec<_> = found.items.into_iter().map(|one| one.session.id).collect();
        ids.sort_unstable();
        ids
    };
    let sorted = |mut ids: Vec<SessionId>| {
        ids.sort_unstable();
        ids
    };
    let active = SessionFilter { active: Some((true, NOW)), ..SessionFilter::default() };
    assert_eq!(list(active).await, [current.id]);
    let inactive = SessionFilter { active: Some((false, NOW)), ..SessionFilter::default() };
    assert_eq!(list(inactive).await, sorted(vec![expired.id, revoked.id, disabled.id]));
    let of_ada = SessionFilter { identity: Some(ada.id), ..SessionFilter::default() };
    assert_eq!(list(of_ada).await, sorted(vec![current.id, expired.id, revoked.id]));
    let others = SessionFilter { except: Some(current.id), ..of_ada };
    assert_eq!(list(others).await, sorted(vec![expired.id, revoked.id]));
}

async fn revoking_happens_once(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let (session, token) = crate::login::sign_in(&stage, &ada).await;
    let store = stage.database.sessions();
    assert!(!store.session_revoke(THEIRS, session.id).await.expect("answers"));
    let outcomes = sixteen_times(|| {
        let (store, id) = (store.clone(), session.id);
        async move { store.session_revoke(OURS, id).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|revoked| **revoked).count(), 1);
    let read = store.session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert!(!read.session.active);
    assert!(!store.session_revoke(OURS, SessionId::generate(&entropy())).await.expect("answers"));
}

async fn one_can_only_revoke_ones_own(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let (session, _) = crate::login::sign_in(&stage, &ada).await;
    let store = stage.database.sessions();
    assert!(!store.session_revoke_own(OURS, bob.id, session.id).await.expect("answers"));
    assert!(!store.session_revoke_own(THEIRS, ada.id, session.id).await.expect("answers"));
    assert!(store.session_revoke_own(OURS, ada.id, session.id).await.expect("revokes"));
    assert!(!store.session_revoke_own(OURS, ada.id, session.id).await.expect("answers"));
}

async fn the_others_are_revoked(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let (keep, _) = crate::login::sign_in(&stage, &ada).await;
    for _ in 0..2 {
        crate::login::sign_in(&stage, &ada).await;
    }
    let (bobs, _) = crate::login::sign_in(&stage, &bob).await;
    let store = stage.database.sessions();
    assert_eq!(store.session_revoke_others(THEIRS, ada.id, None).await.expect("answers"), 0);
    assert_eq!(store.session_revoke_others(OURS, ada.id, Some(keep.id)).await.expect("revokes"), 2);
    assert_eq!(store.session_revoke_others(OURS, ada.id, Some(keep.id)).await.expect("answers"), 0);
    for id in [keep.id, bobs.id] {
        assert!(store.session_by_id(OURS, id).await.expect("reads").expect("is there").session.active);
    }
    assert_eq!(store.session_revoke_others(OURS, ada.id, None).await.expect("revokes"), 1);
}

async fn deleting_removes_all_of_an_identity(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    for one in [&ada, &ada, &bob] {
        crate::login::sign_in(&stage, one).await;
    }
    let store = stage.database.sessions();
    assert_eq!(store.session_delete_all(THEIRS, ada.id).await.expect("answers"), 0);
    assert_eq!(store.session_delete_all(OURS, ada.id).await.expect("deletes"), 2);
    assert_eq!(store.session_delete_all(OURS, ada.id).await.expect("answers"), 0);
    assert_eq!(stage.beside().rows("sessions"), 1);
}

async fn many_are_ended_at_once(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let mut adas = Vec::new();
    for _ in 0..3 {
        adas.push(crate::login::sign_in(&stage, &ada).await.0.id);
    }
    let (bobs, token) = crate::login::sign_in(&stage, &bob).await;
    let store = stage.database.sessions();
    assert!(store.session_by_token(OURS, &[token]).await.expect("reads").expect("is there").session.active);
    let these = SessionSelection::Sessions(vec![adas[0], adas[0], SessionId::generate(&entropy())]);
    let of_both = SessionSelection::OfIdentities(vec![ada.id, bob.id]);
    for ending in [SessionEnding::Disable, SessionEnding::Delete] {
        for selection in [&these, &of_both] {
            assert_eq!(store.sessions_end(THEIRS, selection, ending).await.expect("answers"), 0);
        }
    }
    let disable = async |selection: &SessionSelection| {
        store.sessions_end(OURS, selection, SessionEnding::Disable).await.expect("disables")
    };
    assert_eq!(disable(&these).await, 1);
    assert_eq!(disable(&these).await, 0, "only active ones are disabled");
    assert_eq!(disable(&of_both).await, 3);
    let read = store.session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert!(!read.session.active, "nor is it active for whoever knew it");
    let delete = async |selection: &SessionSelection| {
        store.sessions_end(OURS, selection, SessionEnding::Delete).await.expect("deletes")
    };
    assert_eq!(delete(&these).await, 1);
    assert_eq!(delete(&SessionSelection::OfIdentities(vec![ada.id])).await, 2);
    assert_eq!(delete(&SessionSelection::Sessions(vec![bobs.id])).await, 1);
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn everybodys_end_in_batches(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    for one in [&ada, &bob, &ada, &bob, &ada] {
        crate::login::sign_in(&stage, one).await;
    }
    let store = stage.database.sessions();
    let everybodys = SessionSelection::Everybodys { at_most: 2 };
    for ending in [SessionEnding::Disable, SessionEnding::Delete] {
        assert_eq!(store.sessions_end(THEIRS, &everybodys, ending).await.expect("answers"), 0);
        for expected in [2, 2, 1, 0] {
            assert_eq!(store.sessions_end(OURS, &everybodys, ending).await.expect("ends"), expected, "{ending:?}");
        }
    }
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn a_short_list_is_counted_on_every_page(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let (current, _) = crate::login::sign_in(&stage, &ada).await;
    for one in [&ada, &ada, &bob] {
        crate::login::sign_in(&stage, one).await;
    }
    let store = stage.database.sessions();
    let of_ada = SessionFilter { identity: Some(ada.id), ..SessionFilter::default() };
    for (filter, size, total) in [
        (of_ada, 10, Some(3)),
        (of_ada, 2, Some(3)),
        (SessionFilter { except: Some(current.id), ..of_ada }, 1, Some(2)),
        // Everybody's are not: counting them would cost more than the page.
        (SessionFilter::default(), 2, None),
    ] {
        let mut after = None;
        loop {
            let page = PageRequest::Keyset { size, after };
            let page = store.session_list(OURS, &filter, &page).await.expect("lists");
            assert_eq!(page.total, total, "{filter:?} {size}");
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
}

async fn extending_moves_the_end_when_it_may(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let session = sign_in_at(&stage, &ada, NOW).await;
    let store = stage.database.sessions();
    let end = NOW + HOUR * 5;
    let end_after = async |before: Timestamp| match store.session_extend(OURS, session.id, end, before, NOW).await {
        Ok(Extended::Session(read)) => read.session.expires_at,
        other => panic!("the session was not returned: {other:?}"),
    };
    assert_eq!(end_after(session.expires_at).await, session.expires_at, "too early");
    let elsewhere = store.session_extend(THEIRS, session.id, end, end, NOW).await.expect("answers");
    assert_eq!(elsewhere, Extended::Unknown);
    assert_eq!(end_after(session.expires_at + HOUR).await, end);
    let late = store.session_extend(OURS, session.id, end + HOUR * 9, end + HOUR * 9, end).await.expect("answers");
    let Extended::Session(read) = late else { panic!("the session was not returned") };
    assert_eq!(read.session.expires_at, end, "a session that has ended is not revived");
    store.session_revoke(OURS, session.id).await.expect("revokes");
    let later = store.session_extend(OURS, session.id, end + HOUR, end + HOUR, NOW).await.expect("answers");
    let Extended::Session(read) = later else { panic!("the session was not returned") };
    assert_eq!((read.session.active, read.session.expires_at), (false, end), "a revoked session is not extended");
}
