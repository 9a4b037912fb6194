use orrery_keys::config::{ACCESS_TOKEN_SET, ID_TOKEN_SET};
use orrery_keys::{Lifetime, Maintenance, TokenToSign, VerifyError};

use super::*;

async fn sign(node: &KeyManager, now: Timestamp, claims: &Claims) -> String {
    let token = TokenToSign { set: ID_TOKEN_SET, algorithm: None, typ: "JWT", claims };
    node.sign_jwt(PROJECT, now, token).await.expect("signed")
}

async fn kid_of(node: &KeyManager, now: Timestamp, token: &str) -> Option<String> {
    match node.verify_jwt(PROJECT, now, ID_TOKEN_SET, token, Lifetime::Ignored).await {
        Ok(verified) => Some(verified.kid),
        Err(VerifyError::Invalid) => None,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn sixteen_nodes_make_one_key_for_each_gap() {
    let keys = Keys::new().await;
    let nodes: Vec<_> = (0..16).map(|_| Arc::new(keys.node())).collect();
    for (now, stored) in [(start(), 1), (start() + DAY * 89, 2), (start() + DAY * 89, 2), (start() + DAY * 179, 2)] {
        let rounds: Vec<_> = nodes
            .iter()
            .map(|node| {
                let node = Arc::clone(node);
                tokio::spawn(async move { node.maintain(PROJECT, now).await.expect("maintained") })
            })
            .collect();
        for round in rounds {
            round.await.expect("no panic");
        }
        for set in [ID_TOKEN_SET, ACCESS_TOKEN_SET] {
            let rows = keys.store.keys(PROJECT, set).await.expect("rows");
            assert_eq!(rows.len(), stored, "{set} at {now}");
        }
    }
}

#[tokio::test]
async fn first_requests_at_the_same_moment_make_one_key() {
    let keys = Keys::new().await;
    let node = Arc::new(keys.node());
    let requests: Vec<_> = (0..16)
        .map(|_| {
            let node = Arc::clone(&node);
            tokio::spawn(async move { published(&node, start()).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.expect("no panic").len(), 2, "one key for each of two sets");
    }
}

#[tokio::test]
async fn a_rotation_is_invisible_to_relying_parties() {
    let keys = Keys::new().await;
    let node = keys.node();
    let maintained = |now| node.maintain(PROJECT, now);
    assert_eq!(maintained(start()).await.expect("maintained"), Maintenance { created: 2, removed: 0 });
    let first = sign(&node, start(), &claims(start() + DAY)).await;
    let first_kid = kid_of(&node, start(), &first).await.expect("verifies");

    // A day before the end: published, not yet signing.
    let ahead = start() + DAY * 89;
    assert_eq!(maintained(ahead).await.expect("maintained").created, 2);
    maintained(ahead).await.expect("maintained");
    assert_eq!(published(&node, ahead).await.len(), 4);
    let still = sign(&node, ahead, &claims(ahead + DAY)).await;
    assert_eq!(kid_of(&node, ahead, &still).await, Some(first_kid.clone()));

    // The new key signs; what the old one signed still verifies.
    let after = ahead + DAY;
    let second = sign(&node, after, &claims(after + DAY)).await;
    assert_ne!(kid_of(&node, after, &second).await.expect("verifies"), first_kid);
    assert_eq!(kid_of(&node, after, &still).await, Some(first_kid.clone()));

    // Long after the last token has expired the old key goes.
    let end = after + DAY * 30;
    assert_eq!(maintained(end - Duration::from_secs(1)).await.expect("maintained").removed, 0);
    assert_eq!(maintained(end).await.expect("maintained").removed, 2);
    assert_eq!(kid_of(&node, end, &still).await, None);
    assert!(!published(&node, end).await.contains(&first_kid));
    assert!(kid_of(&node, end, &second).await.is_some());
}

#[tokio::test]
async fn a_key_stays_until_its_longest_token_has_expired() {
    let keys = Keys::new().await;
    let node = keys.node();
    node.maintain(PROJECT, start()).await.expect("maintained");
    let long = start() + DAY * 365;
    let token = sign(&node, start(), &claims(long)).await;
    for day in [89, 90, 121, 200, 300, 364] {
        node.maintain(PROJECT, start() + DAY * day).await.expect("maintained");
        let now = start() + DAY * day;
        let verified = node.verify_jwt(PROJECT, now, ID_TOKEN_SET, &token, Lifetime::Enforced).await;
        assert!(verified.is_ok(), "day {day}");
    }
    let gone = start() + DAY * 367;
    node.maintain(PROJECT, gone).await.expect("maintained");
    assert_eq!(kid_of(&node, gone, &token).await, None);
    let rows = keys.store.keys(PROJECT, ID_TOKEN_SET).await.expect("rows");
    assert!(rows.len() <= 3, "{} keys are left", rows.len());
}

#[tokio::test]
async fn ordinary_tokens_cost_no_write() {
    let keys = Keys::new().await;
    let node = keys.node();
    sign(&node, start(), &claims(start() + DAY)).await;
    let rows = keys.store.keys(PROJECT, ID_TOKEN_SET).await.expect("rows");
    assert_eq!(rows[0].held_until, None);
    sign(&node, start(), &claims(start() + DAY * 100)).await;
    let rows = keys.store.keys(PROJECT, ID_TOKEN_SET).await.expect("rows");
    assert!(rows[0].held_until.is_some_and(|until| until >= start() + DAY * 100));
}

#[tokio::test]
async fn private_keys_outlive_the_secret_that_sealed_them() {
    let keys = Keys::new().await;
    let new = "another secret of these tests";
    let old_node = keys.node();
    let token = sign(&old_node, start(), &claims(start() + DAY)).await;
    let both = keys.node_with(&[new, SECRET], config());
    assert_eq!(both.reseal(PROJECT).await.expect("resealed"), 1);
    assert_eq!(both.reseal(PROJECT).await.expect("resealed"), 0, "once is enough");
    let new_node = keys.node_with(&[new], config());
    sign(&new_node, start(), &claims(start() + DAY)).await;
    assert!(kid_of(&new_node, start(), &token).await.is_some());
}

#[tokio::test]
async fn without_the_secret_nothing_is_signed_and_no_key_is_made_instead() {
    let keys = Keys::new().await;
    let token = sign(&keys.node(), start(), &claims(start() + DAY)).await;
    let stranger = keys.node_with(&["a secret that sealed nothing"], config());
    let claims = claims(start() + DAY);
    let attempt = TokenToSign { set: ID_TOKEN_SET, algorithm: None, typ: "JWT", claims: &claims };
    let refused = stranger.sign_jwt(PROJECT, start(), attempt).await;
    assert!(matches!(refused, Err(orrery_keys::KeyError::Unreadable)), "{refused:?}");
    stranger.maintain(PROJECT, start()).await.expect("maintained");
    assert_eq!(keys.store.keys(PROJECT, ID_TOKEN_SET).await.expect("rows").len(), 1);
    assert!(kid_of(&stranger, start(), &token).await.is_some(), "the public half still verifies");
}
