//! How many statements the hot paths send.

use orrery_identity::credentials::CredentialKind;
use orrery_identity::flow::FlowKind;
use orrery_identity::store::LoginDone;
use orrery_persistence::Statements;

use crate::sample::{finished, flow, hash, identity, new_session};
use crate::stage::{OURS, Stage, on_both_engines};

on_both_engines!(whoami_is_one_statement_and_then_none, a_login_keeps_its_budget);

const ONE_READ: Statements = Statements { reads: 1, writes: 0, commits: 0 };
const NOTHING: Statements = Statements { reads: 0, writes: 0, commits: 0 };

async fn whoami_is_one_statement_and_then_none(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (_, token) = crate::login::sign_in(&stage, &ada).await;
    let before = stage.database.statements();
    let read = stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert!(!read.identity.verifiable_addresses.is_empty() && !read.session.devices.is_empty());
    assert_eq!(stage.database.statements() - before, ONE_READ);
    crate::session_cache::until_known(&stage.database, token).await;
    let before = stage.database.statements();
    let known = stage.database.sessions().session_by_token(OURS, &[token]).await.expect("knows").expect("is there");
    assert_eq!(known, read);
    assert_eq!(stage.database.statements() - before, NOTHING);
}

async fn a_login_keeps_its_budget(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let flow = flow(FlowKind::Login);
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");

    let start = stage.database.statements();
    store.flow_with_session(OURS, FlowKind::Login, flow.id, &[hash()]).await.expect("reads");
    assert_eq!(stage.database.statements() - start, ONE_READ);
    let start = stage.database.statements();
    let identifiers = ["ada@example.org".to_owned()];
    let identities = stage.database.identities();
    identities.credential_by_identifier(OURS, CredentialKind::Password, &identifiers, hash()).await.expect("reads");
    assert_eq!(stage.database.statements() - start, ONE_READ);

    let done = LoginDone {
        flow: finished(&flow),
        session: new_session(ada.id).2,
        upgraded: None,
        clear_attempts: Vec::new(),
        revoke_others: false,
        code: None,
        proven: None,
        messages: Vec::new(),
        events: Vec::new(),
    };
    let start = stage.database.statements();
    store.login_complete(OURS, &done).await.expect("completes");
    // Close the flow, look at the identity, insert the session.
    assert_eq!(stage.database.statements() - start, Statements { reads: 0, writes: 3, commits: 1 });
}
