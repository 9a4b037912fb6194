//! Authorizations in progress.

use orrery_oauth2::challenge::{AuthorizationFlow, Decision, FlowState, Rejection};
use orrery_oauth2::client::Client;
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{Begins, Begun, Finished, LoginCompleted, PushedRequest, SessionWrite, Stepped};
use orrery_persistence::Statements;

use crate::oauth2_sample::{consented, flow, grant, granted, login_session, registered, waiting};
use crate::sample::{HOUR, NOW, hash};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_first_request_is_one_statement,
    an_ended_or_unremembered_sign_in_is_not_found,
    a_decision_and_every_step_after_it_is_read_back,
    one_of_sixteen_decides_on_a_login,
    one_of_sixteen_uses_a_login,
    one_of_sixteen_decides_on_a_consent,
    one_of_sixteen_gets_the_answer,
    steps_are_taken_in_order,
    somebody_who_is_signed_in_begins_after_the_login,
    a_pushed_request_leads_to_one_decision,
    signing_in_again_keeps_the_session_and_replaces_another,
    an_extended_session_only_lives_longer,
    a_newer_grant_lets_the_older_ones_go,
    another_project_sees_and_changes_nothing,
);

async fn decided(stage: &Stage) -> (Client, AuthorizationFlow) {
    let client = registered(stage, "app").await;
    let flow = flow(&client);
    assert_eq!(decide(stage, &flow).await, Stepped::Done);
    (client, flow)
}

async fn decide(stage: &Stage, flow: &AuthorizationFlow) -> Stepped {
    stage.database.authorizations().login_decide(OURS, flow, NOW).await.expect("decides")
}

async fn read(stage: &Stage, flow: &AuthorizationFlow) -> AuthorizationFlow {
    let read = stage.database.authorizations().authorization_by_id(OURS, flow.id, NOW).await.expect("reads");
    read.expect("is there").flow
}

fn used(flow: &AuthorizationFlow) -> LoginCompleted {
    LoginCompleted {
        flow: AuthorizationFlow { state: FlowState::LoginUsed, consent_skip: true, ..flow.clone() },
        begins: Begins::Decided,
        session: SessionWrite::Begin(LoginSession { id: flow.session, ..login_session() }),
        ends: None,
        granted: None,
        now: NOW,
    }
}

async fn complete(stage: &Stage, done: &LoginCompleted) -> Stepped {
    stage.database.authorizations().login_complete(OURS, done).await.expect("completes")
}

async fn agree(stage: &Stage, flow: &AuthorizationFlow) -> Stepped {
    stage.database.authorizations().consent_decide(OURS, &consented(flow)).await.expect("decides")
}

fn finished(client: &Client, flow: &AuthorizationFlow) -> Finished {
    let granted = granted(grant(client, flow.session));
    Finished { id: flow.id, from: FlowState::ConsentDecided, granted: Some(granted) }
}

async fn finish(stage: &Stage, done: &Finished) -> Stepped {
    stage.database.authorizations().authorization_finish(OURS, done).await.expect("finishes")
}

fn once(outcomes: &[Stepped]) -> bool {
    outcomes.iter().filter(|outcome| **outcome == Stepped::Done).count() == 1
}

async fn a_first_request_is_one_statement(stage: Stage) {
    let client = registered(&stage, "app").await;
    let store = stage.database.authorizations();
    let begin = async |tokens: &[_]| {
        let before = stage.database.statements();
        let begun = store.authorization_begin(OURS, &client.id, tokens, NOW).await.expect("reads");
        assert_eq!(stage.database.statements() - before, Statements { reads: 1, writes: 0, commits: 0 });
        begun
    };
    let nobody = Some(Begun { client: client.clone(), session: None });
    assert_eq!(begin(&[]).await, nobody);
    assert_eq!(begin(&[hash()]).await, nobody);

    let (session, flow) = (login_session(), flow(&client));
    decide(&stage, &flow).await;
    complete(&stage, &LoginCompleted { session: SessionWrite::Begin(session.clone()), ..used(&flow) }).await;
    let expected = Some(Begun { client: client.clone(), session: Some(session.clone()) });
    assert_eq!(begin(&[hash(), session.token]).await, expected);
    let unknown = "nobody".parse().expect("a client_id");
    assert_eq!(store.authorization_begin(OURS, &unknown, &[session.token], NOW).await.expect("reads"), None);
}

