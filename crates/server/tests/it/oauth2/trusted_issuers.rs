//! Issuers whose assertions are accepted as grants.

use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use super::{OLD, call, get, refusal};
use crate::stage::{Stage, send};

on_both_databases!(an_issuer_is_trusted_shown_listed_and_forgotten, what_is_missing_or_wrong_is_named);

const PATH: &str = "/admin/trust/grants/jwt-bearer/issuers";

fn body() -> Value {
    json!({
        "issuer": "https://issuer.example", "subject": "ada@example.org", "scope": ["openid", "api"],
        "jwk": {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "first",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        "expires_at": "2030-01-01T00:00:00Z",
    })
}

async fn an_issuer_is_trusted_shown_listed_and_forgotten(backend: Backend) {
    let stage = Stage::start(backend).await;
    assert_eq!(get(&stage, PATH).await.expect(200).body, json!([]));
    let made = call(&stage, Method::POST, PATH, &body()).await.expect(201);
    let own = format!("{PATH}/{}", made.id());
    assert_eq!(made.header("location"), Some(own.as_str()));
    let mut expected = json!({
        "issuer": "https://issuer.example", "subject": "ada@example.org", "allow_any_subject": false,
        "scope": ["openid", "api"], "public_key": {"set": "https://issuer.example", "kid": "first"},
        "created_at": "2026-01-01T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z",
    });
    expected["id"] = made.body["id"].clone();
    assert_eq!(made.body, expected);
    assert_eq!(get(&stage, &own).await.expect(200).body, expected);
    let (status, error, _) = refusal(&call(&stage, Method::POST, PATH, &body()).await);
    assert_eq!((status, error.as_str()), (409, "conflict"));

    let mut any = body();
    any["subject"] = json!("");
    any["allow_any_subject"] = json!(true);
    any["issuer"] = json!("https://other.example");
    let any = call(&stage, Method::POST, PATH, &any).await.expect(201);
    assert_eq!((&any.body["subject"], &any.body["allow_any_subject"]), (&json!(""), &json!(true)));
    let one = get(&stage, &format!("{PATH}?issuer=https%3A%2F%2Fother.example")).await.expect(200);
    assert_eq!(one.body, json!([any.body]));
    let first = get(&stage, &format!("{PATH}?page_size=1")).await.expect(200);
    assert!(first.header("link").expect("links").contains("rel=\"next\""));
    let old = |query: &str| stage.admin(Method::GET, &format!("{PATH}?{query}")).header(USER_AGENT, OLD);
    let second = send(old("limit=1&offset=1")).await.expect(200);
    assert_ne!(second.body[0]["id"], first.body[0]["id"]);
    assert_eq!(send(old("MaxItems=500&DefaultItems=100")).await.expect(200).body.as_array().map(Vec::len), Some(2));

    send(stage.admin(Method::DELETE, &own).header(USER_AGENT, OLD)).await.expect(204);
    for method in [Method::GET, Method::DELETE] {
        let (status, error, _) = refusal(&send(stage.admin(method, &own)).await);
        assert_eq!((status, error.as_str()), (404, "not_found"));
    }
    assert_eq!(refusal(&get(&stage, &format!("{PATH}/not-a-uuid")).await).0, 400);
}

async fn what_is_missing_or_wrong_is_named(backend: Backend) {
    let stage = Stage::start(backend).await;
    let without = |name: &str| {
        let mut body = body();
        body.as_object_mut().expect("an object").remove(name);
        body
    };
    let with = |name: &str, value: Value| {
        let mut body = body();
        body[name] = value;
        body
    };
    let jwk = |name: &str, value: Value| {
        let mut body = body();
        body["jwk"][name] = value;
        body
    };
    let missing = "missing_required_parameter";
    for (member, code, body) in [
        ("issuer", missing, without("issuer")),
        ("issuer", missing, with("issuer", json!(""))),
        ("subject", missing, without("subject")),
        ("subject", missing, with("allow_any_subject", json!(true))),
        ("scope", missing, without("scope")),
        ("jwk", missing, without("jwk")),
        ("jwk.kid", missing, jwk("kid", json!(""))),
        ("expires_at", missing, without("expires_at")),
        ("issuer", "invalid_request", with("issuer", json!("x".repeat(601)))),
        ("scope", "invalid_request", with("scope", json!(["two words"]))),
        ("expires_at", "invalid_request", with("expires_at", json!("tomorrow"))),
        ("expires_at", "invalid_request", with("expires_at", json!("2025-01-01T00:00:00Z"))),
        ("jwk", "invalid_request", with("jwk", json!(7))),
        ("jwk.x", "invalid_request", jwk("x", json!("AAAA"))),
        ("jwk.kty", "invalid_request", jwk("kty", json!("RSA"))),
        ("secret", "invalid_request", jwk("d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))),
        ("scope", "invalid_request", with("scope", json!("openid"))),
    ] {
        let answer = call(&stage, Method::POST, PATH, &body).await;
        let (status, error, description) = refusal(&answer);
        assert_eq!((status, error.as_str()), (400, code), "{body}: {description}");
        assert!(description.contains(member), "{body}: {description}");
    }
    assert_eq!(get(&stage, PATH).await.expect(200).body, json!([]), "nothing was written");
}
