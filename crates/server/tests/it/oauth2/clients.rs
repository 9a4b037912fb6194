//! Registering, reading, listing and deleting clients as an administrator.

use std::time::Duration;

use futures_util::future::join_all;
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use super::{OLD, call, create, get, refusal};
use crate::stage::{Stage, send};

on_both_databases!(
    a_client_is_created_read_replaced_and_deleted,
    a_client_that_names_nothing_gets_the_defaults,
    everything_that_is_registered_is_shown_again,
    a_chosen_id_and_secret_are_kept,
    an_id_is_taken_once,
    lists_are_walked_filtered_and_bounded,
    both_generations_understand_every_answer,
);

async fn a_client_is_created_read_replaced_and_deleted(backend: Backend) {
    let stage = Stage::start(backend).await;
    let made = create(&stage, json!({"client_name": "App", "redirect_uris": ["https://app.example.org/cb"]})).await;
    let id = made.body["client_id"].as_str().expect("an id").to_owned();
    let path = format!("/admin/clients/{id}");
    assert_eq!(made.header("location"), Some(path.as_str()));
    let secret = made.body["client_secret"].as_str().expect("a secret");
    assert!(secret.len() == 43 && secret.chars().all(|c| c.is_ascii_alphanumeric()), "256 random bits: {secret}");
    assert!(made.body["registration_access_token"].as_str().is_some_and(|token| token.len() > 43));
    let own = made.body["registration_client_uri"].as_str().expect("an address");
    assert!(own.ends_with(&format!("/oauth2/register/{id}")), "{own}");

    let read = get(&stage, &path).await.expect(200);
    for hidden in ["client_secret", "registration_access_token", "registration_client_uri"] {
        assert_eq!(read.body.get(hidden), None, "{hidden}");
    }
    assert_eq!(read.body["client_name"], "App");

    stage.advance(Duration::from_secs(60));
    let replaced = call(&stage, Method::PUT, &path, &json!({"client_name": "Other", "client_id": "ignored"})).await;
    let replaced = replaced.expect(200);
    assert_eq!((&replaced.body["client_name"], &replaced.body["client_id"]), (&json!("Other"), &json!(id)));
    assert_eq!(replaced.body["redirect_uris"], json!([]), "what is not sent falls to its default");
    assert_eq!(replaced.body["created_at"], made.body["created_at"]);
    assert_ne!(replaced.body["updated_at"], made.body["updated_at"]);
    assert_eq!(replaced.body.get("client_secret"), None);

    assert_eq!(send(stage.admin(Method::DELETE, &path)).await.expect(204).body, "");
    for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({}))), (Method::DELETE, None)] {
        let mut request = stage.admin(method, &path);
        if let Some(body) = &body {
            request = request.json(body);
        }
        let (status, error, _) = refusal(&send(request).await);
        assert_eq!((status, error.as_str()), (404, "not_found"));
    }
}

async fn a_client_that_names_nothing_gets_the_defaults(backend: Backend) {
    let stage = Stage::start(backend).await;
    let mut made = create(&stage, json!({"scope": "", "jwks_uri": "", "access_token_strategy": "", "jwks": {}})).await;
    let members = made.body.as_object_mut().expect("an object");
    for name in ["client_id", "client_secret", "registration_access_token", "registration_client_uri"] {
        assert!(members.remove(name).is_some(), "{name}");
    }
    let expected = json!({
        "client_name": "", "client_secret_expires_at": 0, "redirect_uris": [], "grant_types": [], "response_types": [],
        "scope": "offline_access offline openid", "audience": [], "owner": "", "policy_uri": "", "tos_uri": "",
        "client_uri": "", "logo_uri": "", "allowed_cors_origins": [], "contacts": [], "subject_type": "public",
        "jwks": {}, "token_endpoint_auth_method": "client_secret_basic", "userinfo_signed_response_alg": "none",
        "metadata": {}, "skip_consent": false,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    });
    assert_eq!(made.body, expected);
}

fn full() -> Value {
    json!({
        "client_id": "full", "client_name": "Everything", "redirect_uris": ["https://app.example.org/cb", "app:/cb"],
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code", "code id_token"],
        "scope": "openid api.*", "audience": ["https://api.example.org"], "owner": "ada",
        "policy_uri": "https://app.example.org/policy", "tos_uri": "https://app.example.org/tos",
        "client_uri": "https://app.example.org", "logo_uri": "https://app.example.org/logo.png",
        "allowed_cors_origins": ["https://app.example.org"], "contacts": ["ada@example.org"],
        "subject_type": "public",
        "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "kid": "a", "use": "sig", "alg": "ES256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]},
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256",
        "request_uris": ["https://app.example.org/request"], "request_object_signing_alg": "RS256",
        "userinfo_signed_response_alg": "RS256", "id_token_signed_response_alg": "EdDSA",
        "introspection_signed_response_alg": "ES256",
        "frontchannel_logout_uri": "https://app.example.org/front", "frontchannel_logout_session_required": true,
        "backchannel_logout_uri": "https://app.example.org/back", "backchannel_logout_session_required": true,
        "post_logout_redirect_uris": ["https://app.example.org/bye"],
        "metadata": {"team": {"name": "Ünï", "size": 2.5}}, "skip_consent": true, "skip_logout_consent": false,
        "access_token_strategy": "jwt", "require_pushed_authorization_requests": true,
        "dpop_bound_access_tokens": true,
        "authorization_code_grant_access_token_lifespan": "90m", "password_grant_refresh_token_lifespan": "31h",
        "device_authorization_grant_id_token_lifespan": "1s",
    })
}

