//! Identities, their credentials and addresses.

use std::collections::{BTreeMap, BTreeSet};

use orrery_core::error::Conflict;
use orrery_core::id::{CredentialId, IdentityId, OrganizationId};
use orrery_core::{PageRequest, StoreError, TokenHash};
use orrery_identity::credentials::{Credential, CredentialKind};
use orrery_identity::identity::{Identity, IdentityState};
use orrery_identity::session::{Factor, factor};
use orrery_identity::store::{CredentialLookup, IdentityFilter, Updated};
use serde_json::{Value, json};

use crate::sample::{NOW, entropy, flow, hash, identity, new_session, without_credentials};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_created_is_read_back,
    what_is_taken_is_named,
    of_many_the_taken_ones_are_named_and_the_others_stay,
    racing_batches_create_each_identity_once,
    an_update_replaces_and_counts,
    a_stale_update_changes_nothing,
    racing_updates_lose_no_change,
    deleting_takes_everything_along,
    lists_run_by_id_and_page,
    lists_are_filtered,
    a_sign_in_finds_credential_and_counter,
    every_credential_stands_in_for_as_many_names_that_nobody_has,
    what_somebody_can_prove_is_found_by_the_migration,
    levels_of_an_older_release_tell_the_factors,
);

fn every_kind() -> BTreeSet<CredentialKind> {
    CredentialKind::ALL.into()
}

fn keyset(size: u32, after: Option<String>) -> PageRequest {
    PageRequest::Keyset { size, after }
}

async fn what_is_created_is_read_back(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    let none = BTreeSet::new();
    let external = ada.external_id.clone().expect("set");

    let read = store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads");
    assert_eq!(read.as_ref(), Some(&ada));
    let read = store.identity_by_external_id(OURS, &external, &every_kind()).await.expect("reads");
    assert_eq!(read.as_ref(), Some(&ada));
    let read = store.identity_by_id(OURS, ada.id, &none).await.expect("reads");
    assert_eq!(read, Some(without_credentials(&ada)));

    assert_eq!(store.identity_by_id(THEIRS, ada.id, &every_kind()).await.expect("reads"), None);
    assert_eq!(store.identity_by_external_id(THEIRS, &external, &none).await.expect("reads"), None);

    // Nothing optional at all.
    let mut bare = identity("bare@example.org");
    (bare.external_id, bare.organization_id, bare.metadata_public, bare.metadata_admin) = (None, None, None, None);
    (bare.credentials, bare.verifiable_addresses, bare.recovery_addresses) = Default::default();
    store.identity_create(OURS, &bare).await.expect("creates");
    assert_eq!(store.identity_by_id(OURS, bare.id, &every_kind()).await.expect("reads"), Some(bare));
}

async fn what_is_taken_is_named(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");

    let mut same_identifier = identity("new@example.org");
    same_identifier.credentials.clone_from(&ada.credentials);
    let mut same_address = identity("new@example.org");
    same_address.verifiable_addresses.clone_from(&ada.verifiable_addresses);
    let mut same_recovery = identity("new@example.org");
    same_recovery.recovery_addresses.clone_from(&ada.recovery_addresses);
    let mut same_external = identity("new@example.org");
    same_external.external_id.clone_from(&ada.external_id);

    for (identity, conflict) in [
        (same_identifier, Conflict::CredentialIdentifier),
        (same_address, Conflict::VerifiableAddress),
        (same_recovery, Conflict::RecoveryAddress),
        (same_external, Conflict::ExternalId),
        (ada.clone(), Conflict::Identity),
    ] {
        let refused = store.identity_create(OURS, &identity).await;
        assert!(matches!(refused, Err(StoreError::Conflict(named)) if named == conflict), "{conflict}: {refused:?}");
        let left = store.identity_by_id(OURS, identity.id, &every_kind()).await.expect("reads");
        assert_eq!(left.is_some(), identity.id == ada.id, "a refused identity leaves nothing behind");
    }
    // Another project has names of its own.
    store.identity_create(THEIRS, &ada).await.expect("another project may use the same names");
}

