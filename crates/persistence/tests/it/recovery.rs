//! Sending and entering recovery codes.

use orrery_core::TokenHash;
use orrery_core::id::CodeId;
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::{Identity, IdentityState, Via};
use orrery_identity::store::{CodeSent, NewCode, Recovery, RecoveryDone, Updated};

use crate::sample::{HOUR, NOW, code, entropy, finished, flow, hash, identity, message, new_session};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    the_right_code_signs_in_verifies_and_begins_the_settings,
    a_code_is_used_once_however_many_enter_it,
    wrong_codes_are_counted_up_to_the_limit,
    guesses_in_parallel_do_not_exceed_the_limit,
    an_expired_code_does_not_work,
    a_code_for_nobody_never_matches_and_costs_the_same,
    a_code_opens_no_other_account,
    a_disabled_account_stays_closed,
    a_passed_flow_sends_no_more_codes,
    names_and_addresses_find_their_identity,
    another_project_sees_nothing,
);

const TRIES: u32 = 5;

pub(crate) struct Sent {
    pub(crate) ada: Identity,
    pub(crate) flow: Flow,
    pub(crate) code: NewCode,
}

async fn send(stage: &Stage, flow: &Flow, code: &NewCode, to: Option<&str>) -> Updated {
    let sent = CodeSent { flow: flow.clone(), code: code.clone(), message: to.map(message), marks: None };
    stage.database.flows().code_send(OURS, &sent).await.expect("sends")
}

pub(crate) async fn sent(stage: &Stage) -> Sent {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = Flow { state: FlowState::SentEmail, identity_id: Some(ada.id), ..flow(FlowKind::Recovery) };
    stage.database.flows().flow_create(OURS, &flow).await.expect("creates");
    let code = code(&flow, &ada);
    assert_eq!(send(stage, &flow, &code, Some("ada@example.org")).await, Updated::Done);
    Sent { ada, flow, code }
}

pub(crate) fn entering(sent: &Sent, code: TokenHash) -> RecoveryDone {
    let (_, _, session) = new_session(sent.ada.id);
    RecoveryDone {
        flow: finished(&sent.flow),
        codes: vec![hash(), code],
        max_submissions: TRIES,
        session,
        settings: Flow { state: FlowState::ShowForm, identity_id: Some(sent.ada.id), ..flow(FlowKind::Settings) },
        revoke_others: false,
        events: Vec::new(),
    }
}

async fn enter(stage: &Stage, done: &RecoveryDone) -> Recovery {
    stage.database.flows().recovery_complete(OURS, done).await.expect("enters")
}

async fn read(stage: &Stage, ada: &Identity) -> Identity {
    let read = stage.database.identities().identity_by_id(OURS, ada.id, &[].into()).await;
    read.expect("reads").expect("is there")
}

async fn the_right_code_signs_in_verifies_and_begins_the_settings(stage: Stage) {
    let sent = sent(&stage).await;
    let (elsewhere, _) = crate::login::sign_in(&stage, &sent.ada).await;
    let done = RecoveryDone { revoke_others: true, ..entering(&sent, sent.code.code) };
    assert_eq!(enter(&stage, &done).await, Recovery::Done);
    assert!(read(&stage, &sent.ada).await.verifiable_addresses[0].verified);
    let store = stage.database.flows();
    assert!(store.flow_by_id(OURS, FlowKind::Settings, done.settings.id).await.expect("reads").is_some());
    let over = store.flow_by_id(OURS, FlowKind::Recovery, sent.flow.id).await.expect("reads").expect("is there");
    assert!(over.completed_at.is_some());
    let before = stage.database.sessions().session_by_id(OURS, elsewhere.id).await.expect("reads").expect("is there");
    assert!(!before.session.active);
    assert_eq!((stage.beside().rows("sessions"), stage.beside().rows("flow_codes")), (2, 0));
    assert_eq!(enter(&stage, &done).await, Recovery::FlowClosed);
}

async fn a_code_is_used_once_however_many_enter_it(stage: Stage) {
    let sent = sent(&stage).await;
    let outcomes = sixteen_times(|| {
        let (store, done) =
            (stage.database.flows(), RecoveryDone { max_submissions: 100, ..entering(&sent, sent.code.code) });
        async move { store.recovery_complete(OURS, &done).await.expect("asks") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Recovery::Done).count(), 1, "{outcomes:?}");
    assert_eq!(stage.beside().rows("sessions"), 1);
}

async fn wrong_codes_are_counted_up_to_the_limit(stage: Stage) {
    let sent = sent(&stage).await;
    for _ in 0..TRIES {
        assert_eq!(enter(&stage, &entering(&sent, hash())).await, Recovery::Wrong);
    }
    assert_eq!(enter(&stage, &entering(&sent, sent.code.code)).await, Recovery::TooMany);
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn guesses_in_parallel_do_not_exceed_the_limit(stage: Stage) {
    let sent = sent(&stage).await;
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.flows(), entering(&sent, hash()));
        async move { store.recovery_complete(OURS, &done).await.expect("asks") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Recovery::Wrong).count(), TRIES as usize, "{outcomes:?}");
}

