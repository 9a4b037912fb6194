//! Completing a login.

use orrery_core::TokenHash;
use orrery_identity::credentials::CredentialKind;
use orrery_identity::flow::FlowKind;
use orrery_identity::identity::{Identity, IdentityState};
use orrery_identity::session::{Aal, Session};
use orrery_identity::store::{Completion, LoginDone, SessionWrite};
use serde_json::json;

use crate::sample::{HOUR, NOW, finished, flow, hash, identity, message, new_session};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    everything_is_written_at_once,
    a_flow_completes_once,
    a_flow_completes_once_however_many_try,
    a_disabled_identity_gets_no_session,
    renewing_keeps_the_token,
    a_revoked_session_is_not_renewed,
    a_hash_that_was_changed_meanwhile_is_not_overwritten,
    another_project_cannot_complete,
);

pub(crate) fn done(flow: &orrery_identity::flow::Flow, session: SessionWrite) -> LoginDone {
    LoginDone {
        flow: finished(flow),
        session,
        upgraded: None,
        clear_attempts: Vec::new(),
        revoke_others: false,
        code: None,
        proven: None,
        messages: Vec::new(),
        events: Vec::new(),
    }
}

/// Completes a fresh login flow.
pub(crate) async fn complete(stage: &Stage, session: SessionWrite) -> Completion {
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    store.login_complete(OURS, &done(&flow, session)).await.expect("completes")
}

/// Signs the identity in.
pub(crate) async fn sign_in(stage: &Stage, identity: &Identity) -> (Session, TokenHash) {
    let (session, token, write) = new_session(identity.id);
    assert_eq!(complete(stage, write).await, Completion::Done);
    (session, token)
}

async fn person(stage: &Stage) -> Identity {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    ada
}

async fn everything_is_written_at_once(stage: Stage) {
    let ada = person(&stage).await;
    let (_, elsewhere) = sign_in(&stage, &ada).await;
    let door = hash();
    stage.database.attempts().attempt_failed(OURS, &crate::attempt::failed(door, NOW)).await.expect("counts");
    let mut stronger = ada.credentials[&CredentialKind::Password].clone();
    let read_at = stronger.updated_at;
    (stronger.config, stronger.updated_at) = (json!({"hashed_password": "stronger"}), NOW + HOUR);

    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let (session, token, write) = new_session(ada.id);
    let queued = message("ada@example.org");
    let done = LoginDone {
        upgraded: Some((stronger.clone(), read_at)),
        clear_attempts: vec![door],
        revoke_others: true,
        messages: vec![queued.clone()],
        ..done(&flow, write)
    };
    assert_eq!(store.login_complete(OURS, &done).await.expect("completes"), Completion::Done);

    let sessions = stage.database.sessions();
    let read = sessions.session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert_eq!((&read.session, read.identity.id), (&session, ada.id));
    let other = sessions.session_by_token(OURS, &[elsewhere]).await.expect("reads").expect("is there");
    assert!(!other.session.active, "other sessions are revoked");
    assert_eq!(store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads"), Some(done.flow));
    assert_eq!(stage.database.attempts().attempts(OURS, door).await.expect("reads"), None);
    assert!(stage.database.messages().message_find(OURS, queued.id).await.expect("reads").is_some());
    let owner = stage.database.identities().identity_by_id(OURS, ada.id, &[CredentialKind::Password].into()).await;
    let owner = owner.expect("reads").expect("is there");
    assert_eq!(owner.credentials[&CredentialKind::Password], stronger);
}

async fn a_flow_completes_once(stage: Stage) {
    let ada = person(&stage).await;
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    let (_, _, first) = new_session(ada.id);
    let absent = store.login_complete(OURS, &done(&flow, first.clone())).await.expect("answers");
    assert_eq!(absent, Completion::FlowClosed, "a flow that is not there cannot be completed");
    store.flow_create(OURS, &flow).await.expect("creates");
    assert_eq!(store.login_complete(OURS, &done(&flow, first)).await.expect("completes"), Completion::Done);
    let (_, token, second) = new_session(ada.id);
    assert_eq!(store.login_complete(OURS, &done(&flow, second)).await.expect("answers"), Completion::FlowClosed);
    let session = stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads");
    assert_eq!(session, None);
}

async fn a_flow_completes_once_however_many_try(stage: Stage) {
    let ada = person(&stage).await;
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let outcomes = sixteen_times(|| {
        let (_, _, session) = new_session(ada.id);
        let (store, done) = (store.clone(), done(&flow, session));
        async move { store.login_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Completion::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Completion::FlowClosed).count(), 15);
    assert_eq!(stage.beside().rows("sessions"), 1);
}

async fn a_disabled_identity_gets_no_session(stage: Stage) {
    let mut ada = identity("ada@example.org");
    ada.state = IdentityState::Inactive;
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let (_, _, session) = new_session(ada.id);
    assert_eq!(store.login_complete(OURS, &done(&flow, session)).await.expect("answers"), Completion::Inactive);
    let read = store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads");
    assert_eq!(read, Some(flow), "the flow stays open");
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn renewing_keeps_the_token(stage: Stage) {
    let ada = person(&stage).await;
    let (before, token) = sign_in(&stage, &ada).await;
    let renewed = Session { aal: Aal::Aal2, authenticated_at: NOW + HOUR, expires_at: NOW + HOUR * 30, ..before };
    assert_eq!(complete(&stage, SessionWrite::Renew(renewed.clone())).await, Completion::Done);
    let read = stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads");
    assert_eq!(read.map(|read| read.session.clone()), Some(renewed));
}

async fn a_revoked_session_is_not_renewed(stage: Stage) {
    let ada = person(&stage).await;
    let (session, token) = sign_in(&stage, &ada).await;
    let sessions = stage.database.sessions();
    assert!(sessions.session_revoke(OURS, session.id).await.expect("revokes"));
    assert_eq!(complete(&stage, SessionWrite::Renew(session)).await, Completion::Inactive);
    let read = sessions.session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert!(!read.session.active);
}

async fn a_hash_that_was_changed_meanwhile_is_not_overwritten(stage: Stage) {
    let ada = person(&stage).await;
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let mut stronger = ada.credentials[&CredentialKind::Password].clone();
    stronger.config = json!({"hashed_password": "of the old password"});
    let (_, _, session) = new_session(ada.id);
    let done = LoginDone { upgraded: Some((stronger, NOW - HOUR)), ..done(&flow, session) };
    assert_eq!(store.login_complete(OURS, &done).await.expect("completes"), Completion::Done);
    let owner = stage.database.identities().identity_by_id(OURS, ada.id, &[CredentialKind::Password].into()).await;
    assert_eq!(owner.expect("reads").expect("is there").credentials, ada.credentials);
}

async fn another_project_cannot_complete(stage: Stage) {
    let ada = person(&stage).await;
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let (_, _, session) = new_session(ada.id);
    let outcome = store.login_complete(THEIRS, &done(&flow, session.clone())).await.expect("answers");
    assert_eq!(outcome, Completion::FlowClosed);
    // A flow of their own does not open our identity.
    let theirs = crate::sample::flow(FlowKind::Login);
    store.flow_create(THEIRS, &theirs).await.expect("creates");
    let outcome = store.login_complete(THEIRS, &done(&theirs, session)).await.expect("answers");
    assert_eq!(outcome, Completion::Inactive);
    assert_eq!(stage.beside().rows("sessions"), 0);
}
