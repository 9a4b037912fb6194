//! Codes that sign in or sign up: trying one, and using it up with what it leads to.

use orrery_core::id::CodeId;
use orrery_core::{StoreError, TokenHash};
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::{AddressStatus, Identity};
use orrery_identity::store::{CodeSent, CodeTried, Completion, LoginDone, NewCode, RegistrationDone};

use crate::sample::{HOUR, NOW, code, entropy, finished, flow, hash, identity, message, new_session};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_try_is_counted_and_uses_nothing_up,
    guesses_in_parallel_do_not_exceed_the_limit,
    a_login_uses_its_code_and_proves_its_address,
    a_code_signs_in_once_however_many_flows_of_one_try,
    a_replaced_code_signs_nobody_in,
    a_code_signs_nobody_else_in,
    a_registration_uses_its_code,
    a_taken_name_leaves_the_code_unused,
    a_flow_that_is_new_is_stored_with_its_code,
    another_project_sees_nothing,
);

const TRIES: u32 = 5;

struct Sent {
    ada: Identity,
    flow: Flow,
    code: NewCode,
}

/// A code on its way in a flow of this kind. Whose it is, is stored for a login only.
async fn sent(stage: &Stage, kind: FlowKind) -> Sent {
    let ada = identity("ada@example.org");
    if kind == FlowKind::Login {
        stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    }
    let flow = Flow { state: FlowState::SentEmail, identity_id: Some(ada.id), ..flow(kind) };
    let code = code(&flow, &ada);
    let sent =
        CodeSent { flow: flow.clone(), code: code.clone(), message: Some(message("ada@example.org")), marks: None };
    stage.database.flows().flow_create(OURS, &flow).await.expect("creates");
    stage.database.flows().code_send(OURS, &sent).await.expect("sends");
    Sent { ada, flow, code }
}

async fn attempt(stage: &Stage, sent: &Sent, code: TokenHash) -> CodeTried {
    let place = (sent.flow.kind, sent.flow.id);
    stage.database.flows().code_try(OURS, place, &[hash(), code], TRIES, NOW).await.expect("tries")
}

fn login(sent: &Sent, owner: &Identity) -> LoginDone {
    LoginDone {
        flow: finished(&sent.flow),
        session: new_session(owner.id).2,
        upgraded: None,
        clear_attempts: Vec::new(),
        revoke_others: false,
        code: Some(vec![hash(), sent.code.code]),
        proven: sent.code.address.clone(),
        messages: Vec::new(),
        events: Vec::new(),
    }
}

fn registration(sent: &Sent) -> RegistrationDone {
    RegistrationDone {
        flow: finished(&sent.flow),
        identity: sent.ada.clone(),
        session: None,
        code: Some(vec![sent.code.code]),
        verification: None,
        messages: Vec::new(),
        events: Vec::new(),
    }
}

async fn a_try_is_counted_and_uses_nothing_up(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let right = CodeTried::Right { identity: sent.ada.id, address: sent.code.address.clone() };
    assert_eq!(attempt(&stage, &sent, sent.code.code).await, right);
    assert_eq!(attempt(&stage, &sent, sent.code.code).await, right, "nothing is used up");
    for _ in 2..TRIES {
        assert_eq!(attempt(&stage, &sent, hash()).await, CodeTried::Wrong);
    }
    assert_eq!(attempt(&stage, &sent, sent.code.code).await, CodeTried::TooMany);
    let store = stage.database.flows();
    let again =
        async |kind, now| store.code_try(OURS, (kind, sent.flow.id), &[sent.code.code], 99, now).await.expect("tries");
    assert_eq!(again(FlowKind::Login, NOW + HOUR).await, CodeTried::Wrong, "expired");
    assert_eq!(again(FlowKind::Recovery, NOW).await, CodeTried::FlowClosed, "a flow of another kind");
}