async fn an_ended_or_unremembered_sign_in_is_not_found(stage: Stage) {
    let client = registered(&stage, "app").await;
    let ada = crate::sample::identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (behind, _) = crate::login::sign_in(&stage, &ada).await;
    let kept = login_session();
    let forgotten = LoginSession { remember: false, ..login_session() };
    let bound = LoginSession { identity_session: Some(behind.id), ..login_session() };
    let lost = LoginSession {
        identity_session: Some(orrery_core::id::SessionId::generate(&crate::sample::entropy())),
        ..login_session()
    };
    for session in [&kept, &forgotten, &bound, &lost] {
        let flow = flow(&client);
        decide(&stage, &flow).await;
        complete(&stage, &LoginCompleted { session: SessionWrite::Begin(session.clone()), ..used(&flow) }).await;
    }
    let found = async |session: &LoginSession, now| {
        let begun = stage.database.authorizations().authorization_begin(OURS, &client.id, &[session.token], now).await;
        begun.expect("reads").expect("the client is there").session.is_some()
    };
    let by_token = async |session: &LoginSession, now| {
        let tokens = [hash(), session.token];
        stage.database.login_sessions().login_session_by_token(OURS, &tokens, now).await.expect("reads")
    };
    for session in [&kept, &bound] {
        assert!(found(session, NOW).await);
        assert_eq!(by_token(session, NOW).await.as_ref(), Some(session));
    }
    for session in [&forgotten, &lost] {
        assert_eq!(by_token(session, NOW).await, None);
    }
    assert_eq!(by_token(&kept, NOW + HOUR).await, None);
    assert!(!found(&forgotten, NOW).await && !found(&lost, NOW).await);
    assert!(!found(&kept, NOW + HOUR).await, "its time is over");
    let by_id = stage.database.login_sessions();
    assert_eq!(by_id.login_session_by_id(OURS, forgotten.id, NOW).await.expect("reads"), Some(forgotten));
    stage.database.sessions().session_revoke(OURS, behind.id).await.expect("revokes");
    assert!(!found(&bound, NOW).await, "signing out at the identity surface ends it");
    assert_eq!(by_id.login_session_by_id(OURS, bound.id, NOW).await.expect("reads"), None);
}

async fn a_decision_and_every_step_after_it_is_read_back(stage: Stage) {
    let (client, flow) = decided(&stage).await;
    let store = stage.database.authorizations();
    let found = store.authorization_by_id(OURS, flow.id, NOW).await.expect("reads").expect("is there");
    assert_eq!((&found.flow, &found.client, &found.session), (&flow, &client, &None));
    let done = used(&flow);
    assert_eq!(complete(&stage, &done).await, Stepped::Done);
    let found = store.authorization_by_id(OURS, flow.id, NOW).await.expect("reads").expect("is there");
    assert_eq!(found.flow, done.flow);
    assert_eq!(found.session.map(SessionWrite::Begin), Some(done.session));
    assert_eq!(agree(&stage, &done.flow).await, Stepped::Done);
    assert_eq!(read(&stage, &flow).await, consented(&done.flow));
    let before = stage.database.statements();
    assert_eq!(finish(&stage, &finished(&client, &flow)).await, Stepped::Done);
    assert_eq!(stage.database.statements() - before, Statements { reads: 0, writes: 3, commits: 1 });
    assert_eq!(read(&stage, &flow).await.state, FlowState::Finished);
    assert_eq!((stage.beside().rows("grants"), stage.beside().rows("authorization_codes")), (1, 1));
}

async fn one_of_sixteen_decides_on_a_login(stage: Stage) {
    let client = registered(&stage, "app").await;
    let flow = flow(&client);
    let outcomes = sixteen_times(|| {
        let (store, flow) = (stage.database.authorizations(), flow.clone());
        async move { store.login_decide(OURS, &flow, NOW).await.expect("decides") }
    })
    .await;
    assert!(once(&outcomes), "{outcomes:?}");
}

async fn one_of_sixteen_uses_a_login(stage: Stage) {
    let (_, flow) = decided(&stage).await;
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.authorizations(), used(&flow));
        async move { store.login_complete(OURS, &done).await.expect("completes") }
    })
    .await;
    assert!(once(&outcomes), "{outcomes:?}");
    assert_eq!(stage.beside().rows("login_sessions"), 1);
}

async fn one_of_sixteen_decides_on_a_consent(stage: Stage) {
    let (_, flow) = decided(&stage).await;
    complete(&stage, &used(&flow)).await;
    let outcomes = sixteen_times(|| {
        let (store, agreed) = (stage.database.authorizations(), consented(&flow));
        async move { store.consent_decide(OURS, &agreed).await.expect("decides") }
    })
    .await;
    assert!(once(&outcomes), "{outcomes:?}");
}

