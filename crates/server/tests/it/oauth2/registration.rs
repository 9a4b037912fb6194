//! Clients that register and look after themselves (RFC 7591, RFC 7592).

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use super::{OLD, call, create, get, open, refusal, with_token};
use crate::stage::{Answer, Stage, send};

on_both_databases!(
    it_is_off_unless_somebody_wants_it,
    a_client_registers_reads_replaces_and_deletes_itself,
    what_only_administrators_set_is_refused_and_kept,
    a_client_is_found_by_its_own_token_only,
    a_token_is_good_for_one_replacement,
);

async fn register(stage: &Stage, body: Value) -> Answer {
    send(stage.public(Method::POST, "/oauth2/register").json(&body)).await
}

fn path(answer: &Answer) -> String {
    format!("/oauth2/register/{}", answer.body["client_id"].as_str().expect("an id"))
}

async fn it_is_off_unless_somebody_wants_it(backend: Backend) {
    let stage = Stage::start(backend).await;
    let made = create(&stage, json!({})).await;
    let (own, token) = (path(&made), &made.body["registration_access_token"]);
    let answers = [
        register(&stage, json!({})).await,
        send(with_token(stage.public(Method::GET, &own), token)).await,
        send(with_token(stage.public(Method::PUT, &own), token).json(&json!({}))).await,
        send(with_token(stage.public(Method::DELETE, &own), token)).await,
    ];
    for (status, error, description) in answers.iter().map(refusal) {
        assert_eq!((status, error.as_str()), (404, "not_found"));
        assert!(description.contains("switched off"), "{description}");
    }
}

async fn a_client_registers_reads_replaces_and_deletes_itself(backend: Backend) {
    let stage = open(backend).await;
    let body = json!({"client_name": "Mine", "client_id": "chosen", "redirect_uris": ["https://app.example.org/cb"]});
    let made = register(&stage, body).await.expect(201);
    assert_ne!(made.body["client_id"], "chosen", "the server chooses the id");
    assert_eq!(made.body["scope"], "openid profile", "the configured default");
    let own = path(&made);
    let uri = made.body["registration_client_uri"].as_str().expect("an address");
    assert!(uri.ends_with(&own) && made.header("location") == Some(uri), "{uri}");
    let (secret, token) = (&made.body["client_secret"], &made.body["registration_access_token"]);
    assert!(secret.is_string() && token.is_string());

    let read = send(with_token(stage.public(Method::GET, &own), token)).await.expect(200);
    for hidden in ["client_secret", "metadata", "owner", "skip_consent", "registration_access_token"] {
        assert_eq!(read.body.get(hidden), None, "{hidden}");
    }
    for unset in ["userinfo_signed_response_alg", "jwks", "client_uri", "logo_uri"] {
        assert_eq!(read.body.get(unset), None, "a client would insist on {unset}");
    }
    let mut changed = read.body.clone();
    changed["client_name"] = json!("Renamed");
    let replaced = send(with_token(stage.public(Method::PUT, &own), token).json(&changed)).await.expect(200);
    assert_eq!((&replaced.body["client_name"], replaced.body.get("client_secret")), (&json!("Renamed"), None));
    let fresh = &replaced.body["registration_access_token"];
    assert_ne!(fresh, token);
    assert_eq!(refusal(&send(with_token(stage.public(Method::GET, &own), token)).await).0, 401, "the old one is over");
    send(with_token(stage.public(Method::GET, &own), fresh).header(USER_AGENT, OLD)).await.expect(200);
    send(with_token(stage.public(Method::DELETE, &own), fresh)).await.expect(204);
    assert_eq!(refusal(&send(with_token(stage.public(Method::GET, &own), fresh)).await).0, 401);
    assert_eq!(get(&stage, "/admin/clients").await.expect(200).body, json!([]));
}

