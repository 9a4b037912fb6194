//! Moving in from Kratos: its tables are read on both databases, only read, and never taken for ours.

use orrery_core::Timestamp;
use orrery_core::id::{DispatchId, IdentityId, MessageId, SessionId};
use orrery_core::moving::{Source as _, SourceKey};
use orrery_courier::message::{Channel, Dispatch, DispatchStatus, Message, MessageStatus, SealedContent, TemplateType};
use orrery_identity::kratos::Table;
use orrery_identity::session::Session;
use orrery_identity::store::{Imported, ImportedMessage, ImportedSession};
use orrery_persistence::{Database, DatabaseConfig, ForeignDatabase, Product, SchemaError};
use uuid::Uuid;

use crate::sample::{HOUR, NOW, entropy, hash, identity, session};
use crate::stage::{Engine, OURS, Place, Stage, THEIRS, on_both_engines};

on_both_engines!(
    sessions_are_brought_in_and_kept_up_to_date,
    what_was_revoked_here_stays_revoked,
    messages_are_brought_in_once,
);

/// The tables and rows of a Kratos.
const POSTGRES: &str = include_str!("../kratos/postgres.sql");
const SQLITE: &str = include_str!("../kratos/sqlite.sql");
const ROWS: &str = include_str!("../kratos/rows.sql");

const NETWORK: Uuid = Uuid::from_u128(0x4000_9000_0000_0000_0001);
const OWNER: SourceKey = SourceKey::Id("identity_id");
const ADA: Uuid = Uuid::from_u128(0x0000_0001_0000_4000_a000_0000_0000_0001);

fn kratos(engine: Engine) -> Place {
    let place = Place::new(engine);
    let mut beside = place.beside();
    let tables = if engine == Engine::Sqlite { SQLITE } else { POSTGRES };
    beside.script(&format!("{tables}\n{}", ROWS.replace("@NOW@", "2026-11-01 00:00:00")));
    place
}

async fn every_row_is_read(engine: Engine) {
    let place = kratos(engine);
    let source = ForeignDatabase::connect(&place.config(), Product::Kratos).expect("opens");
    let networks = source.networks().await.expect("reads");
    assert_eq!(networks, [NETWORK]);
    let types = source.all("identity_credential_types").await.expect("reads");
    assert!(types.len() == 8 && types.iter().any(|row| row.text("name") == Some("lookup_secret")), "{types:?}");
    let expected = [5, 12, 11, 3, 1, 5, 2, 7, 3];
    for (table, rows) in Table::ALL.into_iter().zip(expected) {
        assert_eq!(source.count(table.source(), NETWORK).await.expect("counts"), rows, "{}", table.name());
        assert_eq!(source.count(table.source(), Uuid::nil()).await.expect("counts"), 0, "another network");
    }

    // Page by page, in the order of ids, and nothing of another network.
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = source.page(Table::Identities.source(), NETWORK, after, 2).await.expect("reads");
        if page.rows.is_empty() {
            break;
        }
        after = page.last;
        seen.extend(page.rows);
    }
    let ids: Vec<_> = seen.iter().map(|row| row.0["id"].as_str().expect("an id")).collect();
    assert!(ids.len() == 5 && ids.is_sorted(), "{ids:?}");
    assert!(seen[0].0.contains_key("metadata_admin") && seen[0].0["external_id"] == "customer-17");

    let belonging =
        source.belonging(Table::Credentials.source(), NETWORK, OWNER, &[ADA.to_string()]).await.expect("reads");
    assert_eq!(belonging.len(), 8);
    let nobody = source.belonging(Table::Credentials.source(), NETWORK, OWNER, &[]).await.expect("reads");
    assert!(nobody.is_empty());
}

/// An installation from before a table and some columns were invented.
async fn older_installations_are_read(engine: Engine) {
    let place = kratos(engine);
    let mut beside = place.beside();
    beside.run("DROP TABLE session_devices");
    beside.run("ALTER TABLE identities DROP COLUMN external_id");
    let source = ForeignDatabase::connect(&place.config(), Product::Kratos).expect("opens");
    assert_eq!(source.count(Table::SessionDevices.source(), NETWORK).await.expect("counts"), 0);
    assert!(source.page(Table::SessionDevices.source(), NETWORK, None, 10).await.expect("reads").rows.is_empty());
    let page = source.page(Table::Identities.source(), NETWORK, None, 1).await.expect("reads").rows;
    assert!(!page[0].0.contains_key("external_id") && page[0].0["id"] == ADA.to_string());
}

async fn migrations_refuse_the_database_of_kratos(engine: Engine) {
    let place = kratos(engine);
    let database = Database::connect(&place.config()).expect("opens");
    for refused in [
        database.migrate_up().await.map(|_| ()),
        database.migrate_down(1).await.map(|_| ()),
        database.migration_status().await.map(|_| ()),
        database.check_schema().await,
    ] {
        assert!(matches!(refused, Err(SchemaError::Foreign(Product::Kratos))), "{refused:?}");
    }
    assert_eq!(place.beside().rows("identities"), 6, "nothing was touched");
    let ours = Place::new(engine);
    let config = ours.config();
    let elsewhere = ours.open(&config).await;
    let none = ForeignDatabase::connect(&elsewhere.place.config(), Product::Kratos).err().expect("refused").to_string();
    assert!(none.contains("networks"), "{none}");
}

