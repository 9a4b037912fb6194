//! OAuth2 clients.

use std::time::{Duration, Instant};

use orrery_core::error::Conflict;
use orrery_core::{PageRequest, StoreError};
use orrery_oauth2::client::{Client, ClientId, ClientRecord, SecretHash};
use orrery_oauth2::store::{ClientFilter, Updated};
use serde_json::json;

use crate::sample::{HOUR, NOW, client, hash};
use crate::stage::{Engine, OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_created_is_read_back,
    an_id_is_taken_once,
    an_update_replaces_everything_but_never_a_newer_one,
    one_of_sixteen_updates_wins,
    lists_are_in_order_and_filtered,
    deleting_ends_everything_the_client_was_given,
    another_project_sees_and_changes_nothing,
    a_known_client_is_read_once_and_every_change_is_seen,
);

fn id(text: &str) -> ClientId {
    text.parse().expect("a client_id")
}

async fn what_is_created_is_read_back(stage: Stage) {
    let store = stage.database.clients();
    let full = client("full");
    store.client_create(OURS, &full).await.expect("creates");
    assert_eq!(store.client_by_id(OURS, &full.client.id).await.expect("reads").as_deref(), Some(&full));
    let mut bare = client("bare");
    bare.secrets = orrery_oauth2::client::ClientSecrets::default();
    bare.registration_token = None;
    bare.client.jwks = None;
    bare.client.metadata.clear();
    store.client_create(OURS, &bare).await.expect("creates");
    assert_eq!(store.client_by_id(OURS, &bare.client.id).await.expect("reads").as_deref(), Some(&bare));
    assert_eq!(store.client_by_id(OURS, &id("Full")).await.expect("reads"), None, "ids are compared exactly");
}

async fn an_id_is_taken_once(stage: Stage) {
    let store = stage.database.clients();
    let outcomes = sixteen_times(|| {
        let store = store.clone();
        async move {
            match store.client_create(OURS, &client("same")).await {
                Ok(()) => true,
                Err(StoreError::Conflict(Conflict::Client)) => false,
                Err(error) => panic!("neither created nor taken: {error:?}"),
            }
        }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|created| **created).count(), 1);
}

async fn an_update_replaces_everything_but_never_a_newer_one(stage: Stage) {
    let store = stage.database.clients();
    let first = client("one");
    store.client_create(OURS, &first).await.expect("creates");
    let mut second = first.clone();
    second.client.name = "Renamed".to_owned();
    second.client.owner = "somebody else".to_owned();
    second.client.metadata.insert("more".to_owned(), json!(true));
    second.client.updated_at = NOW + HOUR;
    second.secrets.current = Some(SecretHash::Keyed(hash()));
    second.registration_token = None;
    assert_eq!(store.client_update(OURS, &second).await.expect("updates"), Updated::Done);
    let stored = store.client_by_id(OURS, &second.client.id).await.expect("reads").expect("is there");
    assert_eq!(*stored, ClientRecord { version: first.version + 1, ..second.clone() });
    assert_eq!(store.client_update(OURS, &first).await.expect("refuses"), Updated::Stale);
    assert_eq!(store.client_by_id(OURS, &second.client.id).await.expect("reads"), Some(stored));
    let by_name = ClientFilter { name: Some("Renamed".to_owned()), owner: None };
    let page = PageRequest::Keyset { size: 10, after: None };
    assert_eq!(store.client_list(OURS, &by_name, &page).await.expect("lists").items.len(), 1);
    assert_eq!(store.client_update(OURS, &client("none")).await.expect("refuses"), Updated::Unknown);
}

async fn one_of_sixteen_updates_wins(stage: Stage) {
    let store = stage.database.clients();
    let first = client("one");
    store.client_create(OURS, &first).await.expect("creates");
    let outcomes = sixteen_times(|| {
        let (store, mut mine) = (store.clone(), first.clone());
        mine.secrets.current = Some(SecretHash::Keyed(hash()));
        async move { (store.client_update(OURS, &mine).await.expect("answers"), mine) }
    })
    .await;
    let winners: Vec<_> = outcomes.iter().filter(|(outcome, _)| *outcome == Updated::Done).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(outcomes.iter().filter(|(outcome, _)| *outcome == Updated::Stale).count(), 15);
    let stored = store.client_by_id(OURS, &first.client.id).await.expect("reads").expect("is there");
    assert_eq!(stored.secrets, winners[0].1.secrets);
}

