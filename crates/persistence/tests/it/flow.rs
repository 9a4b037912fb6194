//! Storing and reading flows.

use orrery_core::id::{FlowErrorId, FlowId};
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::store::{FlowAndSession, Updated};
use serde_json::json;

use crate::sample::{HOUR, NOW, entropy, finished, flow, hash, identity};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines};

on_both_engines!(
    what_is_created_is_read_back,
    a_submit_reads_flow_and_session_together,
    an_update_changes_an_open_flow_only,
    a_failed_attempt_is_counted_even_when_the_flow_is_closed,
    an_error_is_read_back,
);

async fn what_is_created_is_read_back(stage: Stage) {
    let store = stage.database.flows();
    for kind in
        [FlowKind::Login, FlowKind::Registration, FlowKind::Settings, FlowKind::Recovery, FlowKind::Verification]
    {
        let flow = flow(kind);
        store.flow_create(OURS, &flow).await.expect("creates");
        assert_eq!(store.flow_by_id(OURS, kind, flow.id).await.expect("reads").as_ref(), Some(&flow));
        assert_eq!(store.flow_by_id(THEIRS, kind, flow.id).await.expect("reads"), None);
        let other = if kind == FlowKind::Login { FlowKind::Settings } else { FlowKind::Login };
        assert_eq!(store.flow_by_id(OURS, other, flow.id).await.expect("reads"), None, "of another kind");
    }
}

async fn a_submit_reads_flow_and_session_together(stage: Stage) {
    let store = stage.database.flows();
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (session, token) = crate::login::sign_in(&stage, &ada).await;
    let flow = flow(FlowKind::Login);
    store.flow_create(OURS, &flow).await.expect("creates");
    let unknown = FlowId::generate(&entropy());

    for (project, id, token, has_flow, has_session) in [
        (OURS, flow.id, vec![token], true, true),
        (OURS, flow.id, vec![hash(), token], true, true),
        (OURS, flow.id, vec![hash()], true, false),
        (OURS, flow.id, vec![], true, false),
        (OURS, unknown, vec![token], false, true),
        (OURS, unknown, vec![hash()], false, false),
        (THEIRS, flow.id, vec![token], false, false),
    ] {
        let read = store.flow_with_session(project, FlowKind::Login, id, &token).await.expect("reads");
        let expected = FlowAndSession {
            flow: has_flow.then(|| flow.clone()),
            session: stage.database.sessions().session_by_id(OURS, session.id).await.expect("reads"),
        };
        assert_eq!(read.flow, expected.flow);
        assert_eq!(read.session, if has_session { expected.session } else { None });
    }
}

async fn an_update_changes_an_open_flow_only(stage: Stage) {
    let store = stage.database.flows();
    let mut flow = flow(FlowKind::Login);
    assert_eq!(store.flow_update(OURS, &flow, None).await.expect("answers"), Updated::Unknown);
    store.flow_create(OURS, &flow).await.expect("creates");
    (flow.state, flow.context, flow.updated_at) = (FlowState::SentEmail, json!({"step": 2}), NOW + HOUR);
    (flow.active, flow.return_to, flow.transient_payload) = (None, None, None);
    assert_eq!(store.flow_update(THEIRS, &flow, None).await.expect("answers"), Updated::Unknown);
    assert_eq!(store.flow_update(OURS, &flow, None).await.expect("updates"), Updated::Done);
    assert_eq!(store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads").as_ref(), Some(&flow));

    let closed = finished(&flow);
    assert_eq!(store.flow_update(OURS, &closed, None).await.expect("updates"), Updated::Done);
    assert_eq!(store.flow_update(OURS, &flow, None).await.expect("answers"), Updated::Stale);
    assert_eq!(store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads"), Some(closed));
}

async fn a_failed_attempt_is_counted_even_when_the_flow_is_closed(stage: Stage) {
    let store = stage.database.flows();
    let flow = flow(FlowKind::Login);
    store.flow_create(OURS, &flow).await.expect("creates");
    let door = hash();
    let failed = crate::attempt::failed(door, NOW);
    store.flow_update(OURS, &flow, Some(&failed)).await.expect("updates");
    store.flow_update(OURS, &finished(&flow), Some(&failed)).await.expect("updates");
    let stale = store.flow_update(OURS, &flow, Some(&failed)).await.expect("answers");
    assert_eq!(stale, Updated::Stale);
    let counted = stage.database.attempts().attempts(OURS, door).await.expect("reads").expect("counted");
    assert_eq!(counted.failures, 3);
    let elsewhere = Flow { id: FlowId::generate(&entropy()), ..flow };
    store.flow_update(THEIRS, &elsewhere, Some(&failed)).await.expect("answers");
    let ours = stage.database.attempts().attempts(OURS, door).await.expect("reads").expect("counted");
    assert_eq!(ours.failures, 3);
}

async fn an_error_is_read_back(stage: Stage) {
    let store = stage.database.flows();
    let (id, error) = (FlowErrorId::generate(&entropy()), json!({"code": 403, "reason": "no"}));
    store.flow_error_create(OURS, id, &error, NOW).await.expect("creates");
    assert_eq!(store.flow_error_by_id(OURS, id).await.expect("reads"), Some((error, NOW)));
    assert_eq!(store.flow_error_by_id(THEIRS, id).await.expect("reads"), None);
}
