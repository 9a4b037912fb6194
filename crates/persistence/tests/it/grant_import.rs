//! Grants of a Hydra: brought in once, and found again while nothing of them was used here.

use orrery_core::TokenHash;
use orrery_core::id::{GrantId, IdentityId};
use orrery_core::moving::{Source as _, SourceKey};
use orrery_oauth2::client::Client;
use orrery_oauth2::grant::Grant;
use orrery_oauth2::hydra::Table;
use orrery_oauth2::store::{GrantImported, ImportedGrant, Rotated, Rotation};
use orrery_oauth2::token::StoredToken;
use orrery_persistence::{Database, ForeignDatabase, Product, SchemaError};
use uuid::Uuid;

use crate::oauth2_sample::{SUBJECT, grant, login_session, registered};
use crate::sample::{HOUR, NOW, hash, identity};
use crate::stage::{Engine, OURS, Place, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_grant_is_brought_in_once,
    of_sixteen_copies_one_stores,
    what_was_used_here_is_no_longer_theirs,
    the_account_behind_a_subject_is_found,
    another_project_sees_none_of_it,
);

/// The tables and rows of a Hydra.
const POSTGRES: &str = include_str!("../hydra/postgres.sql");
const SQLITE: &str = include_str!("../hydra/sqlite.sql");
const ROWS: &str = include_str!("../hydra/rows.sql");

const NETWORK: Uuid = Uuid::from_u128(0x4000_9000_0000_0000_0001);
const ANOTHER: Uuid = Uuid::from_u128(0x4000_9000_0000_0000_0002);

fn refresh(grant: &Grant) -> StoredToken {
    StoredToken::refresh(grant, hash(), NOW, Some(NOW + HOUR))
}

/// A family with a live refresh token.
fn family(client: &Client) -> ImportedGrant {
    let grant = Grant { remember: false, ..grant(client, login_session().id) };
    ImportedGrant { refresh: Some(refresh(&grant)), grant }
}

async fn import(stage: &Stage, grants: &[ImportedGrant]) -> Vec<GrantImported> {
    stage.database.grant_imports().grants_import(OURS, NETWORK, grants).await.expect("imports")
}

async fn theirs(stage: &Stage) -> Vec<GrantId> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = stage.database.grant_imports().grants_imported(OURS, NETWORK, after, 2).await.expect("lists");
        let Some(last) = page.last() else { return all };
        after = Some(*last);
        all.extend(page);
    }
}

fn sorted(mut ids: Vec<GrantId>) -> Vec<GrantId> {
    ids.sort_unstable();
    ids
}

async fn a_grant_is_brought_in_once(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (one, other) = (family(&client), family(&client));
    let orphan = family(&Client { id: "gone".parse().expect("an id"), ..client.clone() });
    let all = [one.clone(), other.clone(), orphan];
    let stored = import(&stage, &all).await;
    assert_eq!(stored, [GrantImported::Stored, GrantImported::Stored, GrantImported::Orphan]);
    assert_eq!(import(&stage, &all).await, [GrantImported::Known, GrantImported::Known, GrantImported::Orphan]);
    let found = stage.database.tokens().refresh_token_of(OURS, one.grant.id).await.expect("reads").expect("is there");
    assert_eq!((found.grant, Some(found.token)), (Some(one.grant.clone()), one.refresh));
    assert_eq!(theirs(&stage).await, sorted(vec![one.grant.id, other.grant.id]));
    assert_eq!(import(&stage, &[]).await, []);
    let nobodys = stage.database.grant_imports().grants_imported(OURS, ANOTHER, None, 10).await.expect("lists");
    assert_eq!(nobodys, [], "another network");
}

async fn of_sixteen_copies_one_stores(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (imports, one) = (stage.database.grant_imports(), family(&client));
    let outcomes = sixteen_times(|| {
        let (imports, one) = (imports.clone(), one.clone());
        async move { imports.grants_import(OURS, NETWORK, &[one]).await.expect("imports") }
    });
    let outcomes = outcomes.await.concat();
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == GrantImported::Stored).count(), 1, "{outcomes:?}");
    assert_eq!(theirs(&stage).await, [one.grant.id]);
}

