//! Grants, and the sign-ins that they came through.

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::PageRequest;
use orrery_core::id::{GrantId, LoginSessionId};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::client::Client;
use orrery_oauth2::grant::Grant;
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{
    Begins, GrantWithClient, LoginCompleted, SessionClient, SessionEnd, SessionEnded, SessionWrite, Stepped,
};

use crate::oauth2_sample::{SUBJECT, flow, grant, granted, login_session, registered};
use crate::sample::{HOUR, NOW, entropy, event, identity};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    the_newest_remembered_grant_is_found,
    a_grant_is_found_while_the_identity_is_active,
    the_newest_grant_says_what_a_client_knows_somebody_by,
    lists_show_what_is_granted_and_not_yet_forgotten,
    taking_back_a_grant_ends_its_codes,
    ending_a_session_names_its_clients_once,
    ending_either_session_ends_the_other,
    all_sessions_of_a_person_end_together,
    another_project_sees_and_ends_nothing,
);

/// Signs in and grants at once.
async fn give(stage: &Stage, client: &Client, session: &LoginSession, grant: &Grant) {
    let done = LoginCompleted {
        flow: orrery_oauth2::challenge::AuthorizationFlow {
            state: orrery_oauth2::challenge::FlowState::Finished,
            ..flow(client)
        },
        begins: Begins::Fresh,
        session: SessionWrite::Begin(session.clone()),
        ends: None,
        granted: Some(granted(grant.clone())),
        now: NOW,
    };
    assert_eq!(stage.database.authorizations().login_complete(OURS, &done).await.expect("grants"), Stepped::Done);
}

async fn list(stage: &Stage, session: Option<LoginSessionId>, now: orrery_core::Timestamp) -> Vec<GrantId> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest::Keyset { size: 2, after };
        let page = stage.database.grants().grant_list(OURS, SUBJECT, session, &page, now).await.expect("lists");
        all.extend(page.items.into_iter().map(|item| item.grant.id));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

fn sorted(mut ids: Vec<GrantId>) -> Vec<GrantId> {
    ids.sort_unstable();
    ids
}

async fn the_newest_remembered_grant_is_found(stage: Stage) {
    let client = registered(&stage, "app").await;
    let session = login_session();
    let find = async |now| {
        let found = stage.database.grants().grant_remembered(OURS, SUBJECT, &client.id, now).await;
        found.expect("reads")
    };
    assert_eq!(find(NOW).await, None);
    let minute = grant(&client, session.id);
    let forever = Grant { remember_for: 0, requested_at: NOW - HOUR, ..grant(&client, session.id) };
    let once = Grant { remember: false, requested_at: NOW + HOUR, ..grant(&client, session.id) };
    let skipped = Grant { skipped: true, requested_at: NOW + HOUR, ..grant(&client, session.id) };
    let theirs = Grant { subject: "bob".to_owned(), requested_at: NOW + HOUR, ..grant(&client, session.id) };
    for one in [&minute, &forever, &once, &skipped, &theirs] {
        give(&stage, &client, &session, one).await;
    }
    assert_eq!(find(NOW).await, Some(minute));
    assert_eq!(find(NOW + Duration::from_secs(60)).await, Some(forever), "the newer one is forgotten by then");
    assert_eq!(find(NOW + HOUR).await, None, "nobody needs the row by then");
}

async fn a_grant_is_found_while_the_identity_is_active(stage: Stage) {
    let client = registered(&stage, "app").await;
    let session = login_session();
    let mut person = identity("ada@example.org");
    let identities = stage.database.identities();
    identities.identity_create(OURS, &person).await.expect("creates");
    let hers = Grant { identity: Some(person.id), ..grant(&client, session.id) };
    let nobodys = grant(&client, session.id);
    for one in [&hers, &nobodys] {
        give(&stage, &client, &session, one).await;
    }
    let find = async |id| stage.database.grants().grant_by_id(OURS, id).await.expect("reads");
    assert_eq!((find(hers.id).await, find(nobodys.id).await), (Some(hers.clone()), Some(nobodys.clone())));
    assert_eq!(find(GrantId::generate(&entropy())).await, None);
    person.state = IdentityState::Inactive;
    identities.identity_update(OURS, &person, &BTreeSet::new()).await.expect("updates");
    assert_eq!((find(hers.id).await, find(nobodys.id).await), (None, Some(nobodys)));
}

