//! Tokens, and the codes and proofs that they are given for.

use orrery_core::id::IdentityId;
use orrery_core::{Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::challenge::{AuthorizationFlow, FlowState};
use orrery_oauth2::client::Client;
use orrery_oauth2::grant::Grant;
use orrery_oauth2::store::{
    Begins, FoundToken, LoginCompleted, Redeemed, Redemption, Rotated, Rotation, SessionWrite, Stepped,
};
use orrery_oauth2::token::{StoredToken, TokenKind};
use serde_json::json;

use crate::oauth2_sample::{SUBJECT, flow, grant, granted, login_session, registered};
use crate::sample::{HOUR, NOW, hash, identity};
use crate::stage::{OURS, Stage, THEIRS, on_both_engines, sixteen_times};

on_both_engines!(
    a_token_is_stored_while_its_client_is_there,
    a_code_is_redeemed_once_by_one_of_sixteen,
    a_second_use_of_a_code_ends_what_the_first_brought,
    a_code_is_good_until_it_expires,
    one_of_sixteen_rotations_wins_and_ends_older_access,
    ending_a_family_leaves_the_grant,
    tokens_count_while_the_identity_is_active,
    tokens_of_a_client_are_deleted_by_kind,
    what_was_exchanged_for_a_token_ends_with_it,
    an_assertion_is_good_once_of_sixteen_times,
    a_new_client_of_the_same_name_inherits_nothing,
    another_project_sees_and_changes_nothing,
);

fn token(client: &Client, kind: TokenKind, grant: Option<&Grant>) -> StoredToken {
    StoredToken {
        hash: hash(),
        kind,
        grant: grant.map(|grant| grant.id),
        parent: Some(hash()),
        derived_from: None,
        client: client.id.clone(),
        subject: SUBJECT.to_owned(),
        scope: vec!["openid".to_owned(), "offline".to_owned()],
        audience: vec!["https://api.example.org".to_owned()],
        claims: json!({"role": "admin", "ünï": ["çødé"]}).as_object().cloned().expect("an object"),
        actor: Some(json!({"sub": "agent"})),
        jkt: Some("thumbprint".to_owned()),
        issued_at: NOW,
        expires_at: Some(NOW + HOUR),
    }
}

/// A grant with a code, and the code's hash.
async fn give(stage: &Stage, client: &Client, identity: Option<IdentityId>) -> (Grant, TokenHash) {
    let session = login_session();
    let given = granted(Grant { identity, ..grant(client, session.id) });
    let (grant, code) = (given.grant.clone(), given.code.as_ref().expect("a code").hash);
    let done = LoginCompleted {
        flow: AuthorizationFlow { state: FlowState::Finished, ..flow(client) },
        begins: Begins::Fresh,
        session: SessionWrite::Begin(session),
        ends: None,
        granted: Some(given),
        now: NOW,
    };
    assert_eq!(stage.database.authorizations().login_complete(OURS, &done).await.expect("grants"), Stepped::Done);
    (grant, code)
}

fn redemption(client: &Client, grant: &Grant, code: TokenHash, now: Timestamp) -> Redemption {
    Redemption {
        code,
        client: client.id.clone(),
        grant: grant.id,
        tokens: vec![token(client, TokenKind::Access, Some(grant)), token(client, TokenKind::Refresh, Some(grant))],
        grant_until: now + HOUR * 24,
        now,
    }
}

/// A family with both tokens.
async fn family(stage: &Stage, client: &Client, identity: Option<IdentityId>) -> (Grant, StoredToken, StoredToken) {
    let (grant, code) = give(stage, client, identity).await;
    let redemption = redemption(client, &grant, code, NOW);
    assert_eq!(stage.database.tokens().code_redeem(OURS, &redemption).await.expect("redeems"), Redeemed::Done);
    let [access, refresh] = <[_; 2]>::try_from(redemption.tokens).expect("two");
    (grant, access, refresh)
}

async fn find(stage: &Stage, hash: TokenHash) -> Option<FoundToken> {
    stage.database.tokens().token_by_hash(OURS, &[TokenHash([9; 32]), hash]).await.expect("reads")
}

async fn a_token_is_stored_while_its_client_is_there(stage: Stage) {
    let client = registered(&stage, "app").await;
    let store = stage.database.tokens();
    let own = token(&client, TokenKind::Access, None);
    assert!(store.token_issue(OURS, &own).await.expect("stores"));
    let found = find(&stage, own.hash).await.expect("is there");
    assert_eq!(found, FoundToken { token: own.clone(), client: client.clone(), grant: None });
    let bare = StoredToken { parent: None, actor: None, jkt: None, expires_at: None, ..own.clone() };
    let bare = StoredToken { hash: hash(), ..bare };
    assert!(store.token_issue(OURS, &bare).await.expect("stores"));
    assert_eq!(find(&stage, bare.hash).await.map(|found| found.token), Some(bare.clone()));
    let (grant, _) = give(&stage, &client, None).await;
    let orphan = token(
        &client,
        TokenKind::Access,
        Some(&Grant { id: orrery_core::id::GrantId::generate(&crate::sample::entropy()), ..grant.clone() }),
    );
    assert!(!store.token_issue(OURS, &orphan).await.expect("refuses"), "its grant is gone");
    assert!(store.token_delete(OURS, own.hash).await.expect("deletes"));
    assert!(!store.token_delete(OURS, own.hash).await.expect("finds none"));
    stage.database.clients().client_delete(OURS, &client.id, None).await.expect("deletes");
    assert!(find(&stage, bare.hash).await.is_none());
    assert!(!store.token_issue(OURS, &own).await.expect("refuses"), "its client is gone");
}

async fn a_code_is_redeemed_once_by_one_of_sixteen(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, code) = give(&stage, &client, None).await;
    let found = stage.database.tokens().code_by_hash(OURS, &[code]).await.expect("reads").expect("is there");
    assert_eq!((found.code.hash, found.code.used_at, &found.grant), (code, None, &grant));
    let outcomes = sixteen_times(|| {
        let (store, redemption) = (stage.database.tokens(), redemption(&client, &grant, code, NOW));
        async move { store.code_redeem(OURS, &redemption).await.expect("answers") }
    })
    .await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redeemed::Done).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Redeemed::Replayed).count(), 15);
    let left = stage.place.beside().rows("tokens");
    assert_eq!(left, 0, "somebody presented the code twice: nobody keeps tokens of it");
}

