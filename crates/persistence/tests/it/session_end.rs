//! What ends a session ends the sign-ins that hang on it, and their clients are told.

use std::collections::BTreeSet;

use orrery_core::id::{LoginSessionId, SessionId};
use orrery_core::{ProjectId, Timestamp};
use orrery_identity::identity::{Identity, IdentityState};
use orrery_oauth2::challenge::{AuthorizationFlow, FlowState};
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{Begins, LoginCompleted, SessionEnd, SessionWrite, Stepped};
use orrery_persistence::Statements;

use crate::login;
use crate::oauth2_sample::{flow, grant, granted, login_session, registered, sign_in, signed_in};
use crate::sample::{HOUR, NOW, event, identity};
use crate::stage::{OURS, Stage, on_both_engines};

on_both_engines!(
    whoever_ends_the_session_ends_the_sign_in,
    what_ended_by_itself_is_not_told_of,
    the_built_in_sign_in_lives_as_long_as_the_session,
    an_ended_sign_in_does_not_begin_again,
    a_replaced_sign_in_is_told_of,
    no_client_gets_a_grant_unheard_while_the_session_ends,
);

/// Somebody with a session, and a sign-in that hangs on it.
async fn person(stage: &Stage, name: &str) -> (Identity, SessionId, LoginSession) {
    let person = identity(&format!("{name}@example.org"));
    stage.database.identities().identity_create(OURS, &person).await.expect("creates");
    let (behind, _) = login::sign_in(stage, &person).await;
    let session = LoginSession { identity_session: Some(behind.id), ..login_session() };
    sign_in(stage, &session).await;
    (person, behind.id, session)
}

async fn ended(stage: &Stage, now: Timestamp) -> Vec<(ProjectId, LoginSessionId)> {
    stage.database.login_sessions().login_sessions_ended(now, 10).await.expect("reads")
}

async fn whoever_ends_the_session_ends_the_sign_in(stage: Stage) {
    let (sessions, identities) = (stage.database.sessions(), stage.database.identities());
    for way in ["revoked", "by its owner", "with all others", "all removed", "deactivated", "deleted", "by hand"] {
        let (person, behind, session) = person(&stage, &way.replace(' ', "-")).await;
        assert_eq!(ended(&stage, NOW).await, [], "{way}");
        let before = stage.database.statements();
        match way {
            "revoked" => {
                assert!(sessions.session_revoke(OURS, behind).await.expect("revokes"));
                let one = Statements { reads: 0, writes: 1, commits: 1 };
                assert_eq!(stage.database.statements() - before, one, "not a statement more than without OAuth2");
            }
            "by its owner" => {
                assert!(sessions.session_revoke_own(OURS, person.id, behind).await.expect("revokes"));
            }
            "with all others" => {
                assert_eq!(sessions.session_revoke_others(OURS, person.id, None).await.expect("revokes"), 1);
            }
            "all removed" => assert_eq!(sessions.session_delete_all(OURS, person.id).await.expect("removes"), 1),
            "deactivated" => {
                let inactive = Identity { state: IdentityState::Inactive, ..person };
                identities.identity_update(OURS, &inactive, &BTreeSet::new()).await.expect("updates");
            }
            "deleted" => assert!(identities.identity_delete(OURS, person.id).await.expect("deletes")),
            _ => stage.beside().run("DELETE FROM sessions"),
        }
        assert_eq!(ended(&stage, NOW).await, [(OURS, session.id)], "{way}");
        let store = stage.database.login_sessions();
        assert_eq!(store.login_session_by_id(OURS, session.id, NOW).await.expect("reads"), None, "{way}");
        let told = store.login_session_end(OURS, session.id, &[], &[event("ada")]).await.expect("ends");
        assert_eq!(told, SessionEnd::Done, "{way}");
        // Whoever was told that the session is over must not see it come back.
        if let Some(behind) = sessions.session_by_id(OURS, behind).await.expect("reads") {
            assert!(!behind.session.active, "{way}");
        }
    }
    assert_eq!(stage.beside().rows("events"), 7);
}

