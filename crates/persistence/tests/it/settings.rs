//! Storing a change that somebody makes to their own account.

use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::Identity;
use orrery_identity::session::Session;
use orrery_identity::store::{CodeSent, Redeemed, SettingsDone, SettingsStored, Updated, VerifiedChange};
use serde_json::json;

use crate::login::sign_in;
use crate::sample::{HOUR, NOW, code, entropy, finished, flow, identity, message};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    everything_is_written_at_once_and_the_flow_stays_open,
    a_change_of_an_older_version_is_stale,
    sixteen_changes_of_one_version_store_one,
    a_session_that_ended_changes_nothing,
    a_taken_address_changes_nothing,
    a_flow_that_is_gone_changes_nothing,
    another_project_cannot_change,
    a_change_that_waits_for_its_code_is_stored_once,
    a_change_that_waits_is_void_without_its_session,
    a_change_that_waited_ends_the_other_sessions,
);

pub(crate) struct Person {
    pub(crate) ada: Identity,
    pub(crate) session: Session,
    pub(crate) flow: Flow,
}

pub(crate) async fn person(stage: &Stage) -> Person {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (session, _) = sign_in(stage, &ada).await;
    let flow = Flow { state: FlowState::ShowForm, identity_id: Some(ada.id), ..flow(FlowKind::Settings) };
    stage.database.flows().flow_create(OURS, &flow).await.expect("creates");
    Person { ada: read(stage, &ada).await, session, flow }
}

async fn read(stage: &Stage, ada: &Identity) -> Identity {
    let kinds = ada.credentials.keys().copied().collect();
    let found = stage.database.identities().identity_by_id(OURS, ada.id, &kinds).await;
    found.expect("reads").expect("is there")
}

pub(crate) fn change(person: &Person, name: &str) -> SettingsDone {
    let mut identity = person.ada.clone();
    identity.traits.insert("name".to_owned(), json!(name));
    SettingsDone {
        flow: Flow { state: FlowState::Success, updated_at: NOW, ..person.flow.clone() },
        identity,
        removed: [].into(),
        session: person.session.id,
        revoke_others: false,
        verifications: Vec::new(),
        messages: Vec::new(),
        events: Vec::new(),
    }
}

async fn everything_is_written_at_once_and_the_flow_stays_open(stage: Stage) {
    let person = person(&stage).await;
    let (elsewhere, _) = sign_in(&stage, &person.ada).await;
    let verification = flow(FlowKind::Verification);
    let code = code(&verification, &person.ada);
    let done = SettingsDone {
        revoke_others: true,
        verifications: vec![(verification.clone(), code)],
        messages: vec![message("ada@example.org")],
        ..change(&person, "Ada")
    };
    let store = stage.database.flows();
    assert_eq!(store.settings_complete(OURS, &done).await.expect("stores"), SettingsStored::Done);
    let after = read(&stage, &person.ada).await;
    assert_eq!(after.traits["name"], "Ada");
    assert_eq!(after.credentials, person.ada.credentials);
    let sessions = stage.database.sessions();
    let active = async |id| sessions.session_by_id(OURS, id).await.expect("reads").expect("there").session.active;
    assert!(active(person.session.id).await && !active(elsewhere.id).await);
    let stored = store.flow_by_id(OURS, FlowKind::Settings, person.flow.id).await.expect("reads").expect("is there");
    assert_eq!((stored.state, stored.completed_at), (FlowState::Success, None));
    assert!(store.flow_by_id(OURS, FlowKind::Verification, verification.id).await.expect("reads").is_some());
    assert_eq!((stage.beside().rows("flow_codes"), stage.beside().rows("messages")), (1, 1));
    let again = Person { ada: after, ..person };
    assert_eq!(store.settings_complete(OURS, &change(&again, "Lovelace")).await.expect("stores"), SettingsStored::Done);
}

async fn a_change_of_an_older_version_is_stale(stage: Stage) {
    let person = person(&stage).await;
    let store = stage.database.flows();
    assert_eq!(store.settings_complete(OURS, &change(&person, "first")).await.expect("stores"), SettingsStored::Done);
    assert_eq!(store.settings_complete(OURS, &change(&person, "second")).await.expect("asks"), SettingsStored::Stale);
    assert_eq!(read(&stage, &person.ada).await.traits["name"], "first");
}

async fn sixteen_changes_of_one_version_store_one(stage: Stage) {
    let person = person(&stage).await;
    let done = change(&person, "Ada");
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.flows(), done.clone());
        async move { store.settings_complete(OURS, &done).await.expect("asks") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == SettingsStored::Done).count(), 1, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == SettingsStored::Stale).count(), 15, "{outcomes:?}");
}

async fn a_session_that_ended_changes_nothing(stage: Stage) {
    let person = person(&stage).await;
    let store = stage.database.flows();
    let late = SettingsDone {
        flow: Flow { updated_at: person.session.expires_at + HOUR, ..person.flow.clone() },
        ..change(&person, "late")
    };
    assert_eq!(store.settings_complete(OURS, &late).await.expect("asks"), SettingsStored::SignedOut);
    stage.database.sessions().session_revoke(OURS, person.session.id).await.expect("revokes");
    let done = change(&person, "revoked");
    assert_eq!(store.settings_complete(OURS, &done).await.expect("asks"), SettingsStored::SignedOut);
    assert_eq!(read(&stage, &person.ada).await, person.ada);
}

