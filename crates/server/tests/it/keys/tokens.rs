use orrery_keys::config::{ACCESS_TOKEN_SET, ID_TOKEN_SET};
use orrery_keys::{KeyError, Lifetime, NewKey, TokenToSign, VerifyError};

use super::*;

fn token<'a>(set: &'a str, algorithm: Option<SigningAlgorithm>, claims: &'a Claims) -> TokenToSign<'a> {
    TokenToSign { set, algorithm, typ: "at+jwt", claims }
}

fn new_key(algorithm: &str) -> NewKey {
    NewKey { algorithm: algorithm.to_owned(), usage: None, kid: None }
}

#[tokio::test]
async fn a_token_verifies_with_its_set_and_in_its_project_only() {
    let keys = Keys::new().await;
    let node = keys.node();
    let claims = claims(start() + DAY);
    let signed = node.sign_jwt(PROJECT, start(), token(ACCESS_TOKEN_SET, None, &claims)).await.expect("signed");
    let verify = |project, set| node.verify_jwt(project, start(), set, &signed, Lifetime::Enforced);
    let verified = verify(PROJECT, ACCESS_TOKEN_SET).await.expect("verified");
    assert_eq!((verified.claims, verified.typ.as_deref()), (claims, Some("at+jwt")));
    assert_eq!(verified.algorithm, SigningAlgorithm::ES256);
    assert!(matches!(verify(PROJECT, ID_TOKEN_SET).await, Err(VerifyError::Invalid)));
    let other = ProjectId::generate(&SystemEntropy::default());
    assert!(matches!(verify(other, ACCESS_TOKEN_SET).await, Err(VerifyError::Invalid)));
    assert!(matches!(node.read_set(other, ACCESS_TOKEN_SET).await, Err(KeyError::NotFound)));
}

#[tokio::test]
async fn times_are_enforced_unless_they_do_not_matter() {
    let keys = Keys::new().await;
    let node = keys.node();
    let now = start();
    let with = |exp: Option<i64>, nbf: Option<i64>| {
        let mut claims = Claims::new();
        for (name, value) in [("exp", exp), ("nbf", nbf)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(now.as_seconds() + value));
            }
        }
        claims
    };
    for (claims, expected) in [
        (with(Some(1), Some(0)), "fine"),
        (with(Some(0), None), "expired"),
        (with(None, None), "expired"),
        (with(Some(10), Some(1)), "early"),
        (json!({"exp": "tomorrow"}).as_object().expect("object").clone(), "invalid"),
    ] {
        let signed = node.sign_jwt(PROJECT, now, token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
        let outcome = match node.verify_jwt(PROJECT, now, ID_TOKEN_SET, &signed, Lifetime::Enforced).await {
            Ok(_) => "fine",
            Err(VerifyError::Expired) => "expired",
            Err(VerifyError::NotYetValid) => "early",
            Err(VerifyError::Invalid) => "invalid",
            Err(VerifyError::Keys(error)) => panic!("{error}"),
        };
        assert_eq!(outcome, expected, "{claims:?}");
        assert!(node.verify_jwt(PROJECT, now, ID_TOKEN_SET, &signed, Lifetime::Ignored).await.is_ok());
    }
}

#[tokio::test]
async fn a_client_may_ask_for_another_algorithm() {
    let keys = Keys::new().await;
    let node = keys.node();
    let claims = claims(start() + DAY);
    let sign = |algorithm| node.sign_jwt(PROJECT, start(), token(ID_TOKEN_SET, algorithm, &claims));
    for algorithm in [None, Some(SigningAlgorithm::ES384), Some(SigningAlgorithm::ES384), None] {
        let signed = sign(algorithm).await.expect("signed");
        let verified = node.verify_jwt(PROJECT, start(), ID_TOKEN_SET, &signed, Lifetime::Enforced).await;
        assert_eq!(verified.expect("verified").algorithm, algorithm.unwrap_or(SigningAlgorithm::EdDSA));
    }
    assert_eq!(keys.store.keys(PROJECT, ID_TOKEN_SET).await.expect("rows").len(), 2);
    assert_eq!(node.signing_algorithm(PROJECT, start(), ID_TOKEN_SET).await.expect("known"), SigningAlgorithm::EdDSA);
}