async fn of_many_the_taken_ones_are_named_and_the_others_stay(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");

    // More than one statement carries.
    let mut many: Vec<_> = (0..600).map(|number| identity(&format!("{number}@example.org"))).collect();
    many[3].credentials.clone_from(&ada.credentials);
    many[4].verifiable_addresses.clone_from(&ada.verifiable_addresses);
    many[5].recovery_addresses.clone_from(&ada.recovery_addresses);
    many[6].external_id.clone_from(&ada.external_id);
    many[7].id = ada.id;
    many[8] = ada.clone();
    let third = many[2].credentials.clone();
    many[9].credentials = third;
    let taken = [
        (3, Conflict::CredentialIdentifier),
        (4, Conflict::VerifiableAddress),
        (5, Conflict::RecoveryAddress),
        (6, Conflict::ExternalId),
        (7, Conflict::Identity),
        (8, Conflict::Identity),
        (9, Conflict::CredentialIdentifier),
    ];
    let outcomes = store.identity_create_many(OURS, &many).await.expect("creates");
    assert_eq!(outcomes.len(), many.len());
    for (number, (identity, outcome)) in many.iter().zip(&outcomes).enumerate() {
        let conflict = taken.iter().find(|(taken, _)| *taken == number).map(|(_, conflict)| *conflict);
        assert_eq!(outcome.err(), conflict, "{number}");
        let read = store.identity_by_id(OURS, identity.id, &every_kind()).await.expect("reads");
        let expected = if conflict == Some(Conflict::Identity) { &ada } else { identity };
        assert_eq!(read.as_ref(), Some(expected).filter(|_| !matches!(number, 3..=6 | 9)), "{number}");
    }
    let theirs = store.identity_create_many(THEIRS, &many[..2]).await.expect("creates");
    assert_eq!(theirs, [Ok(()), Ok(())], "another project has names of its own");
    assert_eq!(store.identity_create_many(OURS, &[]).await.expect("creates"), []);
}

async fn racing_batches_create_each_identity_once(stage: Stage) {
    let store = stage.database.identities();
    let many: Vec<_> = (0..20).map(|number| identity(&format!("{number}@example.org"))).collect();
    let outcomes = sixteen_times(|| {
        let (store, many) = (store.clone(), many.clone());
        async move { store.identity_create_many(OURS, &many).await.expect("answers") }
    })
    .await;
    let created = outcomes.iter().flatten().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(created, many.len());
    assert_eq!(stage.beside().rows("identities"), 20);
}

async fn an_update_replaces_and_counts(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    let bob = identity("bob@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    store.identity_create(OURS, &bob).await.expect("creates");

    let mut changed = identity("lovelace@example.org");
    (changed.id, changed.state, changed.external_id) = (ada.id, IdentityState::Inactive, None);
    let nobody = BTreeSet::new();
    assert_eq!(store.identity_update(THEIRS, &changed, &nobody).await.expect("asks"), Updated::Unknown);
    assert_eq!(store.identity_update(OURS, &changed, &nobody).await.expect("updates"), Updated::Done);
    let read = store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads").expect("is there");
    assert_eq!(read, Identity { version: 2, ..changed.clone() });

    // The old names are free again, the new ones are taken.
    let heir = identity("ada@example.org");
    store.identity_create(OURS, &heir).await.expect("the old identifier is free");
    let taken = store.identity_create(OURS, &identity("lovelace@example.org")).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::CredentialIdentifier))), "{taken:?}");

    // A name that somebody else has leaves everything as it was.
    let mut greedy = identity("bob@example.org");
    (greedy.id, greedy.version) = (ada.id, 2);
    let taken = store.identity_update(OURS, &greedy, &nobody).await;
    assert!(matches!(taken, Err(StoreError::Conflict(Conflict::CredentialIdentifier))), "{taken:?}");
    assert_eq!(store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads"), Some(read.clone()));

    // Credentials that the update does not carry stay unless they are named.
    let bare = Identity { credentials: Default::default(), ..read };
    assert_eq!(store.identity_update(OURS, &bare, &nobody).await.expect("updates"), Updated::Done);
    let kept = store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads").expect("is there");
    assert_eq!(kept.credentials, changed.credentials);
    let bare = Identity { version: 3, ..bare };
    let password = BTreeSet::from([CredentialKind::Password]);
    assert_eq!(store.identity_update(OURS, &bare, &password).await.expect("updates"), Updated::Done);
    let gone = store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads").expect("is there");
    assert!(gone.credentials.is_empty());
    store.identity_create(OURS, &identity("lovelace2@example.org")).await.expect("creates");
}