async fn one_of_sixteen_gets_the_answer(stage: Stage) {
    let (client, flow) = decided(&stage).await;
    complete(&stage, &used(&flow)).await;
    agree(&stage, &flow).await;
    let outcomes = sixteen_times(|| {
        let (store, done) = (stage.database.authorizations(), finished(&client, &flow));
        async move { store.authorization_finish(OURS, &done).await.expect("finishes") }
    })
    .await;
    assert!(once(&outcomes), "{outcomes:?}");
    assert_eq!((stage.beside().rows("grants"), stage.beside().rows("authorization_codes")), (1, 1));
}

async fn steps_are_taken_in_order(stage: Stage) {
    let (client, flow) = decided(&stage).await;
    assert_eq!(agree(&stage, &flow).await, Stepped::TooLate, "the browser has not come back from login");
    assert_eq!(finish(&stage, &finished(&client, &flow)).await, Stepped::SignedOut, "nobody is signed in yet");
    assert_eq!(stage.beside().rows("grants"), 0);
    complete(&stage, &used(&flow)).await;
    assert_eq!(decide(&stage, &flow).await, Stepped::TooLate);
    assert_eq!(complete(&stage, &used(&flow)).await, Stepped::TooLate, "a verifier is good once");
    assert_eq!(finish(&stage, &finished(&client, &flow)).await, Stepped::TooLate, "nobody has consented");

    let refusal = Rejection { error: "access_denied".to_owned(), error_description: String::new(), status_code: 403 };
    let refused = AuthorizationFlow { login: Decision::Rejected(refusal), ..crate::oauth2_sample::flow(&client) };
    decide(&stage, &refused).await;
    let end = Finished { id: refused.id, from: FlowState::LoginDecided, granted: None };
    assert_eq!(finish(&stage, &end).await, Stepped::Done);
    assert_eq!(finish(&stage, &end).await, Stepped::TooLate);
}

async fn somebody_who_is_signed_in_begins_after_the_login(stage: Stage) {
    let client = registered(&stage, "app").await;
    let asked = flow(&client);
    let fresh = LoginCompleted { begins: Begins::Fresh, ..used(&asked) };
    assert_eq!(complete(&stage, &fresh).await, Stepped::Done);
    assert_eq!(read(&stage, &asked).await, fresh.flow);
    assert_eq!(complete(&stage, &fresh).await, Stepped::TooLate);

    // Nobody has to be asked: the answer is all that is stored.
    let flow = AuthorizationFlow { state: FlowState::Finished, ..flow(&client) };
    let granted = granted(grant(&client, flow.session));
    let at_once = LoginCompleted { flow: flow.clone(), granted: Some(granted), ..LoginCompleted { ..fresh } };
    let unknown = LoginCompleted { session: SessionWrite::Keep, ..at_once.clone() };
    assert_eq!(complete(&stage, &unknown).await, Stepped::SignedOut, "nobody is signed in");
    let session = SessionWrite::Begin(LoginSession { id: flow.session, ..login_session() });
    let before = stage.database.statements();
    assert_eq!(complete(&stage, &LoginCompleted { session, ..at_once }).await, Stepped::Done);
    assert_eq!(stage.database.statements() - before, Statements { reads: 0, writes: 3, commits: 1 });
    assert_eq!((stage.beside().rows("authorizations"), stage.beside().rows("grants")), (1, 1));
}

async fn a_pushed_request_leads_to_one_decision(stage: Stage) {
    let client = registered(&stage, "app").await;
    let store = stage.database.authorizations();
    let pushed = waiting(&client, hash());
    store.request_keep(OURS, &pushed).await.expect("keeps");
    assert_eq!(store.request_by_hash(OURS, &[hash(), pushed.hash]).await.expect("reads"), Some(pushed.clone()));
    assert_eq!(store.request_by_hash(OURS, &[hash()]).await.expect("reads"), None);
    let outcomes = sixteen_times(|| {
        let (store, mut flow) = (store.clone(), flow(&client));
        flow.request.pushed = Some(pushed.hash);
        async move { store.login_decide(OURS, &flow, NOW).await.expect("decides") }
    })
    .await;
    assert!(once(&outcomes), "{outcomes:?}");
    assert_eq!(stage.beside().rows("authorizations"), 1);
    let used = store.request_by_hash(OURS, &[pushed.hash]).await.expect("reads");
    assert_eq!(used, Some(PushedRequest { used_at: Some(NOW), ..pushed }));
}

