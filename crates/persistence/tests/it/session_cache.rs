//! The cache of sessions: it serves what is stored, and nothing else, on every node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use orrery_core::TokenHash;
use orrery_core::id::SessionId;
use orrery_identity::flow::{Flow, FlowKind, FlowState};
use orrery_identity::identity::{Identity, IdentityState};
use orrery_identity::session::Session;
use orrery_identity::store::{
    CodeSent, Completion, LoginDone, Recovery, RecoveryDone, Redeemed, SessionEnding, SessionSelection, SessionWrite,
    SettingsDone, SettingsStored,
};
use orrery_persistence::{Database, DatabaseConfig};
use serde_json::json;
use tokio::sync::Barrier;

use crate::login::{done, sign_in};
use crate::sample::{HOUR, NOW, code, finished, flow, identity, new_session};
use crate::stage::{Engine, OURS, Stage, on_both_engines};
use crate::wire::Wire;

on_both_engines!(
    every_change_is_seen_at_once,
    sixteen_readers_bring_no_revoked_session_back,
    what_was_undone_leaves_the_session_known,
    without_a_cache_every_session_is_read,
);

/// Long enough for whatever has to happen by itself.
const PATIENCE: Duration = Duration::from_secs(20);

async fn person(stage: &Stage, email: &str) -> Identity {
    let one = identity(email);
    stage.database.identities().identity_create(OURS, &one).await.expect("creates");
    one
}

async fn is_active(database: &Database, token: TokenHash) -> bool {
    let found = database.sessions().session_by_token(OURS, &[token]).await.expect("reads");
    found.is_some_and(|found| found.session.active)
}

/// Reads the session until it comes from the cache.
pub(crate) async fn until_known(database: &Database, token: TokenHash) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let before = database.session_cache().hits;
        assert!(is_active(database, token).await);
        if database.session_cache().hits > before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the session was never served from the cache");
}

/// One session after the other is known, changed in another way, and must then be what is stored.
struct Changes {
    stage: Stage,
    ada: Identity,
    session: Session,
    token: TokenHash,
}

impl Changes {
    async fn settled(&self) {
        let sessions = self.stage.database.sessions();
        let stored = sessions.session_by_id(OURS, self.session.id).await.expect("reads");
        let known = sessions.session_by_token(OURS, &[self.token]).await.expect("reads");
        assert_eq!(known.as_deref(), stored.as_ref());
    }

    async fn before(&self) -> Arc<orrery_identity::session::SessionWithIdentity> {
        until_known(&self.stage.database, self.token).await;
        self.stage.database.sessions().session_by_token(OURS, &[self.token]).await.expect("reads").expect("is there")
    }

    /// The change must change what the session is read as.
    async fn after(&self, before: Arc<orrery_identity::session::SessionWithIdentity>) {
        let now = self.stage.database.sessions().session_by_token(OURS, &[self.token]).await.expect("reads");
        assert_ne!(now.as_deref(), Some(&*before), "nothing has changed");
        self.settled().await;
    }

    async fn sign_in_again(&mut self) {
        (self.session, self.token) = sign_in(&self.stage, &self.ada).await;
    }

    /// The identity as it is stored, with its credentials.
    async fn stored(&self) -> Identity {
        let kinds = self.ada.credentials.keys().copied().collect();
        let found = self.stage.database.identities().identity_by_id(OURS, self.ada.id, &kinds).await;
        found.expect("reads").expect("is there")
    }

    async fn update(&self, change: impl FnOnce(&mut Identity)) {
        let mut identity = self.stored().await;
        change(&mut identity);
        let identities = self.stage.database.identities();
        identities.identity_update(OURS, &identity, &[].into()).await.expect("updates");
    }
}