async fn a_second_use_of_a_code_ends_what_the_first_brought(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, code) = give(&stage, &client, None).await;
    let first = redemption(&client, &grant, code, NOW);
    let store = stage.database.tokens();
    assert_eq!(store.code_redeem(OURS, &first).await.expect("redeems"), Redeemed::Done);
    let access = find(&stage, first.tokens[0].hash).await.expect("is there");
    assert_eq!(access.token, first.tokens[0]);
    let kept = access.grant.expect("a grant");
    assert_eq!(kept.expires_at, first.grant_until, "kept as long as its last token");
    let again = Redemption { tokens: Vec::new(), grant_until: NOW, ..first.clone() };
    assert_eq!(store.code_redeem(OURS, &again).await.expect("answers"), Redeemed::Replayed);
    assert!(find(&stage, first.tokens[0].hash).await.is_none());
    assert!(store.refresh_token_of(OURS, grant.id).await.expect("reads").is_none());
}

async fn a_code_is_good_until_it_expires(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, code) = give(&stage, &client, None).await;
    let late = redemption(&client, &grant, code, NOW + HOUR);
    let store = stage.database.tokens();
    assert_eq!(store.code_redeem(OURS, &late).await.expect("answers"), Redeemed::Gone);
    let unknown = Redemption { code: hash(), ..redemption(&client, &grant, code, NOW) };
    assert_eq!(store.code_redeem(OURS, &unknown).await.expect("answers"), Redeemed::Gone);
    stage.database.clients().client_delete(OURS, &client.id, None).await.expect("deletes");
    let orphaned = redemption(&client, &grant, code, NOW);
    assert_eq!(store.code_redeem(OURS, &orphaned).await.expect("answers"), Redeemed::Gone);
    assert_eq!(stage.place.beside().rows("tokens"), 0);
}