async fn a_stale_update_changes_nothing(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    let none = BTreeSet::new();
    assert_eq!(store.identity_update(OURS, &ada, &none).await.expect("updates"), Updated::Done);
    let late = Identity { state: IdentityState::Inactive, ..ada.clone() };
    assert_eq!(store.identity_update(OURS, &late, &none).await.expect("asks"), Updated::Stale);
    let read = store.identity_by_id(OURS, ada.id, &every_kind()).await.expect("reads").expect("is there");
    assert_eq!((read.state, read.version), (IdentityState::Active, 2));
    let stranger = Identity { id: IdentityId::generate(&entropy()), ..ada };
    assert_eq!(store.identity_update(OURS, &stranger, &none).await.expect("asks"), Updated::Unknown);
}

async fn racing_updates_lose_no_change(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    let outcomes = sixteen_times(|| {
        let (store, ada) = (store.clone(), ada.clone());
        async move { store.identity_update(OURS, &ada, &BTreeSet::new()).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Updated::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Updated::Stale).count(), 15);
}

async fn deleting_takes_everything_along(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    let (_, token) = crate::login::sign_in(&stage, &ada).await;
    let mut about_ada = flow(orrery_identity::flow::FlowKind::Settings);
    about_ada.identity_id = Some(ada.id);
    stage.database.flows().flow_create(OURS, &about_ada).await.expect("creates");

    assert!(!store.identity_delete(THEIRS, ada.id).await.expect("asks"));
    assert!(stage.database.sessions().session_by_token(OURS, &[token]).await.expect("reads").is_some());
    assert!(store.identity_delete(OURS, ada.id).await.expect("deletes"));
    assert!(!store.identity_delete(OURS, ada.id).await.expect("asks"));

    let mut beside = stage.beside();
    for table in ["identities", "identity_addresses", "identity_credentials", "credential_identifiers", "sessions"] {
        assert_eq!(beside.rows(table), 0, "{table}");
    }
    let gone = stage.database.flows().flow_by_id(OURS, about_ada.kind, about_ada.id).await.expect("reads");
    assert_eq!(gone, None);
    let (_, _, orphan) = new_session(ada.id);
    assert_eq!(crate::login::complete(&stage, orphan).await, orrery_identity::store::Completion::Inactive);
}

async fn lists_run_by_id_and_page(stage: Stage) {
    let store = stage.database.identities();
    let mut all = Vec::new();
    for number in 0..7 {
        let one = identity(&format!("{number}@example.org"));
        store.identity_create(OURS, &one).await.expect("creates");
        all.push(one);
    }
    all.sort_by_key(|one| one.id);
    let everybody = IdentityFilter::default();

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.identity_list(OURS, &everybody, &every_kind(), &keyset(3, after)).await.expect("lists");
        assert_eq!(page.total, None);
        seen.extend(page.items);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);

    let second = PageRequest::Numbered { page: 1, size: 3 };
    let page = store.identity_list(OURS, &everybody, &BTreeSet::new(), &second).await.expect("lists");
    assert_eq!(page.total, Some(7));
    assert_eq!(page.items, all[3..6].iter().map(without_credentials).collect::<Vec<_>>());

    let forged = keyset(3, Some("nonsense".to_owned()));
    let page = store.identity_list(OURS, &everybody, &BTreeSet::new(), &forged).await.expect("lists");
    assert!(page.items.is_empty() && page.next.is_none());
    for page in [keyset(3, None), second] {
        let theirs = store.identity_list(THEIRS, &everybody, &BTreeSet::new(), &page).await.expect("lists");
        assert!(theirs.items.is_empty());
    }
}

