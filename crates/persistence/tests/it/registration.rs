//! Completing a registration.

use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_identity::credentials::CredentialKind;
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::Identity;
use orrery_identity::store::{Completion, RegistrationDone};

use crate::sample::{code, finished, flow, identity, message, new_session};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    everything_is_written_at_once,
    a_taken_identifier_leaves_the_flow_open,
    a_flow_registers_once_however_many_try,
    an_identifier_is_registered_once_however_many_flows_try,
    another_project_cannot_complete,
);

/// Everything that a registration can write.
pub(crate) fn done(flow: &Flow, identity: &Identity) -> RegistrationDone {
    let verification = Flow { state: FlowState::SentEmail, ..crate::sample::flow(FlowKind::Verification) };
    let code = code(&verification, identity);
    RegistrationDone {
        flow: finished(flow),
        identity: identity.clone(),
        session: Some(new_session(identity.id).2),
        code: None,
        verification: Some((verification, code)),
        messages: vec![message("ada@example.org")],
        events: Vec::new(),
    }
}

async fn everything_is_written_at_once(stage: Stage) {
    let (flow, ada) = (flow(FlowKind::Registration), identity("ada@example.org"));
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let done = done(&flow, &ada);
    assert_eq!(store.registration_complete(OURS, &done).await.expect("completes"), Completion::Done);

    let read = stage.database.identities().identity_by_id(OURS, ada.id, &CredentialKind::ALL.into()).await;
    let read = read.expect("reads").expect("is there");
    assert_eq!(read.credentials, ada.credentials);
    assert_eq!(read.verifiable_addresses, ada.verifiable_addresses);
    let (verification, _) = done.verification.expect("given");
    assert_eq!(
        store.flow_by_id(OURS, FlowKind::Verification, verification.id).await.expect("reads"),
        Some(verification)
    );
    let mut beside = stage.beside();
    for table in ["sessions", "flow_codes", "messages"] {
        assert_eq!(beside.rows(table), 1, "{table}");
    }
}

async fn a_taken_identifier_leaves_the_flow_open(stage: Stage) {
    let taken = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &taken).await.expect("creates");
    let (flow, ada) = (flow(FlowKind::Registration), identity("ada@example.org"));
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let refused = store.registration_complete(OURS, &done(&flow, &ada)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::CredentialIdentifier))), "{refused:?}");
    assert_eq!(store.flow_by_id(OURS, FlowKind::Registration, flow.id).await.expect("reads"), Some(flow));
    let mut beside = stage.beside();
    for (table, rows) in [("identities", 1), ("sessions", 0), ("flows", 1), ("flow_codes", 0), ("messages", 0)] {
        assert_eq!(beside.rows(table), rows, "{table}");
    }
}

async fn a_flow_registers_once_however_many_try(stage: Stage) {
    let flow = flow(FlowKind::Registration);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let number = std::sync::atomic::AtomicU32::new(0);
    let outcomes = sixteen_times(|| {
        // Different people, so that only the flow stands between them.
        let email = format!("{}@example.org", number.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let (store, done) = (store.clone(), done(&flow, &identity(&email)));
        async move { store.registration_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Completion::Done).count(), 1);
    assert_eq!(stage.beside().rows("identities"), 1);
    assert_eq!(stage.beside().rows("messages"), 1);
}

async fn an_identifier_is_registered_once_however_many_flows_try(stage: Stage) {
    let store = stage.database.flows();
    let outcomes = sixteen_times(|| {
        let (store, flow) = (store.clone(), flow(FlowKind::Registration));
        async move {
            store.flow_create(OURS, &flow).await.expect("creates");
            match store.registration_complete(OURS, &done(&flow, &identity("ada@example.org"))).await {
                Ok(Completion::Done) => true,
                Err(StoreError::Conflict(_)) => false,
                other => panic!("neither stored nor taken: {other:?}"),
            }
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|won| **won).count(), 1);
    assert_eq!(stage.beside().rows("identities"), 1);
    assert_eq!(stage.beside().rows("sessions"), 1);
}

async fn another_project_cannot_complete(stage: Stage) {
    let (flow, ada) = (flow(FlowKind::Registration), identity("ada@example.org"));
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let outcome = store.registration_complete(THEIRS, &done(&flow, &ada)).await.expect("answers");
    assert_eq!(outcome, Completion::FlowClosed);
    assert_eq!(stage.beside().rows("identities"), 0);
}