async fn every_change_is_seen_at_once(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let (session, token) = sign_in(&stage, &ada).await;
    let mut at = Changes { stage, ada, session, token };
    let database = at.stage.database.clone();
    let (sessions, flows, identities) = (database.sessions(), database.flows(), database.identities());
    macro_rules! seen {
        ($change:expr) => {{
            let before = at.before().await;
            $change;
            at.after(before).await;
        }};
    }

    // Changes that leave the session active.
    seen!(at.update(|ada| drop(ada.traits.insert("name".to_owned(), json!("Ada")))).await);
    let end = at.session.expires_at + HOUR;
    seen!(sessions.session_extend(OURS, at.session.id, end, end, NOW).await.expect("extends"));
    let renewed = Session { authenticated_at: NOW + HOUR, ..at.session.clone() };
    seen!({
        let flow = flow(FlowKind::Login);
        flows.flow_create(OURS, &flow).await.expect("creates");
        let done = LoginDone { ..done(&flow, SessionWrite::Renew(renewed)) };
        assert_eq!(flows.login_complete(OURS, &done).await.expect("completes"), Completion::Done);
    });
    let verification = Flow { state: FlowState::SentEmail, ..flow(FlowKind::Verification) };
    let sent = code(&verification, &at.ada);
    seen!({
        let sent =
            CodeSent { flow: verification.clone(), code: sent.clone(), message: None, marks: sent.address.clone() };
        flows.code_send(OURS, &sent).await.expect("sends");
    });
    seen!({
        let passed = finished(&verification);
        let redeemed = flows.verification_redeem(OURS, &passed, &[sent.code], 5, &[], NOW).await.expect("redeems");
        assert!(matches!(redeemed, Redeemed::Done { .. }), "{redeemed:?}");
    });
    let settings = Flow { state: FlowState::ShowForm, identity_id: Some(at.ada.id), ..flow(FlowKind::Settings) };
    flows.flow_create(OURS, &settings).await.expect("creates");
    seen!({
        let mut identity = at.stored().await;
        identity.traits.insert("name".to_owned(), json!("Lovelace"));
        let done = SettingsDone {
            flow: settings.clone(),
            identity,
            removed: [].into(),
            session: at.session.id,
            revoke_others: false,
            verifications: Vec::new(),
            messages: Vec::new(),
            events: Vec::new(),
        };
        assert_eq!(flows.settings_complete(OURS, &done).await.expect("stores"), SettingsStored::Done);
    });

    // Changes that end it, in every way that there is.
    seen!(assert!(sessions.session_revoke(OURS, at.session.id).await.expect("revokes")));
    at.sign_in_again().await;
    seen!(assert!(sessions.session_revoke_own(OURS, at.ada.id, at.session.id).await.expect("revokes")));
    at.sign_in_again().await;
    seen!(sessions.session_revoke_others(OURS, at.ada.id, None).await.expect("revokes"));
    at.sign_in_again().await;
    for ending in [SessionEnding::Disable, SessionEnding::Delete] {
        let everybodys = SessionSelection::Everybodys { at_most: 100 };
        seen!(sessions.sessions_end(OURS, &everybodys, ending).await.expect("ends"));
        at.sign_in_again().await;
    }
    seen!({
        let (_, _, elsewhere) = new_session(at.ada.id);
        let recovery = Flow { state: FlowState::SentEmail, identity_id: Some(at.ada.id), ..flow(FlowKind::Recovery) };
        flows.flow_create(OURS, &recovery).await.expect("creates");
        let sent = CodeSent { flow: recovery.clone(), code: code(&recovery, &at.ada), message: None, marks: None };
        flows.code_send(OURS, &sent).await.expect("sends");
        let done = RecoveryDone {
            flow: finished(&recovery),
            codes: vec![sent.code.code],
            max_submissions: 5,
            session: elsewhere,
            settings: Flow { state: FlowState::ShowForm, ..flow(FlowKind::Settings) },
            revoke_others: true,
            events: Vec::new(),
        };
        assert_eq!(flows.recovery_complete(OURS, &done).await.expect("enters"), Recovery::Done);
    });
    at.sign_in_again().await;
    seen!(sessions.session_delete_all(OURS, at.ada.id).await.expect("deletes"));
    at.sign_in_again().await;
    seen!(database.sweep(at.session.expires_at + HOUR * 48, 100).await.expect("sweeps"));
    at.sign_in_again().await;
    seen!(at.update(|ada| ada.state = IdentityState::Inactive).await);
    at.update(|ada| ada.state = IdentityState::Active).await;
    seen!(assert!(identities.identity_delete(OURS, at.ada.id).await.expect("deletes")));
}