async fn lists_are_filtered(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    let adam = identity("adam@example.org");
    let mut bob = identity("bob_%@example.org");
    let home = OrganizationId::generate(&entropy());
    bob.organization_id = Some(home);
    for one in [&ada, &adam, &bob] {
        store.identity_create(OURS, one).await.expect("creates");
    }
    let list = async |project, filter: IdentityFilter| {
        let page = keyset(10, None);
        let found = store.identity_list(project, &filter, &BTreeSet::new(), &page).await.expect("lists");
        found.items.into_iter().map(|one| one.id).collect::<BTreeSet<_>>()
    };
    let exactly = |text: &str| IdentityFilter {
        credentials_identifier: Some(vec![text.to_owned()]),
        ..IdentityFilter::default()
    };
    let prefix = |text: &str| IdentityFilter { identifier_prefix: Some(text.to_owned()), ..IdentityFilter::default() };
    let ids = |ids: &[IdentityId]| IdentityFilter { ids: Some(ids.to_vec()), ..IdentityFilter::default() };

    assert_eq!(list(OURS, exactly("ada@example.org")).await, BTreeSet::from([ada.id]));
    assert!(list(OURS, exactly("ada")).await.is_empty());
    assert!(list(THEIRS, exactly("ada@example.org")).await.is_empty());
    assert_eq!(list(OURS, prefix("ada")).await, BTreeSet::from([ada.id, adam.id]));
    assert_eq!(list(OURS, prefix("bob_%")).await, BTreeSet::from([bob.id]));
    assert!(list(OURS, prefix("%")).await.is_empty(), "wildcards are letters like any other");
    assert!(list(THEIRS, prefix("a")).await.is_empty());
    assert_eq!(list(OURS, ids(&[ada.id, bob.id])).await, BTreeSet::from([ada.id, bob.id]));
    assert!(list(OURS, ids(&[])).await.is_empty());
    let external = |text: &str| IdentityFilter { external_id: Some(text.to_owned()), ..IdentityFilter::default() };
    let key = ada.external_id.clone().expect("set");
    assert_eq!(list(OURS, external(&key)).await, BTreeSet::from([ada.id]));
    assert!(list(OURS, external(&key[1..])).await.is_empty() && list(THEIRS, external(&key)).await.is_empty());
    let of = |home| IdentityFilter { organization: Some(home), ..IdentityFilter::default() };
    assert_eq!(list(OURS, of(home)).await, BTreeSet::from([bob.id]));
    assert!(list(OURS, of(OrganizationId::generate(&entropy()))).await.is_empty());
    assert!(list(THEIRS, of(home)).await.is_empty());
    assert!(list(THEIRS, ids(&[ada.id])).await.is_empty());
}

async fn a_sign_in_finds_credential_and_counter(stage: Stage) {
    let store = stage.database.identities();
    let ada = identity("ada@example.org");
    store.identity_create(OURS, &ada).await.expect("creates");
    let door = hash();
    let failed = crate::attempt::failed(door, NOW);
    let counted = stage.database.attempts().attempt_failed(OURS, &failed).await.expect("counts");

    let spellings = ["Ada@Example.org".to_owned(), "ada@example.org".to_owned()];
    let found =
        store.credential_by_identifier(OURS, CredentialKind::Password, &spellings, door).await.expect("looks up");
    let password = ada.credentials[&CredentialKind::Password].clone();
    assert_eq!(found.owner, Some((without_credentials(&ada), password)));
    assert_eq!(found.attempts, Some(counted));

    let nothing = CredentialLookup { owner: None, attempts: None, account_attempts: None, stand_in: None };
    let elsewhere = store.credential_by_identifier(THEIRS, CredentialKind::Password, &spellings, door).await;
    assert_eq!(elsewhere.expect("looks up"), nothing);
    let other_kind = store.credential_by_identifier(OURS, CredentialKind::Totp, &spellings, hash()).await;
    assert_eq!(other_kind.expect("looks up"), nothing);
    let unknown = ["nobody@example.org".to_owned()];
    let unknown = store.credential_by_identifier(OURS, CredentialKind::Password, &unknown, door).await;
    let stand_in = Some(ada.credentials[&CredentialKind::Password].config.clone());
    assert_eq!(unknown.expect("looks up"), CredentialLookup { attempts: Some(counted), stand_in, ..nothing });
}

/// So that the time that an answer takes says as little about a name as whose hash that time belongs to.
async fn every_credential_stands_in_for_as_many_names_that_nobody_has(stage: Stage) {
    let store = stage.database.identities();
    // Their ids, and the places of the names, divide what there is into equal parts.
    let part = |number: u128, of: u128| uuid::Uuid::from_u128(number * (u128::MAX / of) + (u128::MAX / of) / 3);
    let mut people: Vec<_> = (0..10).map(|number| identity(&format!("{number}@example.org"))).collect();
    for (number, person) in (0..).zip(&mut people) {
        let password = person.credentials.get_mut(&CredentialKind::Password).expect("a password");
        password.id = CredentialId::from_uuid(part(number, 10));
        password.config = json!({"hashed_password": if number < 3 { "dear" } else { "cheap" }, "of": number});
        store.identity_create(OURS, person).await.expect("creates");
    }
    let stands_in = async |number: u128| {
        let mut door = [0xff; 32];
        door[..16].copy_from_slice(part(number, 200).as_bytes());
        let nobody = [format!("nobody{number}@example.org")];
        let look_up = |project, kind| store.credential_by_identifier(project, kind, &nobody, TokenHash(door));
        let (ours, theirs) =
            (look_up(OURS, CredentialKind::Password).await, look_up(THEIRS, CredentialKind::Password).await);
        assert_eq!(theirs.expect("looks up").stand_in, None);
        assert_eq!(look_up(OURS, CredentialKind::Totp).await.expect("looks up").stand_in, None);
        ours.expect("looks up").stand_in.expect("somebody stands in")
    };
    let mut met = BTreeMap::new();
    for number in 0..200 {
        *met.entry(stands_in(number).await["of"].as_u64().expect("a number")).or_insert(0) += 1;
    }
    assert_eq!(met.into_values().collect::<Vec<_>>(), [20; 10]);
    // Whoever signs in is hashed anew, and what looks like them with them: as any account, once and for ever.
    let (before, somebody) = (stands_in(30).await, &mut people[2]);
    assert_eq!((&before["of"], &before["hashed_password"]), (&json!(2), &json!("dear")));
    let password = somebody.credentials.get_mut(&CredentialKind::Password).expect("a password");
    password.config["hashed_password"] = json!("cheap");
    assert_eq!(store.identity_update(OURS, somebody, &BTreeSet::new()).await.expect("updates"), Updated::Done);
    assert_eq!(stands_in(30).await["hashed_password"], "cheap");
    assert_eq!(stands_in(10).await["hashed_password"], "dear");
}