async fn what_ended_by_itself_is_not_told_of(stage: Stage) {
    let (_, behind, session) = person(&stage, "ada").await;
    let ends = stage.database.sessions().session_by_id(OURS, behind).await.expect("reads").expect("is there");
    let ends = ends.session.expires_at;
    stage.database.sessions().session_revoke(OURS, behind).await.expect("revokes");
    assert_eq!(ended(&stage, NOW).await, [(OURS, session.id)]);
    assert_eq!(ended(&stage, session.expires_at.min(ends)).await, [], "its time was over");

    let longer = LoginSession { expires_at: ends + HOUR * 48, ..person(&stage, "bob").await.2 };
    sign_in(&stage, &longer).await;
    stage.database.sweep(ends + HOUR * 24, 100).await.expect("sweeps");
    assert_eq!(stage.beside().rows("sessions"), 0, "both are gone");
    assert_eq!(ended(&stage, ends + HOUR * 24).await, []);
}

async fn the_built_in_sign_in_lives_as_long_as_the_session(stage: Stage) {
    let (_, behind, remembered) = person(&stage, "ada").await;
    let id = LoginSessionId::from_uuid(behind.as_uuid());
    let built_in = LoginSession { id, remember: false, identity_session: Some(behind), ..login_session() };
    sign_in(&stage, &built_in).await;
    let later = NOW + HOUR * 1000;
    stage.database.sessions().session_extend(OURS, behind, later, later, NOW).await.expect("extends");
    let end = async |id| {
        let found = stage.database.login_sessions().login_session_by_id(OURS, id, NOW).await;
        found.expect("reads").expect("is there").expires_at
    };
    assert_eq!(end(id).await, later);
    assert_eq!(end(remembered.id).await, remembered.expires_at, "the login application said how long");
}

async fn an_ended_sign_in_does_not_begin_again(stage: Stage) {
    let (_, behind, session) = person(&stage, "ada").await;
    stage.database.sessions().session_revoke(OURS, behind).await.expect("revokes");
    let client = registered(&stage, "app").await;
    let done = LoginCompleted {
        flow: flow(&client),
        begins: Begins::Fresh,
        session: SessionWrite::Begin(LoginSession { identity_session: None, ..session.clone() }),
        ends: None,
        granted: None,
        now: NOW,
    };
    let store = stage.database.authorizations();
    assert_eq!(store.login_complete(OURS, &done).await.expect("answers"), Stepped::SignedOut);
    assert_eq!(stage.beside().rows("authorizations"), 0);
    assert_eq!(ended(&stage, NOW).await, [(OURS, session.id)]);
}

async fn a_replaced_sign_in_is_told_of(stage: Stage) {
    let (client, before) = (registered(&stage, "app").await, signed_in(&stage).await);
    let done = LoginCompleted {
        flow: flow(&client),
        begins: Begins::Fresh,
        session: SessionWrite::Begin(login_session()),
        ends: Some(before.id),
        granted: None,
        now: NOW,
    };
    let store = stage.database.authorizations();
    assert_eq!(store.login_complete(OURS, &done).await.expect("answers"), Stepped::Done);
    assert_eq!(ended(&stage, NOW).await, [(OURS, before.id)]);
}

async fn no_client_gets_a_grant_unheard_while_the_session_ends(stage: Stage) {
    for round in 0..8 {
        let session = signed_in(&stage).await;
        let mut asking = Vec::new();
        for number in 0..16 {
            let client = registered(&stage, &format!("app-{round}-{number}")).await;
            let done = LoginCompleted {
                flow: AuthorizationFlow { state: FlowState::Finished, session: session.id, ..flow(&client) },
                begins: Begins::Fresh,
                session: SessionWrite::Keep,
                ends: None,
                granted: Some(granted(grant(&client, session.id))),
                now: NOW,
            };
            let store = stage.database.authorizations();
            asking.push(tokio::spawn(async move {
                let stepped = store.login_complete(OURS, &done).await.expect("answers");
                (stepped == Stepped::Done).then_some(client.id)
            }));
        }
        let (store, id) = (stage.database.login_sessions(), session.id);
        let told = loop {
            let ending = store.login_session_with_clients(OURS, id).await.expect("reads").expect("is there");
            let told: Vec<_> = ending.clients.into_iter().map(|concerned| concerned.client.id).collect();
            match store.login_session_end(OURS, id, &told, &[]).await.expect("answers") {
                SessionEnd::Done => break told,
                SessionEnd::MoreClients => {}
                SessionEnd::Gone => panic!("nobody else ends it"),
            }
        };
        for asked in asking {
            if let Some(client) = asked.await.expect("does not panic") {
                assert!(told.contains(&client), "{client} has tokens of a session whose end it did not hear of");
            }
        }
    }
}