async fn the_newest_grant_says_what_a_client_knows_somebody_by(stage: Stage) {
    let (client, other) = (registered(&stage, "app").await, registered(&stage, "other").await);
    let session = login_session();
    let find = async || stage.database.grants().grant_newest(OURS, SUBJECT, &client.id).await.expect("reads");
    assert_eq!(find().await, None);
    // It counts although nobody was asked and nobody needs it any more.
    let newest = Grant {
        skipped: true,
        remember: false,
        requested_at: NOW + HOUR,
        expires_at: NOW,
        ..grant(&client, session.id)
    };
    let theirs = Grant { subject: "bob".to_owned(), requested_at: NOW + HOUR * 2, ..grant(&client, session.id) };
    let elsewhere = Grant { requested_at: NOW + HOUR * 2, ..grant(&other, session.id) };
    for one in [&grant(&client, session.id), &newest, &theirs, &elsewhere] {
        give(&stage, &client, &session, one).await;
    }
    assert_eq!(find().await, Some(newest));
}

async fn lists_show_what_is_granted_and_not_yet_forgotten(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (session, other) = (login_session(), login_session());
    let minute = grant(&client, session.id);
    let forever = Grant { remember_for: 0, ..grant(&client, other.id) };
    let once = Grant { remember: false, ..grant(&client, session.id) };
    let skipped = Grant { skipped: true, ..grant(&client, session.id) };
    let theirs = Grant { subject: "bob".to_owned(), ..grant(&client, session.id) };
    for (session, one) in
        [(&session, &minute), (&other, &forever), (&session, &once), (&session, &skipped), (&session, &theirs)]
    {
        give(&stage, &client, session, one).await;
    }
    assert_eq!(list(&stage, None, NOW).await, sorted(vec![minute.id, forever.id, once.id]));
    assert_eq!(list(&stage, Some(session.id), NOW).await, sorted(vec![minute.id, once.id]));
    let later = NOW + Duration::from_secs(60);
    assert_eq!(list(&stage, None, later).await, sorted(vec![forever.id, once.id]));
    let store = stage.database.grants();
    let page = PageRequest::Numbered { page: 0, size: 5 };
    let page = store.grant_list(OURS, SUBJECT, Some(other.id), &page, NOW).await.expect("lists");
    assert_eq!((page.items, page.total), (vec![GrantWithClient { grant: forever, client }], Some(1)));
    let page = PageRequest::Keyset { size: 5, after: Some("nonsense".to_owned()) };
    assert!(store.grant_list(OURS, SUBJECT, None, &page, NOW).await.expect("lists").items.is_empty());
}

async fn taking_back_a_grant_ends_its_codes(stage: Stage) {
    let (client, other) = (registered(&stage, "app").await, registered(&stage, "other").await);
    let session = login_session();
    let grants = [grant(&client, session.id), grant(&client, session.id), grant(&other, session.id)];
    for one in &grants {
        give(&stage, &client, &session, one).await;
    }
    let store = stage.database.grants();
    assert!(store.grant_revoke(OURS, grants[0].id).await.expect("revokes"));
    assert!(!store.grant_revoke(OURS, grants[0].id).await.expect("asks"));
    assert_eq!(stage.beside().rows("authorization_codes"), 2);
    assert_eq!(store.grants_revoke(OURS, SUBJECT, Some(&client.id)).await.expect("revokes"), 1);
    assert_eq!(store.grants_revoke(OURS, "bob", None).await.expect("asks"), 0);
    assert_eq!(store.grants_revoke(OURS, SUBJECT, None).await.expect("revokes"), 1);
    assert_eq!((stage.beside().rows("grants"), stage.beside().rows("authorization_codes")), (0, 0));
}