async fn a_taken_address_changes_nothing(stage: Stage) {
    let person = person(&stage).await;
    let bob = identity("bob@example.org");
    stage.database.identities().identity_create(OURS, &bob).await.expect("creates");
    let mut done = change(&person, "Bob");
    done.identity.verifiable_addresses.clone_from(&bob.verifiable_addresses);
    done.identity.recovery_addresses.clear();
    done.identity.credentials.clear();
    let refused = stage.database.flows().settings_complete(OURS, &done).await;
    assert!(matches!(refused, Err(StoreError::Conflict(Conflict::VerifiableAddress))), "{refused:?}");
    assert_eq!(read(&stage, &person.ada).await, person.ada);
}

async fn a_flow_that_is_gone_changes_nothing(stage: Stage) {
    let person = person(&stage).await;
    let mut done = change(&person, "x");
    done.flow.id = orrery_core::id::FlowId::generate(&entropy());
    assert_eq!(stage.database.flows().settings_complete(OURS, &done).await.expect("asks"), SettingsStored::FlowClosed);
    assert_eq!(read(&stage, &person.ada).await, person.ada);
}

/// A new address that waits for its code.
pub(crate) async fn waiting(stage: &Stage) -> (Person, VerifiedChange) {
    let person = person(stage).await;
    let mut identity = person.ada.clone();
    let verification = Flow { identity_id: Some(identity.id), ..flow(FlowKind::Verification) };
    let address = &mut identity.verifiable_addresses[0];
    address.value = "lovelace@example.org".to_owned();
    let code = code(&verification, &identity);
    let sent = CodeSent { flow: verification.clone(), code: code.clone(), message: None, marks: None };
    let sent = stage.database.flows().code_send(OURS, &sent).await;
    assert_eq!(sent.expect("sends"), Updated::Done);
    identity.version = read(stage, &person.ada).await.version;
    identity.verifiable_addresses[0].verified = true;
    let change = VerifiedChange {
        flow: finished(&verification),
        codes: vec![code.code],
        max_submissions: 100,
        identity,
        removed: [].into(),
        session: person.session.id,
        revoke_others: false,
        events: Vec::new(),
    };
    (person, change)
}

async fn a_change_that_waits_for_its_code_is_stored_once(stage: Stage) {
    let (person, change) = waiting(&stage).await;
    let theirs = stage.database.flows().verified_change(THEIRS, &change).await.expect("asks");
    assert_eq!(theirs, Redeemed::FlowClosed, "another project sees nothing");
    let outcomes = sixteen_times(|| {
        let (store, change) = (stage.database.flows(), change.clone());
        async move { store.verified_change(OURS, &change).await.expect("asks") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|it| matches!(it, Redeemed::Done { .. })).count(), 1, "{outcomes:?}");
    let address = read(&stage, &person.ada).await.verifiable_addresses[0].clone();
    assert_eq!((address.value.as_str(), address.verified), ("lovelace@example.org", true));
}

async fn a_change_that_waits_is_void_without_its_session(stage: Stage) {
    let (person, change) = waiting(&stage).await;
    stage.database.sessions().session_revoke(OURS, person.session.id).await.expect("revokes");
    assert_eq!(stage.database.flows().verified_change(OURS, &change).await.expect("asks"), Redeemed::Wrong);
    assert_eq!(read(&stage, &person.ada).await.verifiable_addresses[0].value, "ada@example.org");
}

async fn a_change_that_waited_ends_the_other_sessions(stage: Stage) {
    let (person, change) = waiting(&stage).await;
    let (elsewhere, _) = sign_in(&stage, &person.ada).await;
    let (store, sessions) = (stage.database.flows(), stage.database.sessions());
    let active = async |id| sessions.session_by_id(OURS, id).await.expect("reads").expect("there").session.active;
    let change = VerifiedChange { revoke_others: true, ..change };
    let wrong = VerifiedChange { codes: vec![crate::sample::hash()], ..change.clone() };
    assert_eq!(store.verified_change(OURS, &wrong).await.expect("asks"), Redeemed::Wrong);
    assert!(active(elsewhere.id).await, "a wrong code ends nothing");
    assert!(matches!(store.verified_change(OURS, &change).await, Ok(Redeemed::Done { .. })));
    assert_eq!((active(person.session.id).await, active(elsewhere.id).await), (true, false));
}

async fn another_project_cannot_change(stage: Stage) {
    let person = person(&stage).await;
    let done = change(&person, "theirs");
    assert_eq!(
        stage.database.flows().settings_complete(THEIRS, &done).await.expect("asks"),
        SettingsStored::FlowClosed
    );
    assert_eq!(read(&stage, &person.ada).await, person.ada);
}
