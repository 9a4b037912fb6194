//! Passwords that were hashed elsewhere: whoever brings one along signs in with it, and is hashed as everybody else then.

use std::collections::BTreeMap;

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stage::{Answer, Stage, send};

on_both_databases!(every_accepted_hash_signs_in_and_is_replaced, a_patch_brings_a_foreign_hash_along,);

/// Made by other implementations; see `generate.py` beside it.
const VECTORS: &str = include_str!("../../../../identity/tests/password-hashes/hashes.json");

#[derive(Deserialize)]
struct Vector {
    password: String,
    hash: String,
}

/// One of each scheme.
fn vectors() -> BTreeMap<String, Vector> {
    let all: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
    let scheme = |hash: &str| hash.split(['$', '}']).find(|part| !part.is_empty()).unwrap_or_default().to_owned();
    all.into_iter().map(|vector| (scheme(&vector.hash), vector)).collect()
}

async fn hash_of(stage: &Stage, id: &str) -> String {
    let path = format!("/admin/identities/{id}?include_credential=password");
    let read = send(stage.admin(Method::GET, &path)).await.expect(200);
    read.body["credentials"]["password"]["config"]["hashed_password"].as_str().unwrap_or_default().to_owned()
}

async fn every_accepted_hash_signs_in_and_is_replaced(backend: Backend) {
    let stage = Stage::start(backend).await;
    let vectors = vectors();
    assert!(vectors.len() >= 32, "{:?}", vectors.keys());
    let items: Vec<Value> = vectors
        .values()
        .enumerate()
        .map(|(number, vector)| {
            json!({"create": {"traits": {"email": format!("p{number}@example.org")},
                "credentials": {"password": {"config": {"hashed_password": vector.hash}}}}})
        })
        .collect();
    let answer = send(stage.admin(Method::PATCH, "/admin/identities").json(&json!({"identities": items}))).await;
    let answer = answer.expect(200);
    for (number, (scheme, vector)) in vectors.iter().enumerate() {
        let item = &answer.body["identities"][number];
        assert_eq!(item["action"], "create", "{scheme}: {item}");
        let (id, email) = (item["identity"].as_str().expect("an id"), format!("p{number}@example.org"));
        assert!(!hash_of(&stage, id).await.contains("$argon2id$v=19$m=64,"), "{scheme}");
        let wrong: Answer = stage.try_login(&email, &format!("x{}", vector.password)).await;
        assert_eq!((wrong.status.as_u16(), wrong.messages()), (400, vec![4_000_006]), "{scheme}");
        stage.try_login(&email, &vector.password).await.expect(200);
        let replaced = hash_of(&stage, id).await;
        assert!(replaced.starts_with("$argon2id$v=19$m=64,"), "{scheme}: {replaced}");
        stage.try_login(&email, &vector.password).await.expect(200);
    }
}

async fn a_patch_brings_a_foreign_hash_along(backend: Backend) {
    let stage = Stage::start(backend).await;
    let id = stage.person("ada@example.org").await;
    let patch =
        |hash: &str| json!([{"op": "replace", "path": "/credentials/password/config/hashed_password", "value": hash}]);
    let path = format!("/admin/identities/{id}");
    send(stage.admin(Method::PATCH, &path).json(&patch("$md5$nonsense"))).await.expect(400);
    send(stage.admin(Method::PATCH, &path).json(&patch("$md5$4QrcOUm6Wau+VuBX8g+IPg=="))).await.expect(200);
    stage.try_login("ada@example.org", "123456").await.expect(200);
}
