//! Issuers whose assertions are accepted as grants.

use orrery_core::error::Conflict;
use orrery_core::id::TrustedIssuerId;
use orrery_core::{PageRequest, StoreError};
use orrery_oauth2::store::AssertionKeys;
use orrery_oauth2::trust::TrustedIssuer;
use serde_json::json;

use crate::sample::{HOUR, NOW, entropy};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    what_is_trusted_is_read_back_and_deleted,
    a_key_is_trusted_once_for_a_subject,
    lists_are_in_order_and_by_issuer,
    keys_are_found_by_subject_and_kid_until_they_end,
    another_project_sees_and_changes_nothing,
);

fn issuer(name: &str, subject: Option<&str>, kid: &str) -> TrustedIssuer {
    TrustedIssuer {
        id: TrustedIssuerId::generate(&entropy()),
        issuer: name.to_owned(),
        subject: subject.map(str::to_owned),
        scope: vec!["openid".to_owned(), "Ünï".to_owned()],
        kid: kid.to_owned(),
        public_jwk: json!({"kty": "OKP", "kid": kid}),
        created_at: NOW,
        expires_at: NOW + HOUR,
    }
}

const fn wanted<'a>(subject: &'a str, kid: Option<&'a str>) -> AssertionKeys<'a> {
    AssertionKeys { issuer: "https://one", subject, kid, now: NOW, limit: 10 }
}

async fn what_is_trusted_is_read_back_and_deleted(stage: Stage) {
    let store = stage.database.trusted_issuers();
    for trusted in [issuer("https://one", Some("ada"), "a"), issuer("https://one", None, "a")] {
        store.issuer_trust(OURS, &trusted).await.expect("trusts");
        assert_eq!(store.trusted_issuer_by_id(OURS, trusted.id).await.expect("reads"), Some(trusted.clone()));
        assert!(store.trusted_issuer_delete(OURS, trusted.id).await.expect("deletes"));
        assert!(!store.trusted_issuer_delete(OURS, trusted.id).await.expect("finds nothing"));
        assert_eq!(store.trusted_issuer_by_id(OURS, trusted.id).await.expect("reads"), None);
    }
}

async fn a_key_is_trusted_once_for_a_subject(stage: Stage) {
    let store = stage.database.trusted_issuers();
    for subject in [Some("ada"), None] {
        let outcomes = sixteen_times(|| {
            let store = store.clone();
            async move {
                match store.issuer_trust(OURS, &issuer("https://one", subject, "a")).await {
                    Ok(()) => true,
                    Err(StoreError::Conflict(Conflict::TrustedIssuer)) => false,
                    Err(error) => panic!("neither trusted nor taken: {error:?}"),
                }
            }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|trusted| **trusted).count(), 1);
    }
}

async fn lists_are_in_order_and_by_issuer(stage: Stage) {
    let store = stage.database.trusted_issuers();
    let mut all = Vec::new();
    for (name, kid) in [("https://one", "a"), ("https://two", "a"), ("https://one", "b")] {
        let trusted = issuer(name, None, kid);
        store.issuer_trust(OURS, &trusted).await.expect("trusts");
        all.push(trusted);
    }
    all.sort_by_key(|trusted| trusted.id);
    let first = PageRequest::Keyset { size: 2, after: None };
    let first = store.trusted_issuer_list(OURS, None, &first).await.expect("lists");
    assert_eq!(first.items, all[..2]);
    let rest = PageRequest::Keyset { size: 2, after: first.next };
    let rest = store.trusted_issuer_list(OURS, None, &rest).await.expect("lists");
    assert_eq!((&rest.items[..], rest.next), (&all[2..], None));
    let numbered = PageRequest::Numbered { page: 1, size: 2 };
    let numbered = store.trusted_issuer_list(OURS, None, &numbered).await.expect("lists");
    assert_eq!((&numbered.items[..], numbered.total), (&all[2..], Some(3)));
    let page = PageRequest::Keyset { size: 10, after: None };
    let one = store.trusted_issuer_list(OURS, Some("https://one"), &page).await.expect("lists");
    assert_eq!(one.items.len(), 2);
    let forged = PageRequest::Keyset { size: 10, after: Some("made up".to_owned()) };
    assert!(store.trusted_issuer_list(OURS, None, &forged).await.expect("lists").items.is_empty());
}

async fn keys_are_found_by_subject_and_kid_until_they_end(stage: Stage) {
    let store = stage.database.trusted_issuers();
    let (ada, any) = (issuer("https://one", Some("ada"), "a"), issuer("https://one", None, "b"));
    let ended = TrustedIssuer { expires_at: NOW, ..issuer("https://one", None, "c") };
    let newer = TrustedIssuer { created_at: NOW + HOUR, ..issuer("https://one", None, "d") };
    for trusted in [&ada, &any, &ended, &newer, &issuer("https://two", None, "a")] {
        store.issuer_trust(OURS, trusted).await.expect("trusts");
    }
    let found = store.assertion_keys(OURS, wanted("ada", None)).await.expect("reads");
    assert!(found[0] == newer && found.contains(&ada) && found.contains(&any) && found.len() == 3);
    assert_eq!(store.assertion_keys(OURS, wanted("ada", Some("a"))).await.expect("reads"), [ada]);
    assert!(store.assertion_keys(OURS, wanted("bob", Some("a"))).await.expect("reads").is_empty());
    assert!(store.assertion_keys(OURS, wanted("bob", Some("c"))).await.expect("reads").is_empty(), "it has ended");
    let one = AssertionKeys { limit: 1, ..wanted("bob", None) };
    assert_eq!(store.assertion_keys(OURS, one).await.expect("reads"), [newer]);
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let store = stage.database.trusted_issuers();
    let ours = issuer("https://one", None, "a");
    store.issuer_trust(OURS, &ours).await.expect("trusts");
    let page = PageRequest::Keyset { size: 10, after: None };
    assert_eq!(store.trusted_issuer_by_id(THEIRS, ours.id).await.expect("reads"), None);
    assert!(store.trusted_issuer_list(THEIRS, None, &page).await.expect("lists").items.is_empty());
    assert!(store.assertion_keys(THEIRS, wanted("ada", None)).await.expect("reads").is_empty());
    assert!(!store.trusted_issuer_delete(THEIRS, ours.id).await.expect("finds nothing"));
    store.issuer_trust(THEIRS, &issuer("https://one", None, "a")).await.expect("is free there");
    assert_eq!(store.trusted_issuer_by_id(OURS, ours.id).await.expect("reads"), Some(ours));
}