async fn one_of_sixteen_rotations_wins_and_ends_older_access(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, access, refresh) = family(&stage, &client, None).await;
    let outcomes = sixteen_times(|| {
        let store = stage.database.tokens();
        let successor = StoredToken { parent: Some(refresh.hash), ..token(&client, TokenKind::Refresh, Some(&grant)) };
        let rotation = Rotation {
            used: refresh.hash,
            grant: grant.id,
            successor,
            access: Some(token(&client, TokenKind::Access, Some(&grant))),
            grant_until: NOW + HOUR * 48,
        };
        async move { (store.refresh_rotate(OURS, &rotation).await.expect("answers"), rotation) }
    })
    .await;
    let won: Vec<_> = outcomes.iter().filter(|(outcome, _)| *outcome == Rotated::Done).collect();
    let [(_, rotation)] = won[..] else { panic!("{} winners", won.len()) };
    let present = stage.database.tokens().refresh_token_of(OURS, grant.id).await.expect("reads").expect("one");
    assert_eq!(present.token, rotation.successor);
    assert_eq!(present.grant.map(|grant| grant.expires_at), Some(NOW + HOUR * 48));
    assert!(find(&stage, access.hash).await.is_none(), "the access token before has ended");
    assert!(find(&stage, rotation.access.as_ref().expect("one").hash).await.is_some());
    assert_eq!(stage.place.beside().rows("tokens"), 2, "one row for each kind, however often it is refreshed");
}

async fn ending_a_family_leaves_the_grant(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, access, _) = family(&stage, &client, None).await;
    let store = stage.database.tokens();
    assert_eq!(store.family_end(OURS, grant.id).await.expect("ends"), 2);
    assert_eq!(store.family_end(OURS, grant.id).await.expect("ends"), 0);
    assert!(find(&stage, access.hash).await.is_none());
    assert_eq!(stage.place.beside().rows("grants"), 1, "what was granted stays remembered");
}

async fn tokens_count_while_the_identity_is_active(stage: Stage) {
    let client = registered(&stage, "app").await;
    let ada = identity("ada@example.org");
    let identities = stage.database.identities();
    identities.identity_create(OURS, &ada).await.expect("creates");
    let (grant, access, _) = family(&stage, &client, Some(ada.id)).await;
    let found = find(&stage, access.hash).await.expect("is there");
    assert_eq!(found.grant.and_then(|grant| grant.identity), Some(ada.id));
    let mut inactive = ada.clone();
    inactive.state = IdentityState::Inactive;
    identities.identity_update(OURS, &inactive, &std::collections::BTreeSet::new()).await.expect("updates");
    assert!(find(&stage, access.hash).await.is_none());
    assert!(stage.database.tokens().refresh_token_of(OURS, grant.id).await.expect("reads").is_none());
    identities.identity_delete(OURS, ada.id).await.expect("deletes");
    assert!(find(&stage, access.hash).await.is_none());
}

async fn tokens_of_a_client_are_deleted_by_kind(stage: Stage) {
    let (client, other) = (registered(&stage, "app").await, registered(&stage, "other").await);
    let (grant, access, _) = family(&stage, &client, None).await;
    let (_, others, _) = family(&stage, &other, None).await;
    let store = stage.database.tokens();
    assert_eq!(store.tokens_delete(OURS, &client.id, Some(TokenKind::Access)).await.expect("deletes"), 1);
    assert!(find(&stage, access.hash).await.is_none() && find(&stage, others.hash).await.is_some());
    assert!(store.refresh_token_of(OURS, grant.id).await.expect("reads").is_some());
    assert_eq!(store.tokens_delete(OURS, &client.id, None).await.expect("deletes"), 1);
    assert!(store.refresh_token_of(OURS, grant.id).await.expect("reads").is_none());
}