async fn lists_are_in_order_and_filtered(stage: Stage) {
    let store = stage.database.clients();
    for (name, owner) in [("c", "ada"), ("a", "ada"), ("B", "bob"), ("d", "ada")] {
        let mut record = client(name);
        record.client.owner = owner.to_owned();
        store.client_create(OURS, &record).await.expect("creates");
    }
    let all = ClientFilter::default();
    let ids = |page: &orrery_core::Page<ClientRecord>| {
        page.items.iter().map(|record| record.client.id.to_string()).collect::<Vec<_>>()
    };
    let first = store.client_list(OURS, &all, &PageRequest::Keyset { size: 3, after: None }).await.expect("lists");
    assert_eq!((ids(&first), first.next.as_deref()), (vec!["B".to_owned(), "a".to_owned(), "c".to_owned()], Some("c")));
    let rest = PageRequest::Keyset { size: 3, after: first.next };
    let rest = store.client_list(OURS, &all, &rest).await.expect("lists");
    assert_eq!((ids(&rest), rest.next), (vec!["d".to_owned()], None));
    let numbered = PageRequest::Numbered { page: 1, size: 3 };
    let numbered = store.client_list(OURS, &all, &numbered).await.expect("lists");
    assert_eq!((ids(&numbered), numbered.total), (vec!["d".to_owned()], Some(4)));
    let hers = ClientFilter { owner: Some("ada".to_owned()), name: None };
    let page = PageRequest::Keyset { size: 10, after: None };
    assert_eq!(ids(&store.client_list(OURS, &hers, &page).await.expect("lists")), ["a", "c", "d"]);
    let one = ClientFilter { owner: Some("ada".to_owned()), name: Some("Client c".to_owned()) };
    assert_eq!(ids(&store.client_list(OURS, &one, &page).await.expect("lists")), ["c"]);
    let none = ClientFilter { owner: Some("bob".to_owned()), name: Some("Client c".to_owned()) };
    assert!(store.client_list(OURS, &none, &page).await.expect("lists").items.is_empty());
}

/// Rows of every table that has something of a client.
pub(crate) fn fill(stage: &Stage, client: &str, expires: &str) {
    let (id, project, digest, now, document, no) = match stage.place.engine {
        Engine::Sqlite => ("randomblob(16)", "x'00000000000040008000000000000001'", "randomblob(32)", "0", "'{}'", "0"),
        Engine::Postgres => (
            "gen_random_uuid()",
            "'00000000-0000-4000-8000-000000000001'::uuid",
            "sha256(gen_random_uuid()::text::bytea)",
            "to_timestamp(0)",
            "'{}'::jsonb",
            "false",
        ),
    };
    let mut beside = stage.beside();
    beside.run(&format!(
        "INSERT INTO grants SELECT {project}, {id}, '{client}', 'ada', 'authorization', {id}, {document}, {document}, \
         {document}, {document}, {document}, {document}, {no}, 0, {no}, {now}, {now}, {expires}, NULL, NULL"
    ));
    let grant = format!("(SELECT id FROM grants WHERE client_id = '{client}' LIMIT 1)");
    for statement in [
        format!(
            "authorization_codes SELECT {project}, {digest}, {grant}, '{client}', NULL, NULL, NULL, {now}, {expires}, \
             NULL"
        ),
        format!(
            "tokens SELECT {project}, {digest}, 'access', {grant}, NULL, '{client}', 'ada', {document}, {document}, \
             {document}, NULL, NULL, {now}, {expires}, NULL, NULL"
        ),
        format!(
            "tokens SELECT {project}, {digest}, 'access', NULL, NULL, '{client}', 'ada', {document}, {document}, \
             {document}, NULL, NULL, {now}, {expires}, NULL, NULL"
        ),
        format!(
            "authorizations SELECT {project}, {id}, '{client}', 'login_decided', {digest}, {id}, {document}, \
             {document}, {now}, {expires}"
        ),
        format!("pushed_requests SELECT {project}, {digest}, '{client}', {document}, {expires}, NULL"),
        format!(
            "device_codes SELECT {project}, {digest}, {digest}, '{client}', 'pending', {document}, {document}, NULL, \
             {now}, 5, {now}, {expires}"
        ),
    ] {
        beside.run(&format!("INSERT INTO {statement}"));
    }
}