async fn guesses_in_parallel_do_not_exceed_the_limit(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let outcomes = sixteen_times(|| {
        let (store, id) = (stage.database.flows(), sent.flow.id);
        async move { store.code_try(OURS, (FlowKind::Login, id), &[hash()], TRIES, NOW).await.expect("tries") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|it| **it == CodeTried::Wrong).count(), TRIES as usize, "{outcomes:?}");
}

async fn a_login_uses_its_code_and_proves_its_address(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let done = login(&sent, &sent.ada);
    assert_eq!(stage.database.flows().login_complete(OURS, &done).await.expect("completes"), Completion::Done);
    let read = stage.database.identities().identity_by_id(OURS, sent.ada.id, &[].into()).await;
    let address = &read.expect("reads").expect("is there").verifiable_addresses[0];
    assert_eq!((address.verified, address.status), (true, AddressStatus::Completed));
    let mut beside = stage.beside();
    assert_eq!((beside.rows("sessions"), beside.rows("flow_codes")), (1, 0));
    assert_eq!(attempt(&stage, &sent, sent.code.code).await, CodeTried::FlowClosed);
}

async fn a_code_signs_in_once_however_many_flows_of_one_try(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.flows(), login(&sent, &sent.ada));
        async move { store.login_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|it| **it == Completion::Done).count(), 1, "{outcomes:?}");
    assert_eq!(stage.beside().rows("sessions"), 1);
}

async fn a_replaced_code_signs_nobody_in(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let newer = NewCode { id: CodeId::generate(&entropy()), code: hash(), ..sent.code.clone() };
    let again = CodeSent { flow: sent.flow.clone(), code: newer, message: None, marks: None };
    stage.database.flows().code_send(OURS, &again).await.expect("sends");
    let store = stage.database.flows();
    let outcome = store.login_complete(OURS, &login(&sent, &sent.ada)).await.expect("answers");
    assert_eq!(outcome, Completion::CodeUsed);
    let read = store.flow_by_id(OURS, FlowKind::Login, sent.flow.id).await.expect("reads");
    assert_eq!(read.expect("is there").completed_at, None, "the flow stays open");
    assert_eq!(stage.beside().rows("sessions"), 0);
}

async fn a_code_signs_nobody_else_in(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let eve = identity("eve@example.org");
    stage.database.identities().identity_create(OURS, &eve).await.expect("creates");
    let outcome = stage.database.flows().login_complete(OURS, &login(&sent, &eve)).await.expect("answers");
    assert_eq!(outcome, Completion::CodeUsed);
    assert_eq!((stage.beside().rows("sessions"), stage.beside().rows("flow_codes")), (0, 1));
}

async fn a_registration_uses_its_code(stage: Stage) {
    let sent = sent(&stage, FlowKind::Registration).await;
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.flows(), registration(&sent));
        async move { store.registration_complete(OURS, &done).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|it| **it == Completion::Done).count(), 1, "{outcomes:?}");
    assert_eq!((stage.beside().rows("identities"), stage.beside().rows("flow_codes")), (1, 0));
    // Without its code nothing is stored.
    let unsent = Sent { flow: flow(FlowKind::Registration), ada: identity("eve@example.org"), ..sent };
    stage.database.flows().flow_create(OURS, &unsent.flow).await.expect("creates");
    let outcome = stage.database.flows().registration_complete(OURS, &registration(&unsent)).await.expect("answers");
    assert_eq!((outcome, stage.beside().rows("identities")), (Completion::CodeUsed, 1));
}

async fn a_taken_name_leaves_the_code_unused(stage: Stage) {
    let taken = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &taken).await.expect("creates");
    let sent = sent(&stage, FlowKind::Registration).await;
    let refused = stage.database.flows().registration_complete(OURS, &registration(&sent)).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    assert_eq!((stage.beside().rows("identities"), stage.beside().rows("flow_codes")), (1, 1));
}

async fn a_flow_that_is_new_is_stored_with_its_code(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = flow(FlowKind::Login);
    let sent = CodeSent {
        flow: flow.clone(),
        code: code(&flow, &ada),
        message: Some(message("ada@example.org")),
        marks: None,
    };
    stage.database.flows().code_send(OURS, &sent).await.expect("sends");
    let mut beside = stage.beside();
    for table in ["flows", "flow_codes", "messages"] {
        assert_eq!(beside.rows(table), 1, "{table}");
    }
}

async fn another_project_sees_nothing(stage: Stage) {
    let sent = sent(&stage, FlowKind::Login).await;
    let store = stage.database.flows();
    let theirs = store.code_try(THEIRS, (FlowKind::Login, sent.flow.id), &[sent.code.code], TRIES, NOW).await;
    assert_eq!(theirs.expect("tries"), CodeTried::FlowClosed);
    let theirs = store.login_complete(THEIRS, &login(&sent, &sent.ada)).await.expect("answers");
    assert_eq!(theirs, Completion::FlowClosed);
    assert!(matches!(attempt(&stage, &sent, sent.code.code).await, CodeTried::Right { .. }), "ours still works");
}