async fn what_was_exchanged_for_a_token_ends_with_it(stage: Stage) {
    let (app, service) = (registered(&stage, "app").await, registered(&stage, "service").await);
    let (grant, access, _) = family(&stage, &app, None).await;
    let store = stage.database.tokens();
    let derived = |client, origin| StoredToken {
        parent: None,
        derived_from: Some(origin),
        ..token(client, TokenKind::Access, Some(&grant))
    };
    let first = derived(&service, access.hash);
    let second = derived(&app, first.hash);
    for token in [&first, &second] {
        assert!(store.token_issue(OURS, token).await.expect("stores"));
        assert_eq!(find(&stage, token.hash).await.map(|found| found.token), Some(token.clone()));
    }
    assert!(store.token_delete(OURS, first.hash).await.expect("deletes"));
    assert_eq!(find(&stage, second.hash).await, None, "with what came of it in turn");
    assert!(find(&stage, access.hash).await.is_some(), "and nothing else");
    assert!(!store.token_issue(OURS, &second).await.expect("refuses"), "its origin is gone");
    // Sixteen exchanges while the origin is revoked: whatever was stored is gone with it.
    let mut racing = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (store, derived) = (store.clone(), derived(&service, access.hash));
        racing.spawn(async move { store.token_issue(OURS, &derived).await.expect("answers").then_some(derived.hash) });
    }
    assert!(store.token_delete(OURS, access.hash).await.expect("deletes"));
    for stored in racing.join_all().await.into_iter().flatten() {
        assert_eq!(find(&stage, stored).await, None);
    }
}

async fn an_assertion_is_good_once_of_sixteen_times(stage: Stage) {
    let id = hash();
    let uses = sixteen_times(|| {
        let store = stage.database.tokens();
        async move { store.assertion_use(OURS, id, NOW + HOUR).await.expect("answers") }
    })
    .await;
    assert_eq!(uses.iter().filter(|first| **first).count(), 1);
    assert!(stage.database.tokens().assertion_use(THEIRS, id, NOW + HOUR).await.expect("answers"), "their own");
}

async fn a_new_client_of_the_same_name_inherits_nothing(stage: Stage) {
    let client = registered(&stage, "app").await;
    let own = StoredToken { issued_at: NOW - HOUR, ..token(&client, TokenKind::Access, None) };
    assert!(stage.database.tokens().token_issue(OURS, &own).await.expect("stores"));
    assert!(find(&stage, own.hash).await.is_none(), "issued before the client was registered");
}

async fn another_project_sees_and_changes_nothing(stage: Stage) {
    let client = registered(&stage, "app").await;
    let (grant, access, refresh) = family(&stage, &client, None).await;
    let (_, code) = give(&stage, &client, None).await;
    let store = stage.database.tokens();
    assert!(store.token_by_hash(THEIRS, &[access.hash]).await.expect("reads").is_none());
    assert!(store.refresh_token_of(THEIRS, grant.id).await.expect("reads").is_none());
    assert!(store.code_by_hash(THEIRS, &[code]).await.expect("reads").is_none());
    assert!(!store.token_issue(THEIRS, &token(&client, TokenKind::Access, None)).await.expect("refuses"));
    assert!(!store.token_delete(THEIRS, access.hash).await.expect("finds none"));
    assert_eq!(store.family_end(THEIRS, grant.id).await.expect("finds none"), 0);
    assert_eq!(store.tokens_delete(THEIRS, &client.id, None).await.expect("finds none"), 0);
    let redemption = redemption(&client, &grant, code, NOW);
    assert_eq!(store.code_redeem(THEIRS, &redemption).await.expect("answers"), Redeemed::Gone);
    let rotation = Rotation {
        used: refresh.hash,
        grant: grant.id,
        successor: token(&client, TokenKind::Refresh, Some(&grant)),
        access: None,
        grant_until: NOW,
    };
    assert_eq!(store.refresh_rotate(THEIRS, &rotation).await.expect("answers"), Rotated::NotPresent);
    assert_eq!(find(&stage, access.hash).await.map(|found| found.token), Some(access));
}
