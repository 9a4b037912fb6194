//! What was acknowledged survives SIGKILL.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use orrery_core::id::IdentityId;
use orrery_persistence::{Database, DatabaseConfig};

use crate::sample::{entropy, identity};
use crate::stage::{Engine, OURS, Place, Stage};
use orrery_core::EntropyExt;

/// Tells [`a_writer_acknowledges_what_it_has_stored`] which database to fill until it is killed.
const FILL: &str = "ORRERY_TEST_FILL";

const WRITERS: usize = 32;
const ACKNOWLEDGED_BEFORE_THE_END: usize = 400;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_what_it_acknowledged_when_the_process_is_killed() {
    kept(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_keeps_what_it_acknowledged_when_the_process_is_killed() {
    kept(Engine::Postgres).await;
}

async fn kept(engine: Engine) {
    let place = Place::new(engine);
    let config = place.config();
    {
        let database = Database::connect(&config).expect("opens");
        database.migrate_up().await.expect("migrates");
    }
    let acknowledged = killed_writer(&place.url);
    assert!(acknowledged.len() >= ACKNOWLEDGED_BEFORE_THE_END);

    let stage = place.open(&config).await;
    let store = stage.database.identities();
    for id in &acknowledged {
        let read = store.identity_by_id(OURS, *id, &[].into()).await.expect("reads");
        assert!(read.is_some(), "identity {id} was acknowledged and is lost");
    }
    let mut beside = stage.beside();
    assert!(beside.rows("identities") >= i64::try_from(acknowledged.len()).expect("small"));
    let halves = "SELECT count(*) AS count FROM identities i WHERE NOT EXISTS (SELECT 1 FROM credential_identifiers c \
                  WHERE c.project_id = i.project_id AND c.identity_id = i.id)";
    assert_eq!(beside.count(halves), 0, "no identity is half written");
    if engine == Engine::Sqlite {
        let sound = "SELECT count(*) AS count FROM pragma_integrity_check WHERE integrity_check = 'ok'";
        assert_eq!(beside.count(sound), 1);
    }
}

/// Runs this test program once more as a writer, kills it under load, and returns what it had acknowledged.
fn killed_writer(url: &str) -> Vec<IdentityId> {
    let mut child = Command::new(std::env::current_exe().expect("knows itself"))
        .args(["--exact", "durability::a_writer_acknowledges_what_it_has_stored", "--nocapture"])
        .env(FILL, url)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let mut acknowledged = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
        // The last line may be torn.
        let line = line.unwrap_or_default();
        if let Some(id) = line.split("acknowledged ").nth(1).and_then(|id| id.trim().parse().ok()) {
            acknowledged.push(id);
        }
        if acknowledged.len() >= ACKNOWLEDGED_BEFORE_THE_END && !killed {
            child.kill().expect("SIGKILL");
            killed = true;
        }
    }
    let status = child.wait().expect("ends");
    assert!(killed && !status.success(), "the writer ended by itself: {status}");
    acknowledged
}

/// By itself: a few hundred concurrent writes are all there afterwards. Started by the tests above: writes for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_writer_acknowledges_what_it_has_stored() {
    #[expect(clippy::disallowed_methods, reason = "the test program hands it to itself")]
    if let Ok(url) = std::env::var(FILL) {
        let database = Database::connect(&DatabaseConfig::new(url)).expect("opens");
        write(&database, usize::MAX).await;
        return;
    }
    let stage = Stage::new(Engine::Sqlite).await;
    write(&stage.database, 10).await;
    assert_eq!(stage.beside().rows("identities"), i64::try_from(WRITERS * 10).expect("small"));
}

/// Every writer stores `each` identities and says so on standard output.
async fn write(database: &Database, each: usize) {
    let writers = (0..WRITERS).map(|_| {
        let store = database.identities();
        tokio::spawn(async move {
            for _ in 0..each {
                let one = identity(&format!("{}@example.org", entropy().uuid()));
                store.identity_create(OURS, &one).await.expect("stores");
                let mut output = std::io::stdout().lock();
                writeln!(output, "acknowledged {}", one.id).and_then(|()| output.flush()).expect("is heard");
            }
        })
    });
    for writer in futures_util::future::join_all(writers).await {
        writer.expect("does not panic");
    }
}