async fn what_only_administrators_set_is_refused_and_kept(backend: Backend) {
    let stage = open(backend).await;
    let closed = [
        ("client_secret", json!("a chosen secret")),
        ("metadata", json!({"a": 1})),
        ("owner", json!("me")),
        ("skip_consent", json!(true)),
        ("skip_logout_consent", json!(false)),
        ("access_token_strategy", json!("jwt")),
        ("implicit_grant_access_token_lifespan", json!("9000h")),
    ];
    let made = register(&stage, json!({})).await.expect(201);
    let (own, token) = (path(&made), &made.body["registration_access_token"]);
    for (name, value) in &closed {
        let body = json!({*name: value});
        let (status, error, description) = refusal(&register(&stage, body.clone()).await);
        assert_eq!((status, error.as_str()), (400, "invalid_client_metadata"), "{name}");
        assert!(description.contains(name), "{description}");
        let answer = send(with_token(stage.public(Method::PUT, &own), token).json(&body)).await;
        let expected =
            if *name == "client_secret" { (403, "request_forbidden") } else { (400, "invalid_client_metadata") };
        let (status, error, _) = refusal(&answer);
        assert_eq!((status, error.as_str()), expected, "{name}");
    }
    let other = json!({"client_id": "other"});
    assert_eq!(refusal(&send(with_token(stage.public(Method::PUT, &own), token).json(&other)).await).0, 400);

    let admin = format!("/admin/clients/{}", made.body["client_id"].as_str().expect("an id"));
    let set = json!([
        {"op": "add", "path": "/metadata/a", "value": 1},
        {"op": "replace", "path": "/owner", "value": "ada"},
        {"op": "replace", "path": "/skip_consent", "value": true},
        {"op": "add", "path": "/skip_logout_consent", "value": true},
        {"op": "add", "path": "/access_token_strategy", "value": "jwt"},
        {"op": "add", "path": "/implicit_grant_access_token_lifespan", "value": "2h"},
    ]);
    let set = call(&stage, Method::PATCH, &admin, &set).await.expect(200).body;
    send(with_token(stage.public(Method::PUT, &own), token).json(&json!({"client_name": "Mine"}))).await.expect(200);
    let mut kept = get(&stage, &admin).await.expect(200).body;
    assert_eq!(kept["client_name"], "Mine");
    kept["client_name"] = set["client_name"].clone();
    assert_eq!(kept, set);
}

async fn a_client_is_found_by_its_own_token_only(backend: Backend) {
    let stage = open(backend).await;
    let (mine, other) = (register(&stage, json!({})).await.expect(201), register(&stage, json!({})).await.expect(201));
    let (own, token) = (path(&mine), &mine.body["registration_access_token"]);
    let wrong = [
        stage.public(Method::GET, &own),
        stage.public(Method::GET, &own).bearer_auth("ory_rat_made_up"),
        with_token(stage.public(Method::GET, &own), &other.body["registration_access_token"]),
        with_token(stage.public(Method::GET, "/oauth2/register/unknown"), token),
        stage.public(Method::PUT, &own).json(&json!({})),
        with_token(stage.public(Method::DELETE, &own), &mine.body["client_secret"]),
    ];
    let mut told = Vec::new();
    for request in wrong {
        told.push(refusal(&send(request).await));
    }
    assert!(told.iter().all(|answer| *answer == told[0]), "nobody learns which clients there are: {told:?}");
    assert_eq!((told[0].0, told[0].1.as_str()), (401, "request_unauthorized"));
    // A client that an administrator registered can look after itself, too.
    let made = create(&stage, json!({"client_id": "made"})).await;
    let request =
        with_token(stage.public(Method::GET, "/oauth2/register/made"), &made.body["registration_access_token"]);
    send(request).await.expect(200);
}

async fn a_token_is_good_for_one_replacement(backend: Backend) {
    let stage = open(backend).await;
    let made = register(&stage, json!({})).await.expect(201);
    let (own, token) = (path(&made), &made.body["registration_access_token"]);
    let racers = (0..16).map(|number| {
        let body = json!({"client_name": number.to_string()});
        send(with_token(stage.public(Method::PUT, &own), token).json(&body))
    });
    let answers = join_all(racers).await;
    let winners: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 401).count(), 15);
    let fresh = &winners[0].body["registration_access_token"];
    let read = send(with_token(stage.public(Method::GET, &own), fresh)).await.expect(200);
    assert_eq!(read.body["client_name"], winners[0].body["client_name"]);
}