macro_rules! on_kratos {
    ($($name:ident),+ $(,)?) => {
        mod kratos_on_sqlite {$(
            #[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Sqlite).await;
            }
        )+}

        mod kratos_on_postgres {$(
            #[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Postgres).await;
            }
        )+}
    };
}
on_kratos!(every_row_is_read, older_installations_are_read, migrations_refuse_the_database_of_kratos);

fn imported(owner: IdentityId, updated_at: Timestamp) -> ImportedSession {
    ImportedSession { session: session(owner), token: hash(), created_at: NOW, updated_at }
}

async fn sessions_are_brought_in_and_kept_up_to_date(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let store = stage.database.imports();
    let first = imported(ada.id, NOW);
    let orphan = imported(IdentityId::generate(&entropy()), NOW);
    let stored = store.sessions_import(OURS, &[first.clone(), orphan]).await.expect("imports");
    assert_eq!(stored, [Imported::Stored, Imported::Orphan]);
    let read = async || {
        let found = stage.database.sessions().session_by_token(OURS, &[first.token]).await.expect("reads");
        found.map(|found| found.session.clone())
    };
    assert_eq!(read().await, Some(first.session.clone()));
    assert_eq!(store.sessions_import(THEIRS, std::slice::from_ref(&first)).await.expect("asks"), [Imported::Orphan]);

    // The same again, an older state, a newer one.
    let ended = |updated_at| ImportedSession {
        session: Session { active: false, ..first.session.clone() },
        updated_at,
        ..first.clone()
    };
    for (again, outcome, active) in [
        (first.clone(), Imported::Known, true),
        (ended(NOW - HOUR), Imported::Known, true),
        (ended(NOW + HOUR), Imported::Stored, false),
    ] {
        assert_eq!(store.sessions_import(OURS, &[again]).await.expect("imports"), [outcome]);
        assert_eq!(read().await.expect("is there").active, active);
    }
    assert_eq!(store.sessions_import(OURS, &[]).await.expect("imports"), []);
}

async fn what_was_revoked_here_stays_revoked(stage: Stage) {
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let store = stage.database.imports();
    let first = imported(ada.id, NOW);
    store.sessions_import(OURS, std::slice::from_ref(&first)).await.expect("imports");
    assert!(stage.database.sessions().session_revoke(OURS, first.session.id).await.expect("revokes"));
    let newer = ImportedSession { updated_at: NOW + HOUR, ..first.clone() };
    assert_eq!(store.sessions_import(OURS, &[newer]).await.expect("imports"), [Imported::Known]);
    let found = stage.database.sessions().session_by_id(OURS, first.session.id).await.expect("reads");
    assert!(!found.expect("is there").session.active);
    let none = stage.database.sessions().session_by_id(OURS, SessionId::generate(&entropy())).await.expect("reads");
    assert!(none.is_none());
}

async fn messages_are_brought_in_once(stage: Stage) {
    let store = stage.database.imports();
    let message = Message {
        id: MessageId::generate(&entropy()),
        status: MessageStatus::Sent,
        channel: Channel::Email,
        recipient: "ada@example.org".to_owned(),
        template_type: TemplateType::RecoveryCodeValid,
        content: SealedContent(vec![1, 2, 3]),
        send_count: 2,
        created_at: NOW,
        updated_at: NOW,
        send_after: NOW,
    };
    let dispatch = Dispatch {
        id: DispatchId::generate(&entropy()),
        status: DispatchStatus::Failed,
        error: Some("refused".to_owned()),
        created_at: NOW,
    };
    let imported =
        ImportedMessage { message: message.clone(), expires_at: NOW + HOUR, dispatches: vec![dispatch.clone()] };
    for outcome in [Imported::Stored, Imported::Known] {
        let stored = store.messages_import(OURS, std::slice::from_ref(&imported)).await.expect("imports");
        assert_eq!(stored, [outcome]);
    }
    let messages = stage.database.messages();
    let found = messages.message_find(OURS, message.id).await.expect("reads");
    assert_eq!(found, Some((message.clone(), vec![dispatch])));
    assert_eq!(messages.message_find(THEIRS, message.id).await.expect("reads"), None);
    let claim = orrery_courier::store::Claim {
        lease: orrery_courier::store::LeaseToken::generate(&entropy()),
        now: NOW + HOUR,
        lease_until: NOW + HOUR * 2,
        limit: 10,
    };
    assert!(messages.messages_claim(claim).await.expect("claims").is_empty(), "nobody sends it again");
    assert!(stage.database.sweep(NOW + HOUR, 10).await.expect("sweeps").messages > 0, "it goes in its time");
}

#[test]
fn a_database_in_memory_is_none_of_kratos() {
    assert!(ForeignDatabase::connect(&DatabaseConfig::new("memory"), Product::Kratos).is_err());
}