#[tokio::test]
async fn a_set_of_the_administrator_is_never_filled_by_itself() {
    let keys = Keys::new().await;
    let node = keys.node();
    let claims = claims(start() + DAY);
    let signed = node.sign_jwt(PROJECT, start(), token("theirs", None, &claims)).await;
    assert!(matches!(signed, Err(KeyError::NoSigningKey)));
    node.create_key(PROJECT, start(), "theirs", new_key("ES512")).await.expect("created");
    let signed = node.sign_jwt(PROJECT, start(), token("theirs", None, &claims)).await.expect("signed");
    assert!(node.verify_jwt(PROJECT, start(), "theirs", &signed, Lifetime::Enforced).await.is_ok());
    node.maintain(PROJECT, start() + DAY * 1000).await.expect("maintained");
    assert_eq!(keys.store.keys(PROJECT, "theirs").await.expect("rows").len(), 1);
}

#[tokio::test]
async fn a_key_that_an_administrator_makes_signs_at_once() {
    let keys = Keys::new().await;
    let node = keys.node();
    let claims = claims(start() + DAY);
    let old = node.sign_jwt(PROJECT, start(), token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
    let now = start() + Duration::from_secs(60);
    let key = node.create_key(PROJECT, now, ID_TOKEN_SET, new_key("ES256")).await.expect("created");
    let new = node.sign_jwt(PROJECT, now, token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
    let verified = node.verify_jwt(PROJECT, now, ID_TOKEN_SET, &new, Lifetime::Enforced).await.expect("verified");
    assert_eq!(verified.kid, key.kid());
    assert!(node.verify_jwt(PROJECT, now, ID_TOKEN_SET, &old, Lifetime::Enforced).await.is_ok());
}

#[tokio::test]
async fn a_deleted_key_verifies_nothing_from_that_moment_on() {
    let keys = Keys::new().await;
    let node = keys.node();
    let claims = claims(start() + DAY);
    let signed = node.sign_jwt(PROJECT, start(), token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
    let verify = || node.verify_jwt(PROJECT, start(), ID_TOKEN_SET, &signed, Lifetime::Enforced);
    let kid = verify().await.expect("verified").kid;
    node.delete_key(PROJECT, ID_TOKEN_SET, &kid).await.expect("deleted");
    assert!(matches!(verify().await, Err(VerifyError::Invalid)));
}

#[tokio::test]
async fn other_nodes_hear_of_changes_soon() {
    let keys = Keys::new().await;
    let (here, there) = (keys.node(), keys.node());
    let claims = claims(start() + DAY);
    let first = here.sign_jwt(PROJECT, start(), token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
    let kid = there.verify_jwt(PROJECT, start(), ID_TOKEN_SET, &first, Lifetime::Enforced).await.expect("verified").kid;

    // A token with a key that the other node has not seen makes it look again, but not for every stranger's token.
    let soon = start() + Duration::from_secs(6);
    here.create_key(PROJECT, soon, ID_TOKEN_SET, new_key("EdDSA")).await.expect("created");
    let second = here.sign_jwt(PROJECT, soon, token(ID_TOKEN_SET, None, &claims)).await.expect("signed");
    let there_at = |now| there.verify_jwt(PROJECT, now, ID_TOKEN_SET, &second, Lifetime::Enforced);
    assert!(there_at(start() + Duration::from_secs(1)).await.is_err());
    assert!(there_at(soon).await.is_ok());

    // A deleted key is forgotten after the refresh interval at the latest.
    here.delete_key(PROJECT, ID_TOKEN_SET, &kid).await.expect("deleted");
    let later = soon + config().refresh;
    let outcome = there.verify_jwt(PROJECT, later, ID_TOKEN_SET, &first, Lifetime::Enforced).await;
    assert!(matches!(outcome, Err(VerifyError::Invalid)));
}

#[tokio::test]
async fn a_token_without_kid_is_tried_with_the_keys_of_its_algorithm() {
    let keys = Keys::new().await;
    let node = keys.node();
    let key = node.create_key(PROJECT, start(), "set", new_key("ES256")).await.expect("created");
    node.create_key(PROJECT, start(), "set", new_key("EdDSA")).await.expect("created");
    let members = key.to_value().expect("JSON").as_object().expect("object").clone();
    let mut jwk = josekit::jwk::Jwk::from_map(members).expect("a key");
    jwk.set_parameter("kid", None).expect("removed");
    let signer = josekit::jws::ES256.signer_from_jwk(&jwk).expect("a signer");
    let mut payload = josekit::jwt::JwtPayload::new();
    payload.set_subject("somebody");
    let signed = josekit::jwt::encode_with_signer(&payload, &josekit::jws::JwsHeader::new(), &signer).expect("signed");
    let verified = node.verify_jwt(PROJECT, start(), "set", &signed, Lifetime::Ignored).await.expect("verified");
    assert_eq!(verified.kid, key.kid());
}