/// While readers keep reading, the session is revoked. From the moment on that this is acknowledged, no answer says that it is
/// active, however the reads and the revocation meet.
async fn sixteen_readers_bring_no_revoked_session_back(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    for _ in 0..16 {
        let (session, token) = sign_in(&stage, &ada).await;
        until_known(&stage.database, token).await;
        let (revoked, start) = (Arc::new(AtomicBool::new(false)), Arc::new(Barrier::new(17)));
        let readers: Vec<_> = (0..16)
            .map(|_| {
                let (database, revoked, start) = (stage.database.clone(), Arc::clone(&revoked), Arc::clone(&start));
                tokio::spawn(async move {
                    start.wait().await;
                    let mut late = 0;
                    while late < 3 {
                        let acknowledged = revoked.load(Ordering::SeqCst);
                        let active = is_active(&database, token).await;
                        assert!(!(acknowledged && active), "a revoked session was served");
                        late += u32::from(acknowledged);
                        // Another change of the same identity makes the readers read again, so that reads overtake each other.
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        start.wait().await;
        // Voids the entry, so that many reads are on their way when the session is revoked.
        let before = session.expires_at + HOUR;
        let sessions = stage.database.sessions();
        sessions.session_extend(OURS, session.id, before, before, NOW).await.expect("extends");
        assert!(sessions.session_revoke(OURS, session.id).await.expect("revokes"));
        revoked.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.expect("served nothing old");
        }
    }
}

/// A change that is rolled back may void what is known, but must not leave anything wrong behind.
async fn what_was_undone_leaves_the_session_known(stage: Stage) {
    let (ada, bob) = (person(&stage, "ada@example.org").await, person(&stage, "bob@example.org").await);
    let (session, token) = sign_in(&stage, &ada).await;
    until_known(&stage.database, token).await;
    let mut taken = ada.clone();
    taken.verifiable_addresses.clone_from(&bob.verifiable_addresses);
    let refused = stage.database.identities().identity_update(OURS, &taken, &[].into()).await;
    assert!(refused.is_err(), "the address is taken");
    let known = stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads").expect("is there");
    let stored = stage.database.sessions().session_by_id(OURS, session.id).await.expect("reads").expect("is there");
    assert_eq!(*known, stored);
}

async fn without_a_cache_every_session_is_read(stage: Stage) {
    let ada = person(&stage, "ada@example.org").await;
    let (_, token) = sign_in(&stage, &ada).await;
    let config = DatabaseConfig { session_cache: 0, ..stage.place.config() };
    let database = Database::connect(&config).expect("opens");
    for reads in 1..4 {
        assert!(is_active(&database, token).await);
        assert_eq!(database.statements().reads, reads);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_hears_soon_what_another_program_writes() {
    let stage = Stage::new(Engine::Sqlite).await;
    let ada = person(&stage, "ada@example.org").await;
    let (_, token) = sign_in(&stage, &ada).await;
    until_known(&stage.database, token).await;
    stage.beside().run("UPDATE sessions SET active = 0");
    let begun = Instant::now();
    while is_active(&stage.database, token).await {
        assert!(begun.elapsed() < PATIENCE, "never heard");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_in_memory_is_cached_too() {
    let database = Database::connect(&DatabaseConfig::new("memory")).expect("opens");
    database.migrate_up().await.expect("migrates");
    let ada = identity("ada@example.org");
    database.identities().identity_create(OURS, &ada).await.expect("creates");
    let (session, token, write) = new_session(ada.id);
    let flow = flow(FlowKind::Login);
    database.flows().flow_create(OURS, &flow).await.expect("creates");
    database.flows().login_complete(OURS, &done(&flow, write)).await.expect("completes");
    until_known(&database, token).await;
    database.sessions().session_revoke(OURS, session.id).await.expect("revokes");
    assert!(!is_active(&database, token).await);
}

/// Two nodes on one database, and a person signed in.
struct Nodes {
    one: Stage,
    other: Database,
    ada: Identity,
}

impl Nodes {
    async fn new() -> Self {
        let one = Stage::new(Engine::Postgres).await;
        let other = Database::connect(&one.place.config()).expect("opens");
        let ada = person(&one, "ada@example.org").await;
        Self { one, other, ada }
    }

    async fn revoke(&self, session: SessionId) {
        assert!(self.one.database.sessions().session_revoke(OURS, session).await.expect("revokes"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_nodes_hear_of_each_others_changes() {
    let nodes = Nodes::new().await;
    for _ in 0..16 {
        let (session, token) = sign_in(&nodes.one, &nodes.ada).await;
        until_known(&nodes.one.database, token).await;
        until_known(&nodes.other, token).await;
        nodes.revoke(session.id).await;
        assert!(!is_active(&nodes.one.database, token).await, "this node revoked it");
        let begun = Instant::now();
        while is_active(&nodes.other, token).await {
            assert!(begun.elapsed() < Duration::from_secs(1), "the other node was not told");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Whatever is written, by whatever program: the triggers tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_tells_of_what_another_program_writes() {
    let nodes = Nodes::new().await;
    let (_, token) = sign_in(&nodes.one, &nodes.ada).await;
    until_known(&nodes.one.database, token).await;
    nodes.one.beside().run("UPDATE sessions SET active = false");
    let begun = Instant::now();
    while is_active(&nodes.one.database, token).await {
        assert!(begun.elapsed() < Duration::from_secs(1), "was not told");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_node_that_is_cut_off_serves_nothing_that_it_knew() {
    let Nodes { one, ada, .. } = Nodes::new().await;
    let wire = Wire::to(&one.place.url).await;
    let other = Database::connect(&DatabaseConfig::new(wire.url.clone())).expect("opens");
    let (session, token) = sign_in(&one, &ada).await;
    until_known(&other, token).await;

    wire.cut();
    let begun = Instant::now();
    // The next look at the connection tells.
    while other.sessions().session_by_token(OURS, &[token]).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(1), "served without a connection");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    one.database.sessions().session_revoke(OURS, session.id).await.expect("revokes");
    for _ in 0..50 {
        assert!(other.sessions().session_by_token(OURS, &[token]).await.is_err(), "an outage is told, never the past");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    wire.mend();
    // What it hears first is what it missed.
    let begun = Instant::now();
    loop {
        match other.sessions().session_by_token(OURS, &[token]).await {
            Ok(found) => break assert!(!found.expect("is there").session.active),
            Err(_) => assert!(begun.elapsed() < PATIENCE, "never connected again"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (_, fresh) = sign_in(&one, &ada).await;
    until_known(&other, fresh).await;
}

/// A connection that loses every packet says nothing of that. Such a node may serve what it knew for three seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_node_that_hears_nothing_stops_trusting_what_it_knew() {
    let Nodes { one, ada, .. } = Nodes::new().await;
    let wire = Wire::to(&one.place.url).await;
    let config = DatabaseConfig { timeout: Duration::from_millis(200), ..DatabaseConfig::new(wire.url.clone()) };
    let other = Database::connect(&config).expect("opens");
    let (session, token) = sign_in(&one, &ada).await;
    until_known(&other, token).await;
    wire.silence();
    one.database.sessions().session_revoke(OURS, session.id).await.expect("revokes");
    let begun = Instant::now();
    while other.sessions().session_by_token(OURS, &[token]).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_millis(3_500), "trusted for too long");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(other.sessions().session_by_token(OURS, &[token]).await.is_err(), "an outage is told, never the past");
}