async fn everything_that_is_registered_is_shown_again(backend: Backend) {
    let stage = Stage::start(backend).await;
    let asked = full();
    let made = create(&stage, asked.clone()).await;
    assert_eq!(made.body.get("client_secret"), None, "a client that signs has no secret");
    let read = get(&stage, "/admin/clients/full").await.expect(200);
    for (name, value) in asked.as_object().expect("an object") {
        assert_eq!(&read.body[name], value, "{name}");
    }
    // What was shown can be sent back as it is.
    let replaced = call(&stage, Method::PUT, "/admin/clients/full", &read.body).await.expect(200);
    assert_eq!(replaced.body, read.body);
}

async fn a_chosen_id_and_secret_are_kept(backend: Backend) {
    let stage = Stage::start(backend).await;
    let made = create(&stage, json!({"client_id": "my app/1", "client_secret": "chosen secret"})).await;
    assert_eq!((&made.body["client_id"], &made.body["client_secret"]), (&json!("my app/1"), &json!("chosen secret")));
    assert_eq!(made.header("location"), Some("/admin/clients/my%20app%2F1"));
    let read = get(&stage, "/admin/clients/my%20app%2F1").await.expect(200);
    assert_eq!(read.body["client_id"], "my app/1");
    let public = create(&stage, json!({"token_endpoint_auth_method": "none"})).await;
    assert_eq!(public.body.get("client_secret"), None);
}

async fn an_id_is_taken_once(backend: Backend) {
    let stage = Stage::start(backend).await;
    let body = json!({"client_id": "same"});
    let racers = (0..16).map(|_| call(&stage, Method::POST, "/admin/clients", &body));
    let answers = join_all(racers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    let refused = answers.iter().filter(|answer| answer.status != 201).map(refusal);
    for (status, error, _) in refused {
        assert_eq!((status, error.as_str()), (409, "conflict"));
    }
}

async fn lists_are_walked_filtered_and_bounded(backend: Backend) {
    let stage = Stage::start(backend).await;
    for (id, name, owner) in [("a", "One", "ada"), ("b", "Two", "ada"), ("c", "One", "bob")] {
        create(&stage, json!({"client_id": id, "client_name": name, "owner": owner})).await;
    }
    let ids = |body: &Value| -> Vec<String> {
        let items = body.as_array().expect("a list");
        items.iter().map(|item| item["client_id"].as_str().expect("an id").to_owned()).collect()
    };
    let first = get(&stage, "/admin/clients?page_size=2").await.expect(200);
    assert_eq!(ids(&first.body), ["a", "b"]);
    assert!(first.body[0].get("client_secret").is_none());
    let links = first.header("link").expect("links").to_owned();
    assert!(links.starts_with("</admin/clients?") && links.contains("rel=\"first\",<"), "{links}");
    let next = links.split('<').nth(2).and_then(|rest| rest.split('>').next()).expect("a next page").to_owned();
    // Older clients leave out `/admin`.
    let rest = get(&stage, next.trim_start_matches("/admin")).await.expect(200);
    assert_eq!(ids(&rest.body), ["c"]);
    assert!(!rest.header("link").expect("links").contains("next"));
    assert_eq!(ids(&get(&stage, "/admin/clients?owner=ada").await.expect(200).body), ["a", "b"]);
    assert_eq!(ids(&get(&stage, "/admin/clients?owner=bob&client_name=One").await.expect(200).body), ["c"]);
    assert_eq!(ids(&get(&stage, "/admin/clients?client_name=Three").await.expect(200).body), [""; 0]);
    for bad in ["page_size=many", "page_token=made-up"] {
        assert_eq!(refusal(&get(&stage, &format!("/admin/clients?{bad}")).await).0, 400, "{bad}");
    }
}

/// Every answer is held against the contract of the generation that the caller names.
async fn both_generations_understand_every_answer(backend: Backend) {
    let stage = Stage::start(backend).await;
    let old = |method: Method, path: &str| stage.admin(method, path).header(USER_AGENT, OLD);
    send(old(Method::POST, "/admin/clients").json(&full())).await.expect(201);
    send(old(Method::GET, "/admin/clients")).await.expect(200);
    send(old(Method::GET, "/admin/clients/full")).await.expect(200);
    send(old(Method::GET, "/admin/clients/none")).await.expect(404);
    send(old(Method::POST, "/admin/clients").json(&json!({"redirect_uris": ["/"]}))).await.expect(400);
    send(old(Method::POST, "/admin/clients").json(&full())).await.expect(409);
    send(old(Method::PUT, "/admin/clients/full").json(&full())).await.expect(200);
    let patch = json!([{"op": "replace", "path": "/client_name", "value": "x"}]);
    send(old(Method::PATCH, "/admin/clients/full").json(&patch)).await.expect(200);
    let lifespans = json!({"password_grant_access_token_lifespan": "2h30m"});
    send(old(Method::PUT, "/admin/clients/full/lifespans").json(&lifespans)).await.expect(200);
    send(old(Method::DELETE, "/admin/clients/full")).await.expect(204);
    send(old(Method::DELETE, "/admin/clients/full")).await.expect(404);
}