/// Somebody with credentials of these kinds, who is said to have no factors.
fn owner(name: &str, credentials: &[(CredentialKind, Value)]) -> Identity {
    let credential = |(kind, config): &(CredentialKind, Value)| Credential {
        id: CredentialId::generate(&entropy()),
        kind: *kind,
        identifiers: vec![format!("{name}@example.org")],
        config: config.clone(),
        version: 0,
        created_at: NOW,
        updated_at: NOW,
    };
    let credentials: BTreeMap<_, _> = credentials.iter().map(|it| (it.0, credential(it))).collect();
    Identity { credentials, factors: [].into(), ..identity(&format!("{name}@example.org")) }
}

async fn what_somebody_can_prove_is_found_by_the_migration(stage: Stage) {
    use CredentialKind as Kind;
    let keys = |passwordless: &[bool]| {
        let keys: Vec<_> = passwordless.iter().map(|it| json!({"is_passwordless": it})).collect();
        json!({"credentials": keys})
    };
    let people = [
        owner("nothing", &[]),
        owner("password", &[(Kind::Password, json!({"hashed_password": "x"}))]),
        owner("reserved", &[(Kind::Password, json!({})), (Kind::LookupSecret, json!({"recovery_codes": []}))]),
        owner("provider", &[(Kind::Oidc, json!({"providers": []})), (Kind::Code, json!({"addresses": [{}]}))]),
        owner("keys", &[(Kind::Webauthn, keys(&[true, false, false])), (Kind::Passkey, keys(&[]))]),
        owner("passkey", &[(Kind::Passkey, keys(&[true])), (Kind::Webauthn, json!({"credentials": [{}]}))]),
        owner("app", &[(Kind::Totp, json!({"totp_url": "x"})), (Kind::LookupSecret, json!({"recovery_codes": [{}]}))]),
    ];
    let store = stage.database.identities();
    for person in &people {
        store.identity_create(OURS, person).await.expect("creates");
    }
    let status = stage.database.migration_status().await.expect("asks");
    let later = status.iter().filter(|it| it.name.as_str() >= "20261126000600").count();
    stage.database.migrate_down(later).await.expect("reverts");
    stage.database.migrate_up().await.expect("applies");
    for person in &people {
        let read = store.identity_by_id(OURS, person.id, &[].into()).await.expect("reads").expect("is there");
        assert_eq!(read.factors, factor::usable(&person.credentials), "{:?}", person.traits);
    }
}

async fn levels_of_an_older_release_tell_the_factors(stage: Stage) {
    let store = stage.database.identities();
    for (level, beside_codes, factors) in [
        ("aal0", "aal0", &[][..]),
        ("aal1", "aal1", &[Factor::First]),
        ("aal1", "aal2", &[Factor::First, Factor::Code]),
    ] {
        let ada = identity(&format!("{level}-{beside_codes}@example.org"));
        store.identity_create(OURS, &ada).await.expect("creates");
        stage.beside().run(&format!(
            "UPDATE identities SET available_aal = '{level}', available_aal_mfa = '{beside_codes}', factors = NULL \
             WHERE external_id = '{}'",
            ada.external_id.as_deref().expect("set"),
        ));
        let read = store.identity_by_id(OURS, ada.id, &[].into()).await.expect("reads").expect("is there");
        assert_eq!(read.factors, factors.iter().copied().collect(), "{level} {beside_codes}");
    }
}