async fn ending_a_session_names_its_clients_once(stage: Stage) {
    let (client, other) = (registered(&stage, "app").await, registered(&stage, "other").await);
    registered(&stage, "stranger").await;
    let session = login_session();
    for one in [&client, &client, &other] {
        give(&stage, one, &session, &grant(one, session.id)).await;
    }
    let store = stage.database.login_sessions();
    let (id, concerned) = (session.id, [client.id.clone(), other.id.clone()]);
    let read = store.login_session_with_clients(OURS, id).await.expect("reads");
    let clients = [client, other].map(|client| SessionClient { client, subject: "somebody".to_owned() });
    assert_eq!(read, Some(SessionEnded { session, clients: clients.into() }));
    let forgotten = store.login_session_end(OURS, id, &concerned[..1], &[event("ada")]).await.expect("asks");
    assert_eq!(forgotten, SessionEnd::MoreClients);
    assert_eq!((stage.beside().rows("login_sessions"), stage.beside().rows("events")), (1, 0), "nothing was done");
    let outcomes = sixteen_times(|| {
        let (store, told) = (stage.database.login_sessions(), concerned.clone());
        async move { store.login_session_end(OURS, id, &told, &[event("ada")]).await.expect("ends") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == SessionEnd::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == SessionEnd::Gone).count(), 15);
    assert_eq!(stage.beside().rows("events"), 1, "the clients are told once");
    assert_eq!(stage.beside().rows("grants"), 3, "logging out takes nothing back");
}

async fn ending_either_session_ends_the_other(stage: Stage) {
    let client = registered(&stage, "app").await;
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (behind, token) = crate::login::sign_in(&stage, &ada).await;
    let session = LoginSession { identity_session: Some(behind.id), ..login_session() };
    give(&stage, &client, &session, &grant(&client, session.id)).await;
    let find = async || stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads");
    assert!(find().await.expect("is there").session.active);
    stage.database.login_sessions().login_session_end(OURS, session.id, &[client.id], &[]).await.expect("ends");
    assert!(!find().await.expect("is there").session.active);
}

async fn all_sessions_of_a_person_end_together(stage: Stage) {
    let client = registered(&stage, "app").await;
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (behind, _) = crate::login::sign_in(&stage, &ada).await;
    let sessions = [
        login_session(),
        LoginSession { identity_session: Some(behind.id), ..login_session() },
        LoginSession { subject: "bob".to_owned(), ..login_session() },
    ];
    for session in &sessions {
        give(&stage, &client, session, &grant(&client, session.id)).await;
    }
    let store = stage.database.login_sessions();
    for _ in 0..2 {
        store.login_sessions_end(OURS, SUBJECT).await.expect("ends");
    }
    let ended = store.login_sessions_ended(NOW, 10).await.expect("reads");
    assert_eq!(ended.len(), 2);
    assert!(sessions[..2].iter().all(|session| ended.contains(&(OURS, session.id))));
    for (session, goes_on) in sessions.iter().zip([false, false, true]) {
        let found = store.login_session_by_id(OURS, session.id, NOW).await.expect("reads");
        assert_eq!(found.is_some(), goes_on, "{}", session.subject);
    }
    let over = stage.database.sessions().session_by_id(OURS, behind.id).await.expect("reads").expect("is there");
    assert!(!over.session.active);
}

async fn another_project_sees_and_ends_nothing(stage: Stage) {
    let client = registered(&stage, "app").await;
    let session = login_session();
    let one = grant(&client, session.id);
    give(&stage, &client, &session, &one).await;
    let (grants, sessions) = (stage.database.grants(), stage.database.login_sessions());
    assert_eq!(grants.grant_remembered(THEIRS, SUBJECT, &client.id, NOW).await.expect("reads"), None);
    assert_eq!(grants.grant_by_id(THEIRS, one.id).await.expect("reads"), None);
    assert_eq!(grants.grant_newest(THEIRS, SUBJECT, &client.id).await.expect("reads"), None);
    let page = PageRequest::Keyset { size: 5, after: None };
    assert!(grants.grant_list(THEIRS, SUBJECT, None, &page, NOW).await.expect("lists").items.is_empty());
    assert!(!grants.grant_revoke(THEIRS, one.id).await.expect("asks"));
    assert_eq!(grants.grants_revoke(THEIRS, SUBJECT, None).await.expect("asks"), 0);
    assert_eq!(sessions.login_session_by_id(THEIRS, session.id, NOW).await.expect("reads"), None);
    assert_eq!(sessions.login_session_by_token(THEIRS, &[session.token], NOW).await.expect("reads"), None);
    assert_eq!(sessions.login_session_with_clients(THEIRS, session.id).await.expect("asks"), None);
    let ended = sessions.login_session_end(THEIRS, session.id, &[], &[event("ada")]).await.expect("asks");
    assert_eq!((ended, stage.beside().rows("events")), (SessionEnd::Gone, 0));
    sessions.login_sessions_end(THEIRS, SUBJECT).await.expect("asks");
    assert!(sessions.login_sessions_ended(NOW, 10).await.expect("reads").is_empty());
    let (grants, sessions) = (stage.beside().rows("grants"), stage.beside().rows("login_sessions"));
    assert_eq!((grants, sessions), (1, 1));
}
