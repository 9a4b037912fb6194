//! What the server says that it can do.

use orrery_server::config::Mode;
use orrery_server::wiring::{Surfaces, routes};
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use super::{OLD, get};
use crate::stage::{Stage, send};

on_both_databases!(
    what_is_advertised_is_served,
    what_is_advertised_may_be_registered,
    what_people_are_known_by_is_advertised_where_we_sign_them_in,
    endpoints_that_are_elsewhere_are_named_there,
    a_key_that_a_client_chose_is_published_before_it_signs,
);

async fn what_is_advertised_is_served(backend: Backend) {
    let stage = Stage::start(backend).await;
    let path = "/.well-known/openid-configuration";
    let document = send(stage.public(Method::GET, path).header(USER_AGENT, OLD)).await.expect(200);
    assert_eq!(document.header("cache-control"), Some("public, max-age=300"));
    let same = send(stage.public(Method::GET, "/.well-known/oauth-authorization-server")).await.expect(200);
    assert_eq!(document.body, same.body);
    let base = stage.public_url().trim_end_matches('/').to_owned();
    let served: Vec<_> = routes(Surfaces::All, Mode::Dev).list().map(|route| route.path).collect();
    for (name, value) in document.body.as_object().expect("an object") {
        let Some(endpoint) = value.as_str().filter(|_| name.ends_with("_endpoint") || name == "jwks_uri") else {
            continue;
        };
        let path = endpoint.strip_prefix(&base).unwrap_or_else(|| panic!("{name} is elsewhere: {endpoint}"));
        assert!(served.contains(&path), "{name} names {path}, which is not served");
    }
    let grants = document.body["grant_types_supported"].as_array().expect("a list");
    assert!(grants.contains(&json!("urn:ietf:params:oauth:grant-type:device_code")), "{grants:?}");
    assert_eq!(document.body.get("registration_endpoint"), None, "clients may not register themselves here");
    assert_eq!(document.body["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(get(&stage, path).await.status, 404, "not on the administrators' port");
}

async fn what_is_advertised_may_be_registered(backend: Backend) {
    let stage = Stage::start(backend).await;
    let document = send(stage.public(Method::GET, "/.well-known/openid-configuration")).await.expect(200);
    for (member, list) in [
        ("id_token_signed_response_alg", "id_token_signing_alg_values_supported"),
        ("userinfo_signed_response_alg", "userinfo_signing_alg_values_supported"),
        ("introspection_signed_response_alg", "introspection_signing_alg_values_supported"),
        ("token_endpoint_auth_method", "token_endpoint_auth_methods_supported"),
    ] {
        let known = document.body[list].as_array().expect("a list");
        assert!(!known.is_empty());
        for value in known {
            let body = match value.as_str() {
                Some("private_key_jwt") => json!({member: value, "jwks_uri": "https://app.example/keys"}),
                _ => json!({member: value}),
            };
            send(stage.admin(Method::POST, "/admin/clients").json(&body)).await.expect(201);
        }
    }
    let member = "token_endpoint_auth_signing_alg";
    let known = document.body[&format!("{member}_values_supported")].as_array().expect("a list");
    assert!(!known.is_empty());
    for value in known {
        let symmetric = value.as_str().is_some_and(|name| name.starts_with("HS"));
        let body = match symmetric {
            true => json!({member: value, "token_endpoint_auth_method": "client_secret_jwt"}),
            false => json!({member: value, "token_endpoint_auth_method": "private_key_jwt",
                "jwks_uri": "https://app.example/keys"}),
        };
        send(stage.admin(Method::POST, "/admin/clients").json(&body)).await.expect(201);
    }
}

async fn what_people_are_known_by_is_advertised_where_we_sign_them_in(backend: Backend) {
    let path = "/.well-known/openid-configuration";
    let more = json!({"supported_scope": ["photos.read", "openid"], "supported_claims": ["plan"]});
    let changes = |urls: Value| json!({"oauth2": {"urls": urls, "webfinger": {"oidc_discovery": more}}});
    let built_in = Stage::with(backend, changes(json!({}))).await;
    let said = send(built_in.public(Method::GET, path)).await.expect(200).body;
    assert_eq!(
        said["scopes_supported"],
        json!(["offline_access", "offline", "openid", "profile", "email", "phone", "photos.read"])
    );
    for claim in ["sub", "email", "email_verified", "phone_number", "given_name", "updated_at", "plan"] {
        assert!(said["claims_supported"].as_array().expect("a list").contains(&json!(claim)), "{claim} in {said}");
    }
    assert_eq!(
        said["prompt_values_supported"],
        json!(["none", "login", "consent", "select_account", "create", "registration"])
    );
    let external = Stage::with(backend, changes(json!({"login": "https://apps.example/login"}))).await;
    let said = send(external.public(Method::GET, path)).await.expect(200).body;
    assert_eq!(said["scopes_supported"], json!(["offline_access", "offline", "openid", "photos.read"]));
    assert_eq!(said["claims_supported"], json!(["sub", "auth_time", "acr", "amr", "sid", "plan"]));
}

async fn endpoints_that_are_elsewhere_are_named_there(backend: Backend) {
    let elsewhere = json!({
        "client_registration_url": "https://clients.example/", "verifiable_credentials_url": "https://wallet.example/",
        "userinfo_url": "https://people.example/userinfo",
    });
    let config = json!({"oauth2": {"webfinger": {"oidc_discovery": elsewhere}}});
    let stage = Stage::with(backend, config).await;
    let said = send(stage.public(Method::GET, "/.well-known/openid-configuration")).await.expect(200).body;
    assert_eq!(said["registration_endpoint"], "https://clients.example/", "although nobody registers here");
    assert_eq!(said["credentials_endpoint_draft_00"], "https://wallet.example/");
    assert_eq!(said["userinfo_endpoint"], "https://people.example/userinfo");
}

async fn a_key_that_a_client_chose_is_published_before_it_signs(backend: Backend) {
    let stage = Stage::start(backend).await;
    let published = async |algorithm: &str| {
        let keys = send(stage.public(Method::GET, "/.well-known/jwks.json")).await.expect(200);
        keys.body["keys"].as_array().expect("keys").iter().filter(|key| key["alg"] == algorithm).count()
    };
    // One that signs access tokens.
    assert_eq!((published("PS256").await, published("EdDSA").await, published("ES256").await), (0, 0, 1));
    let body = json!({"client_id": "printer", "id_token_signed_response_alg": "PS256"});
    send(stage.admin(Method::POST, "/admin/clients").json(&body)).await.expect(201);
    assert_eq!(published("PS256").await, 1);
    let patch = json!([{"op": "replace", "path": "/userinfo_signed_response_alg", "value": "EdDSA"}]);
    send(stage.admin(Method::PATCH, "/admin/clients/printer").json(&patch)).await.expect(200);
    assert_eq!(published("EdDSA").await, 1);
    let body = json!({"introspection_signed_response_alg": "ES256"});
    send(stage.admin(Method::PUT, "/admin/clients/printer").json(&body)).await.expect(200);
    assert_eq!(published("ES256").await, 2);
}
