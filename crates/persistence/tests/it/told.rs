//! Steps of flows write the events that speak of them, or neither; and the exchange of a finished flow for a session token.

use orrery_identity::flow::FlowKind;
use orrery_identity::store::{Exchanged, LoginDone, RecoveryDone, RegistrationDone, SettingsDone, VerifiedChange};

use crate::sample::{HOUR, NOW, event, finished, flow, hash, identity, new_session};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};
use crate::{login, recovery, registration, settings, verification};

on_both_engines!(
    a_flow_begins_with_its_events_or_not_at_all,
    a_login_is_told_of_once,
    a_registration_is_told_of_once,
    a_change_is_told_of_once,
    a_change_that_waited_is_told_of_once,
    a_recovery_is_told_of_once,
    a_verification_is_told_of_once,
    a_finished_flow_is_exchanged_once,
    what_led_to_no_session_is_not_exchanged,
);

async fn a_flow_begins_with_its_events_or_not_at_all(stage: Stage) {
    let (store, flow) = (stage.database.flows(), flow(FlowKind::Login));
    store.flow_begin(OURS, &flow, &[event("a"), event("b")]).await.expect("begins");
    assert_eq!(store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads"), Some(flow.clone()));
    assert_eq!(store.flow_by_id(THEIRS, FlowKind::Login, flow.id).await.expect("reads"), None);
    assert!(store.flow_begin(OURS, &flow, &[event("c")]).await.is_err(), "it has begun already");
    assert_eq!(stage.beside().rows("events"), 2);
}

async fn a_login_is_told_of_once(stage: Stage) {
    let (ada, flow) = (identity("ada@example.org"), flow(FlowKind::Login));
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    stage.database.flows().flow_create(OURS, &flow).await.expect("creates");
    sixteen_times(|| {
        let store = stage.database.flows();
        let done = LoginDone { events: vec![event("ada")], ..login::done(&flow, new_session(ada.id).2) };
        async move { store.login_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_registration_is_told_of_once(stage: Stage) {
    let (ada, flow) = (identity("ada@example.org"), flow(FlowKind::Registration));
    stage.database.flows().flow_create(OURS, &flow).await.expect("creates");
    sixteen_times(|| {
        let store = stage.database.flows();
        let done = RegistrationDone { events: vec![event("ada")], ..registration::done(&flow, &ada) };
        async move { store.registration_complete(OURS, &done).await.is_ok() }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_change_is_told_of_once(stage: Stage) {
    let person = settings::person(&stage).await;
    sixteen_times(|| {
        let store = stage.database.flows();
        let done = SettingsDone { events: vec![event("ada")], ..settings::change(&person, "Ada") };
        async move { store.settings_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_change_that_waited_is_told_of_once(stage: Stage) {
    let (_, change) = settings::waiting(&stage).await;
    sixteen_times(|| {
        let store = stage.database.flows();
        let change = VerifiedChange { events: vec![event("ada")], ..change.clone() };
        async move { store.verified_change(OURS, &change).await.expect("answers") }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_recovery_is_told_of_once(stage: Stage) {
    let sent = recovery::sent(&stage).await;
    sixteen_times(|| {
        let store = stage.database.flows();
        let entering = recovery::entering(&sent, sent.code.code);
        let done = RecoveryDone { events: vec![event("ada")], max_submissions: 100, ..entering };
        async move { store.recovery_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_verification_is_told_of_once(stage: Stage) {
    let sent = verification::sent(&stage).await;
    sixteen_times(|| {
        let store = stage.database.flows();
        let (passed, code) = (finished(&sent.flow), sent.code.code);
        async move {
            let told = [event("ada")];
            store.verification_redeem(OURS, &passed, &[hash(), code], 100, &told, NOW).await.expect("answers")
        }
    })
    .await;
    assert_eq!(stage.beside().rows("events"), 1);
}

async fn a_finished_flow_is_exchanged_once(stage: Stage) {
    let (ada, flow, store) = (identity("ada@example.org"), flow(FlowKind::Login), stage.database.flows());
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    store.flow_create(OURS, &flow).await.expect("creates");
    let place = (FlowKind::Login, flow.id);
    let early = store.flow_exchange(OURS, place, hash(), NOW).await.expect("answers");
    assert_eq!(early, Exchanged::NotReady, "nobody has signed in yet");
    let (session, before, write) = new_session(ada.id);
    let mut done = login::done(&flow, write);
    done.flow.session_id = Some(session.id);
    store.login_complete(OURS, &done).await.expect("completes");
    for (project, kind) in [(THEIRS, FlowKind::Login), (OURS, FlowKind::Registration)] {
        let other = store.flow_exchange(project, (kind, flow.id), hash(), NOW).await.expect("answers");
        assert_eq!(other, Exchanged::NotReady);
    }
    let sessions = stage.database.sessions();
    assert!(sessions.session_by_token(OURS, &[before]).await.expect("reads").is_some());
    let outcomes = sixteen_times(|| {
        let (store, token) = (stage.database.flows(), hash());
        async move { (token, store.flow_exchange(OURS, place, token, NOW).await.expect("answers")) }
    })
    .await;
    let won: Vec<_> = outcomes.iter().filter(|(_, outcome)| *outcome != Exchanged::NotReady).collect();
    let [(token, Exchanged::Session(won))] = won.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!(won.session.id, session.id);
    let by_token = async |token| sessions.session_by_token(OURS, &[token]).await.expect("reads");
    assert_eq!(by_token(*token).await.map(|found| found.session.id), Some(session.id));
    assert!(by_token(before).await.is_none(), "nobody knows the old token any more, a cache least of all");
}

async fn what_led_to_no_session_is_not_exchanged(stage: Stage) {
    let (ada, store) = (identity("ada@example.org"), stage.database.flows());
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (without, late) = (flow(FlowKind::Login), flow(FlowKind::Login));
    for flow in [&without, &late] {
        store.flow_create(OURS, flow).await.expect("creates");
    }
    store.login_complete(OURS, &login::done(&without, new_session(ada.id).2)).await.expect("completes");
    let (session, _, write) = new_session(ada.id);
    let mut done = login::done(&late, write);
    done.flow.session_id = Some(session.id);
    store.login_complete(OURS, &done).await.expect("completes");
    for (flow, now) in [(&without, NOW), (&late, session.expires_at), (&late, session.expires_at + HOUR)] {
        let exchanged = store.flow_exchange(OURS, (FlowKind::Login, flow.id), hash(), now).await.expect("answers");
        assert_eq!(exchanged, Exchanged::NotReady);
        let kept = store.flow_by_id(OURS, FlowKind::Login, flow.id).await.expect("reads");
        assert!(kept.is_some(), "what is not exchanged is left alone");
    }
}
