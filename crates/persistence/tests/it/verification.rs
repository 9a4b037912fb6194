//! Sending and entering verification codes.

use orrery_core::ProjectId;
use orrery_core::id::CodeId;
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::{AddressStatus, Identity, Via};
use orrery_identity::store::{CodeSent, NewCode, Redeemed, Updated};

use crate::sample::{HOUR, NOW, code, entropy, finished, flow, hash, identity, message};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    the_right_code_verifies_the_address,
    a_code_is_used_once_however_many_enter_it,
    wrong_codes_are_counted_up_to_the_limit,
    guesses_in_parallel_do_not_exceed_the_limit,
    an_expired_code_and_an_earlier_code_do_not_work,
    a_code_for_an_unknown_address_never_matches,
    a_code_for_a_changed_address_does_not_work,
    a_verified_address_stays_verified_when_a_code_is_sent,
    a_passed_flow_sends_no_more_codes,
    an_address_finds_its_identity,
    whether_a_code_fits_is_told_without_using_it,
    another_project_sees_neither_flow_nor_code_nor_address,
);

const TRIES: u32 = 5;

pub(crate) struct Sent {
    pub(crate) ada: Identity,
    pub(crate) flow: Flow,
    pub(crate) code: NewCode,
}

pub(crate) async fn sent(stage: &Stage) -> Sent {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = Flow { state: FlowState::SentEmail, ..flow(FlowKind::Verification) };
    let code = code(&flow, &ada);
    assert_eq!(send(stage, OURS, &flow, &code).await, Updated::Done);
    Sent { ada, flow, code }
}

async fn send(stage: &Stage, project: ProjectId, flow: &Flow, code: &NewCode) -> Updated {
    let (flow, code, marks) = (flow.clone(), code.clone(), code.address.clone());
    let message = code.address.as_ref().map(|(_, address)| message(address));
    stage.database.flows().code_send(project, &CodeSent { flow, code, message, marks }).await.expect("sends")
}

async fn read(stage: &Stage, sent: &Sent) -> Identity {
    let read = stage.database.identities().identity_by_id(OURS, sent.ada.id, &[].into()).await;
    read.expect("reads").expect("is there")
}

async fn the_right_code_verifies_the_address(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    assert_eq!(read(&stage, &sent).await.verifiable_addresses[0].status, AddressStatus::Sent);
    assert_eq!(stage.beside().rows("messages"), 1);

    let (passed, later) = (finished(&sent.flow), NOW + HOUR / 2);
    // The second hash stands for an older secret.
    let redeemed = store.verification_redeem(OURS, &passed, &[hash(), sent.code.code], TRIES, &[], later).await;
    let Redeemed::Done { identity, address } = redeemed.expect("redeems") else { panic!("not accepted") };
    assert_eq!((identity, address.verified, address.verified_at), (sent.ada.id, true, Some(later)));
    let owner = read(&stage, &sent).await;
    assert_eq!(owner.verifiable_addresses, [address]);
    assert!(owner.version > sent.ada.version, "a concurrent update must not undo the proof");
    let flow = store.flow_by_id(OURS, FlowKind::Verification, sent.flow.id).await.expect("reads");
    assert_eq!(flow, Some(Flow { submissions: 1, ..passed.clone() }));

    let again = store.verification_redeem(OURS, &passed, &[sent.code.code], TRIES, &[], later).await.expect("answers");
    assert_eq!(again, Redeemed::FlowClosed);
}

async fn whether_a_code_fits_is_told_without_using_it(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let fits = async |project, codes: &[_], now| {
        store.verification_code_fits(project, sent.flow.id, codes, now).await.expect("answers")
    };
    assert!(fits(OURS, &[hash(), sent.code.code], NOW).await);
    assert!(!fits(OURS, &[hash()], NOW).await);
    assert!(!fits(OURS, &[sent.code.code], sent.code.expires_at).await, "too late");
    assert!(!fits(THEIRS, &[sent.code.code], NOW).await);
    let redeemed = store.verification_redeem(OURS, &finished(&sent.flow), &[sent.code.code], TRIES, &[], NOW).await;
    assert!(matches!(redeemed, Ok(Redeemed::Done { .. })), "asking used nothing up");
    assert!(!fits(OURS, &[sent.code.code], NOW).await, "it was used");
}