async fn what_was_used_here_is_no_longer_theirs(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (used, unused) = (family(&client), family(&client));
    import(&stage, &[used.clone(), unused.clone()]).await;
    let before = used.refresh.clone().expect("a token");
    let successor = StoredToken { hash: TokenHash([9; 32]), parent: Some(before.hash), ..before.clone() };
    let rotation =
        Rotation { used: before.hash, grant: used.grant.id, successor, access: None, grant_until: NOW + HOUR };
    assert_eq!(stage.database.tokens().refresh_rotate(OURS, &rotation).await.expect("rotates"), Rotated::Done);
    assert_eq!(theirs(&stage).await, [unused.grant.id]);
    assert_eq!(import(&stage, std::slice::from_ref(&used)).await, [GrantImported::Known]);
    // Somebody read the list before the token was used.
    let (imports, both) = (stage.database.grant_imports(), [used.grant.id, unused.grant.id]);
    assert_eq!(imports.grants_take_back(THEIRS, NETWORK, &both).await.expect("asks"), 0, "in another project");
    assert_eq!(imports.grants_take_back(OURS, ANOTHER, &both).await.expect("asks"), 0, "of another tenant");
    assert_eq!(imports.grants_take_back(OURS, NETWORK, &both).await.expect("takes back"), 1);
    assert_eq!((theirs(&stage).await, stage.beside().rows("grants")), (Vec::new(), 1));
}

async fn the_account_behind_a_subject_is_found(stage: Stage) {
    let client = registered(&stage, "app").await;
    let ada = identity("ada@example.org");
    stage.database.identities().identity_create(OURS, &ada).await.expect("creates");
    let of = |subject: &str| {
        let family = family(&client);
        ImportedGrant { grant: Grant { subject: subject.to_owned(), ..family.grant }, ..family }
    };
    let nobody = IdentityId::from_uuid(Uuid::from_u128(7)).to_string();
    let all = [of(&ada.id.to_string()), of(&nobody), of(SUBJECT)];
    import(&stage, &all).await;
    let mut accounts = Vec::new();
    for imported in &all {
        let found = stage.database.tokens().refresh_token_of(OURS, imported.grant.id).await.expect("reads");
        accounts.push(found.and_then(|found| found.grant).expect("is there").identity);
    }
    assert_eq!(accounts, [Some(ada.id), None, None]);
}

async fn another_project_sees_none_of_it(stage: Stage) {
    let client = registered(&stage, "app").await;
    let imports = stage.database.grant_imports();
    let foreign = imports.grants_import(THEIRS, NETWORK, &[family(&client)]).await.expect("asks");
    assert_eq!(foreign, [GrantImported::Orphan], "the client is of this project");
    import(&stage, &[family(&client)]).await;
    assert_eq!(imports.grants_imported(THEIRS, NETWORK, None, 10).await.expect("lists"), []);
}

async fn every_row_of_a_hydra_is_read(engine: Engine) {
    let place = Place::new(engine);
    let tables = if engine == Engine::Sqlite { SQLITE } else { POSTGRES };
    place.beside().script(&format!("{tables}\n{ROWS}"));
    let source = ForeignDatabase::connect(&place.config(), Product::Hydra).expect("opens");
    assert_eq!(source.networks().await.expect("reads"), [NETWORK]);
    let expected = [4, 3, 3, 5, 6];
    for (table, rows) in Table::ALL.into_iter().zip(expected) {
        assert_eq!(source.count(table.source(), NETWORK).await.expect("counts"), rows, "{}", table.name());
        let (mut seen, mut after) = (0, None);
        loop {
            let page = source.page(table.source(), NETWORK, after, 2).await.expect("reads");
            if page.rows.is_empty() {
                break;
            }
            seen += page.rows.len() as u64;
            after = page.last;
        }
        assert_eq!(seen, rows, "{} page by page", table.name());
    }
    let (owner, names) = (SourceKey::Text("consent_challenge_id"), ["c2".to_owned(), "no'body".to_owned()]);
    let found = source.belonging(Table::Flows.source(), NETWORK, owner, &names).await.expect("reads");
    assert_eq!((found.len(), found[0].text("login_challenge")), (1, Some("f2")));
    let kratos = ForeignDatabase::connect(&place.config(), Product::Kratos).err().expect("refused");
    assert!(kratos.to_string().contains("identity_credential_types"), "{kratos}");

    let database = Database::connect(&place.config()).expect("opens");
    for refused in [
        database.migrate_up().await.map(|_| ()),
        database.migrate_down(1).await.map(|_| ()),
        database.migration_status().await.map(|_| ()),
        database.check_schema().await,
    ] {
        assert!(matches!(refused, Err(SchemaError::Foreign(Product::Hydra))), "{refused:?}");
    }
    if let Some(path) = place.url.strip_prefix("sqlite://") {
        // Two bytes say how a file is written (database file format, 1.3.3): 1 is a rollback journal, 2 a write-ahead log.
        let header = std::fs::read(path).expect("a file");
        assert_eq!(header[18..20], [1, 1], "the file is written as before");
    }
}

#[tokio::test]
async fn every_row_of_a_hydra_is_read_on_sqlite() {
    every_row_of_a_hydra_is_read(Engine::Sqlite).await;
}

#[tokio::test]
async fn every_row_of_a_hydra_is_read_on_postgres() {
    every_row_of_a_hydra_is_read(Engine::Postgres).await;
}