async fn signing_in_again_keeps_the_session_and_replaces_another(stage: Stage) {
    let client = registered(&stage, "app").await;
    let sign_in = async |session: &LoginSession, ends| {
        let flow = flow(&client);
        decide(&stage, &flow).await;
        let write = SessionWrite::Begin(session.clone());
        assert_eq!(complete(&stage, &LoginCompleted { session: write, ends, ..used(&flow) }).await, Stepped::Done);
    };
    let first = login_session();
    sign_in(&first, None).await;
    let again = LoginSession { id: first.id, acr: "aal2".to_owned(), ..login_session() };
    sign_in(&again, None).await;
    let by_id = stage.database.login_sessions();
    assert_eq!(by_id.login_session_by_id(OURS, first.id, NOW).await.expect("reads"), Some(again));
    let other = login_session();
    sign_in(&other, Some(first.id)).await;
    assert_eq!(by_id.login_session_by_id(OURS, first.id, NOW).await.expect("reads"), None);
    assert_eq!(by_id.login_session_by_id(OURS, other.id, NOW).await.expect("reads"), Some(other));
}

async fn an_extended_session_only_lives_longer(stage: Stage) {
    let client = registered(&stage, "app").await;
    let session = login_session();
    let end = async |write| {
        let flow = flow(&client);
        decide(&stage, &flow).await;
        assert_eq!(complete(&stage, &LoginCompleted { session: write, ..used(&flow) }).await, Stepped::Done);
        let read = stage.database.login_sessions().login_session_by_id(OURS, session.id, NOW).await;
        read.expect("reads").expect("is there").expires_at
    };
    assert_eq!(end(SessionWrite::Begin(session.clone())).await, NOW + HOUR);
    let extend = |expires_at| SessionWrite::Extend { id: session.id, expires_at };
    assert_eq!(end(extend(NOW + HOUR * 2)).await, NOW + HOUR * 2);
    assert_eq!(end(extend(NOW + HOUR)).await, NOW + HOUR * 2);
}

async fn a_newer_grant_lets_the_older_ones_go(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (older, newer) = (flow(&client), flow(&client));
    let give = async |flow: &AuthorizationFlow, supersedes| {
        decide(&stage, flow).await;
        complete(&stage, &used(flow)).await;
        agree(&stage, flow).await;
        let mut done = finished(&client, flow);
        let granted = done.granted.as_mut().expect("grants");
        granted.supersedes = supersedes;
        assert_eq!(finish(&stage, &done).await, Stepped::Done);
        done.granted.expect("grants").grant.id
    };
    let first = give(&older, None).await;
    let second = give(&newer, Some(NOW + HOUR / 2)).await;
    stage.database.sweep(NOW + HOUR / 2, 100).await.expect("sweeps");
    let grants = stage.database.grants();
    assert!(!grants.grant_revoke(OURS, first).await.expect("asks"), "it is gone");
    assert!(grants.grant_revoke(OURS, second).await.expect("asks"));
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let (client, flow) = decided(&stage).await;
    let store = stage.database.authorizations();
    let pushed = waiting(&client, hash());
    store.request_keep(OURS, &pushed).await.expect("keeps");
    assert_eq!(store.request_by_hash(THEIRS, &[pushed.hash]).await.expect("reads"), None);
    assert_eq!(store.authorization_by_id(THEIRS, flow.id, NOW).await.expect("reads"), None);
    assert_eq!(store.login_complete(THEIRS, &used(&flow)).await.expect("asks"), Stepped::TooLate);
    complete(&stage, &used(&flow)).await;
    assert_eq!(store.consent_decide(THEIRS, &consented(&flow)).await.expect("asks"), Stepped::TooLate);
    agree(&stage, &flow).await;
    let done = finished(&client, &flow);
    assert_eq!(store.authorization_finish(THEIRS, &done).await.expect("asks"), Stepped::SignedOut);
    assert_eq!(store.authorization_begin(THEIRS, &client.id, &[], NOW).await.expect("reads"), None);
    let mut theirs = crate::oauth2_sample::flow(&client);
    theirs.request.pushed = Some(pushed.hash);
    assert_eq!(store.login_decide(THEIRS, &theirs, NOW).await.expect("asks"), Stepped::TooLate);
    assert_eq!(read(&stage, &flow).await.state, FlowState::ConsentDecided);
}