async fn deleting_ends_everything_the_client_was_given(stage: Stage) {
    let store = stage.database.clients();
    let never = match stage.place.engine {
        Engine::Sqlite => "9000000000000000",
        Engine::Postgres => "to_timestamp(9000000000)",
    };
    for name in ["goes", "stays"] {
        store.client_create(OURS, &client(name)).await.expect("creates");
        fill(&stage, name, never);
    }
    let tables = ["grants", "authorization_codes", "tokens", "authorizations", "pushed_requests", "device_codes"];
    let delete = async |project, version| store.client_delete(project, &id("goes"), version).await.expect("answers");
    assert_eq!(delete(THEIRS, None).await, Updated::Unknown);
    assert_eq!(delete(OURS, Some(2)).await, Updated::Stale, "another version was meant");
    assert!(stage.beside().rows("grants") > 1, "nothing was deleted");
    assert_eq!(delete(OURS, Some(1)).await, Updated::Done);
    assert_eq!(delete(OURS, None).await, Updated::Unknown);
    assert_eq!(delete(OURS, Some(1)).await, Updated::Unknown);
    assert_eq!(store.client_by_id(OURS, &id("goes")).await.expect("reads"), None);
    let mut beside = stage.beside();
    for table in tables {
        let left = |whose: &str| format!("SELECT count(*) AS count FROM {table} WHERE client_id = '{whose}'");
        assert_eq!(beside.count(&left("goes")), 0, "{table}");
        assert!(beside.count(&left("stays")) > 0, "{table}");
    }
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let store = stage.database.clients();
    let ours = client("ours");
    store.client_create(OURS, &ours).await.expect("creates");
    let page = PageRequest::Keyset { size: 10, after: None };
    assert_eq!(store.client_by_id(THEIRS, &ours.client.id).await.expect("reads"), None);
    assert!(store.client_list(THEIRS, &ClientFilter::default(), &page).await.expect("lists").items.is_empty());
    assert_eq!(store.client_update(THEIRS, &ours).await.expect("refuses"), Updated::Unknown);
    assert_eq!(store.client_delete(THEIRS, &ours.client.id, None).await.expect("answers"), Updated::Unknown);
    store.client_create(THEIRS, &client("ours")).await.expect("the same id is free there");
    assert_eq!(store.client_delete(THEIRS, &ours.client.id, None).await.expect("deletes theirs"), Updated::Done);
    assert_eq!(store.client_by_id(OURS, &ours.client.id).await.expect("reads").as_deref(), Some(&ours));
}

/// What another node, or an operator, changes is seen; what was read comes from memory.
async fn a_known_client_is_read_once_and_every_change_is_seen(stage: Stage) {
    let store = stage.database.clients();
    let first = client("known");
    store.client_create(OURS, &first).await.expect("creates");
    until_known(&stage, &first.client.id).await;
    assert_eq!(store.client_by_id(THEIRS, &first.client.id).await.expect("reads"), None, "in another project");

    let renamed =
        ClientRecord { client: Client { name: "Renamed".to_owned(), ..first.client.clone() }, ..first.clone() };
    assert_eq!(store.client_update(OURS, &renamed).await.expect("updates"), Updated::Done);
    let read = store.client_by_id(OURS, &first.client.id).await.expect("reads").expect("is there");
    assert_eq!((read.client.name.as_str(), read.version), ("Renamed", first.version + 1));

    until_known(&stage, &first.client.id).await;
    stage.beside().run("UPDATE clients SET version = version + 1");
    let begun = Instant::now();
    while store.client_by_id(OURS, &first.client.id).await.expect("reads").expect("is there").version == read.version {
        assert!(begun.elapsed() < Duration::from_secs(20), "was not told");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }

    until_known(&stage, &first.client.id).await;
    assert_eq!(store.client_delete(OURS, &first.client.id, None).await.expect("deletes"), Updated::Done);
    assert_eq!(store.client_by_id(OURS, &first.client.id).await.expect("reads"), None);
}

/// Reads the client until it comes from memory.
async fn until_known(stage: &Stage, id: &ClientId) {
    for _ in 0..20_000 {
        let before = stage.database.client_cache().hits;
        assert!(stage.database.clients().client_by_id(OURS, id).await.expect("reads").is_some());
        if stage.database.client_cache().hits > before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the client was never served from memory");
}