async fn a_code_is_used_once_however_many_enter_it(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let outcomes = sixteen_times(|| {
        let (store, passed, code) = (store.clone(), finished(&sent.flow), sent.code.code);
        async move { store.verification_redeem(OURS, &passed, &[code], 100, &[], NOW).await.expect("answers") }
    })
    .await;
    let done = outcomes.iter().filter(|outcome| matches!(outcome, Redeemed::Done { .. })).count();
    let closed = outcomes.iter().filter(|outcome| **outcome == Redeemed::FlowClosed).count();
    assert_eq!((done, closed), (1, 15));
}

async fn wrong_codes_are_counted_up_to_the_limit(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let passed = finished(&sent.flow);
    for _ in 0..TRIES {
        let wrong = store.verification_redeem(OURS, &passed, &[hash()], TRIES, &[], NOW).await.expect("answers");
        assert_eq!(wrong, Redeemed::Wrong);
    }
    let right = store.verification_redeem(OURS, &passed, &[sent.code.code], TRIES, &[], NOW).await.expect("answers");
    assert_eq!(right, Redeemed::TooMany, "even the right code comes too late");
    assert!(!read(&stage, &sent).await.verifiable_addresses[0].verified);
    // Storing the flow does not give the tries back.
    assert_eq!(store.flow_update(OURS, &sent.flow, None).await.expect("updates"), Updated::Done);
    let right = store.verification_redeem(OURS, &passed, &[sent.code.code], TRIES, &[], NOW).await.expect("answers");
    assert_eq!(right, Redeemed::TooMany);
}

async fn guesses_in_parallel_do_not_exceed_the_limit(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let outcomes = sixteen_times(|| {
        let (store, passed) = (store.clone(), finished(&sent.flow));
        async move { store.verification_redeem(OURS, &passed, &[hash()], TRIES, &[], NOW).await.expect("answers") }
    })
    .await;
    let compared = outcomes.iter().filter(|outcome| **outcome == Redeemed::Wrong).count();
    let refused = outcomes.iter().filter(|outcome| **outcome == Redeemed::TooMany).count();
    assert_eq!((compared, refused), (5, 11));
}

async fn an_expired_code_and_an_earlier_code_do_not_work(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let passed = finished(&sent.flow);
    let late = store.verification_redeem(OURS, &passed, &[sent.code.code], 100, &[], sent.code.expires_at).await;
    assert_eq!(late.expect("answers"), Redeemed::Wrong);
    let newer = NewCode { id: CodeId::generate(&entropy()), code: hash(), ..sent.code.clone() };
    assert_eq!(send(&stage, OURS, &sent.flow, &newer).await, Updated::Done);
    let earlier = store.verification_redeem(OURS, &passed, &[sent.code.code], 100, &[], NOW).await.expect("answers");
    assert_eq!(earlier, Redeemed::Wrong);
    let newest = store.verification_redeem(OURS, &passed, &[newer.code], 100, &[], NOW).await.expect("answers");
    assert!(matches!(newest, Redeemed::Done { .. }));
}

async fn a_code_for_an_unknown_address_never_matches(stage: Stage) {
    let flow = flow(FlowKind::Verification);
    let code = NewCode { identity: None, address: None, ..code(&flow, &identity("nobody@example.org")) };
    let store = stage.database.flows();
    assert_eq!(send(&stage, OURS, &flow, &code).await, Updated::Done);
    let redeemed = store.verification_redeem(OURS, &finished(&flow), &[code.code], TRIES, &[], NOW).await;
    assert_eq!(redeemed.expect("answers"), Redeemed::Wrong);
}