async fn an_expired_code_does_not_work(stage: Stage) {
    let sent = sent(&stage).await;
    let mut late = entering(&sent, sent.code.code);
    late.flow.updated_at = NOW + HOUR;
    assert_eq!(enter(&stage, &late).await, Recovery::Wrong);
}

async fn a_code_for_nobody_never_matches_and_costs_the_same(stage: Stage) {
    let sent = sent(&stage).await;
    let cost = async |code: NewCode, to: Option<&'static str>| {
        let before = stage.database.statements();
        assert_eq!(send(&stage, &sent.flow, &code, to).await, Updated::Done);
        stage.database.statements() - before
    };
    let somebody =
        cost(NewCode { id: CodeId::generate(&entropy()), ..sent.code.clone() }, Some("ada@example.org")).await;
    let nobody = NewCode { id: CodeId::generate(&entropy()), identity: None, address: None, ..sent.code.clone() };
    let nobodys = cost(nobody, None).await;
    assert_eq!((somebody.writes, somebody.commits), (nobodys.writes, nobodys.commits));
    assert_eq!(enter(&stage, &entering(&sent, sent.code.code)).await, Recovery::Wrong);
    assert_eq!(stage.beside().rows("messages"), 2, "nothing was sent to nobody");
}

async fn a_code_opens_no_other_account(stage: Stage) {
    let sent = sent(&stage).await;
    let eve = identity("eve@example.org");
    stage.database.identities().identity_create(OURS, &eve).await.expect("creates");
    let (_, _, session) = new_session(eve.id);
    let done = RecoveryDone { session, ..entering(&sent, sent.code.code) };
    assert_eq!(enter(&stage, &done).await, Recovery::Wrong);
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn a_disabled_account_stays_closed(stage: Stage) {
    let sent = sent(&stage).await;
    let mut ada = read(&stage, &sent.ada).await;
    ada.state = IdentityState::Inactive;
    stage.database.identities().identity_update(OURS, &ada, &[].into()).await.expect("updates");
    assert_eq!(enter(&stage, &entering(&sent, sent.code.code)).await, Recovery::Inactive);
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn a_passed_flow_sends_no_more_codes(stage: Stage) {
    let sent = sent(&stage).await;
    assert_eq!(enter(&stage, &entering(&sent, sent.code.code)).await, Recovery::Done);
    let again = NewCode { id: CodeId::generate(&entropy()), ..sent.code.clone() };
    assert_eq!(send(&stage, &sent.flow, &again, Some("ada@example.org")).await, Updated::Stale);
}

async fn names_and_addresses_find_their_identity(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let store = stage.database.flows();
    let by =
        async |text: &str| store.recoverable(OURS, &[text.to_owned()]).await.expect("asks").map(|identity| identity.id);
    let name = ada.credentials.values().flat_map(|it| &it.identifiers).next().expect("a name").clone();
    assert_eq!(by(&name).await, Some(ada.id));
    assert_eq!(by("nobody@example.org").await, None);
    for address in &ada.recovery_addresses {
        let found = store.recovery_address(OURS, address.via, &address.value).await.expect("asks");
        assert_eq!(found.map(|identity| identity.id), Some(ada.id));
        assert_eq!(by(&address.value).await, Some(ada.id));
    }
    assert!(store.recovery_address(OURS, Via::Email, "nobody@example.org").await.expect("asks").is_none());
}

async fn another_project_sees_nothing(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let done = entering(&sent, sent.code.code);
    assert_eq!(store.recovery_complete(THEIRS, &done).await.expect("asks"), Recovery::FlowClosed);
    assert!(store.recovery_address(THEIRS, Via::Email, "ada@example.org").await.expect("asks").is_none());
    assert!(store.recoverable(THEIRS, &["ada@example.org".to_owned()]).await.expect("asks").is_none());
    let theirs = NewCode { identity: None, address: None, ..sent.code.clone() };
    let theirs = CodeSent { flow: sent.flow.clone(), code: theirs, message: None, marks: None };
    assert_eq!(store.code_send(THEIRS, &theirs).await.expect("sends"), Updated::Done, "a flow of their own");
    assert_eq!(enter(&stage, &done).await, Recovery::Done, "ours still works");
}
