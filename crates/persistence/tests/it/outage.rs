//! Losing the database: callers hear it at once, nothing is half written, and service resumes by itself.

use std::time::Duration;

use orrery_core::StoreError;
use orrery_identity::flow::FlowKind;
use orrery_identity::store::{Completion, SessionEnding, SessionSelection};
use orrery_persistence::{Database, DatabaseConfig};
use tokio::net::TcpListener;

use crate::registration::done;
use crate::sample::{NOW, flow, hash, identity, key, message};
use crate::stage::{Beside, Engine, OURS, Place, Stage};
use crate::wire::Wire;

/// The other connections to this database that wait for a lock.
const WAITING: &str = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                       AND wait_event_type = 'Lock'";

/// Ends the one connection that waits for a lock, once there is one.
fn end_waiting(beside: &mut Beside) {
    while beside.count(&format!("SELECT count(*) AS count {WAITING}")) == 0 {}
    beside.run(&format!("SELECT pg_terminate_backend(pid) {WAITING}"));
}

fn unavailable<T: std::fmt::Debug>(outcome: Result<T, StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_connection_lost_in_the_middle_of_a_write_leaves_nothing_behind() {
    let stage = Stage::new(Engine::Postgres).await;
    let (flow, ada) = (flow(FlowKind::Registration), identity("ada@example.org"));
    let store = stage.database.flows();
    store.flow_create(OURS, &flow).await.expect("creates");
    let done = done(&flow, &ada);
    // The last table that a registration writes: everything else is written by then.
    let mut beside = stage.beside();
    beside.hold("messages");
    let call = tokio::spawn({
        let (store, done) = (store.clone(), done.clone());
        async move { store.registration_complete(OURS, &done).await }
    });
    end_waiting(&mut beside);
    unavailable(call.await.expect("does not panic"));
    beside.release();
    for (table, rows) in [("identities", 0), ("credential_identifiers", 0), ("sessions", 0), ("flow_codes", 0)] {
        assert_eq!(beside.rows(table), rows, "{table}");
    }
    assert_eq!(store.flow_by_id(OURS, FlowKind::Registration, flow.id).await.expect("reads"), Some(flow));
    assert_eq!(store.registration_complete(OURS, &done).await.expect("completes"), Completion::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_connection_lost_in_any_kind_of_call_is_unavailable_and_never_not_found() {
    let stage = Stage::new(Engine::Postgres).await;
    let database = &stage.database;
    let ada = identity("ada@example.org");
    database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (_, token) = crate::login::sign_in(&stage, &ada).await;

    // A table to hold, and a call that needs it.
    macro_rules! lost {
        ($table:literal, $call:expr) => {{
            let mut beside = stage.beside();
            beside.hold($table);
            let database = database.clone();
            let call = tokio::spawn(async move { ($call)(database).await });
            end_waiting(&mut beside);
            unavailable(call.await.expect("does not panic"));
            beside.release();
        }};
    }
    lost!("sessions", async |db: Database| db.sessions().session_by_token(OURS, &[token]).await);
    lost!("sessions", async |db: Database| db.sessions().session_revoke_others(OURS, ada.id, None).await);
    lost!("sessions", async |db: Database| {
        db.sessions().sessions_end(OURS, &SessionSelection::Everybodys { at_most: 1 }, SessionEnding::Delete).await
    });
    lost!("identities", async |db: Database| db.identities().identity_by_id(OURS, ada.id, &[].into()).await);
    lost!("identities", async |db: Database| db.identities().identity_delete(OURS, ada.id).await);
    lost!("flows", async |db: Database| db.flows().flow_create(OURS, &flow(FlowKind::Login)).await);
    lost!("flows", async |db: Database| db.sweep(NOW, 10).await);
    lost!("attempt_counters", async |db: Database| db
        .attempts()
        .attempt_failed(OURS, &crate::attempt::failed(hash(), NOW))
        .await);
    lost!("keys", async |db: Database| db.keys().put_key(OURS, &key("set", "kid")).await);
    lost!("messages", async |db: Database| db.messages().message_enqueue(OURS, &message("a@example.org")).await);

    // Service has resumed by itself, and everything is as it was.
    let session = database.sessions().session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    assert!(session.session.active);
    let mut beside = stage.beside();
    for (table, rows) in [("identities", 1), ("flows", 1), ("attempt_counters", 0), ("keys", 0), ("messages", 0)] {
        assert_eq!(beside.rows(table), rows, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_cannot_be_reached_is_told_at_once_and_found_again() {
    let place = Place::new(Engine::Postgres);
    let wire = Wire::to(&place.url).await;
    let config = DatabaseConfig { connections: 4, ..DatabaseConfig::new(wire.url.clone()) };
    let stage = place.open(&config).await;
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");

    wire.cut();
    for _ in 0..50 {
        unavailable(stage.database.identities().identity_by_id(OURS, ada.id, &[].into()).await);
    }
    wire.mend();
    let mut outcome = stage.database.identities().identity_by_id(OURS, ada.id, &[].into()).await;
    while matches!(outcome, Err(StoreError::Unavailable(_))) {
        outcome = stage.database.identities().identity_by_id(OURS, ada.id, &[].into()).await;
    }
    assert!(outcome.expect("reads").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_does_not_answer_keeps_no_caller_waiting() {
    let place = Place::new(Engine::Postgres);
    let config = DatabaseConfig { connections: 2, timeout: Duration::from_millis(300), ..place.config() };
    let usual = place.config();
    let stage = place.open(&usual).await;
    let database = Database::connect(&config).expect("opens");
    let mut beside = stage.beside();
    beside.hold("keys");
    for _ in 0..3 {
        unavailable(database.keys().keys(OURS, "set").await);
    }
    beside.release();
    // The statements were cancelled, so that the connections are free again.
    let mut outcome = database.keys().keys(OURS, "set").await;
    while matches!(outcome, Err(StoreError::Unavailable(_))) {
        outcome = database.keys().keys(OURS, "set").await;
    }
    assert!(outcome.expect("reads").is_empty());
}

#[tokio::test]
async fn postgres_that_is_not_there_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("has an address").port();
    drop(listener);
    let url = format!("postgres://nobody:secret@127.0.0.1:{port}/nothing");
    let database = Database::connect(&DatabaseConfig::new(url)).expect("the URL is fine");
    let error = database.ping().await.expect_err("nobody answers");
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("secret"), "the password is not repeated");
    assert!(database.check_schema().await.is_err());
}