async fn a_code_for_a_changed_address_does_not_work(stage: Stage) {
    let sent = sent(&stage).await;
    let mut moved = read(&stage, &sent).await;
    moved.verifiable_addresses[0].value = "new@example.org".to_owned();
    let identities = stage.database.identities();
    assert_eq!(identities.identity_update(OURS, &moved, &[].into()).await.expect("updates"), Updated::Done);
    let store = stage.database.flows();
    let redeemed = store.verification_redeem(OURS, &finished(&sent.flow), &[sent.code.code], TRIES, &[], NOW).await;
    assert_eq!(redeemed.expect("answers"), Redeemed::Wrong);
    assert!(!read(&stage, &sent).await.verifiable_addresses[0].verified);
}

async fn a_verified_address_stays_verified_when_a_code_is_sent(stage: Stage) {
    let mut ada = identity("ada@example.org");
    let address = &mut ada.verifiable_addresses[0];
    (address.verified, address.status, address.verified_at) = (true, AddressStatus::Completed, Some(NOW));
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = flow(FlowKind::Verification);
    send(&stage, OURS, &flow, &code(&flow, &ada)).await;
    let read = stage.database.identities().identity_by_id(OURS, ada.id, &[].into()).await;
    assert_eq!(read.expect("reads").expect("is there").verifiable_addresses, ada.verifiable_addresses);
}

async fn a_passed_flow_sends_no_more_codes(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let passed = finished(&sent.flow);
    store.verification_redeem(OURS, &passed, &[sent.code.code], TRIES, &[], NOW).await.expect("redeems");
    let again = NewCode { id: CodeId::generate(&entropy()), ..sent.code };
    assert_eq!(send(&stage, OURS, &sent.flow, &again).await, Updated::Stale);
    assert_eq!(stage.beside().rows("flow_codes"), 0);
    assert_eq!(stage.beside().rows("messages"), 1);
}

async fn an_address_finds_its_identity(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    let (owner, address) =
        store.verifiable_address(OURS, Via::Email, "ada@example.org").await.expect("reads").expect("is there");
    assert_eq!((owner.id, address.value.as_str()), (sent.ada.id, "ada@example.org"));
    for (via, value) in [(Via::Sms, "ada@example.org"), (Via::Email, "ad@example.org")] {
        assert_eq!(store.verifiable_address(OURS, via, value).await.expect("reads"), None);
    }
}

async fn another_project_sees_neither_flow_nor_code_nor_address(stage: Stage) {
    let sent = sent(&stage).await;
    let store = stage.database.flows();
    assert_eq!(store.verifiable_address(THEIRS, Via::Email, "ada@example.org").await.expect("reads"), None);
    let passed = finished(&sent.flow);
    let redeemed = store.verification_redeem(THEIRS, &passed, &[sent.code.code], TRIES, &[], NOW).await;
    assert_eq!(redeemed.expect("answers"), Redeemed::FlowClosed);
    // The same flow id elsewhere is another flow, and knows nothing of our code.
    let theirs = NewCode { id: CodeId::generate(&entropy()), code: hash(), ..sent.code.clone() };
    assert_eq!(send(&stage, THEIRS, &sent.flow, &theirs).await, Updated::Done);
    let redeemed = store.verification_redeem(THEIRS, &passed, &[sent.code.code], TRIES, &[], NOW).await;
    assert_eq!(redeemed.expect("answers"), Redeemed::Wrong);
    // Their code names our identity, which is not theirs.
    let redeemed = store.verification_redeem(THEIRS, &passed, &[theirs.code], TRIES, &[], NOW).await;
    assert_eq!(redeemed.expect("answers"), Redeemed::Wrong);
    assert!(!read(&stage, &sent).await.verifiable_addresses[0].verified);
    let redeemed = store.verification_redeem(OURS, &passed, &[sent.code.code], TRIES, &[], NOW).await;
    assert!(matches!(redeemed.expect("redeems"), Redeemed::Done { .. }));
}
