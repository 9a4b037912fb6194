//! What the server says that it can do.

use orrery_server::config::Mode;
use orrery_server::wiring::{Surfaces, routes};
use orrery_testkit::{Backend, on_both_databases};
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;

use super::{OLD, get};
use crate::stage::{Stage, send};

on_both_databases!(what_is_advertised_is_served);

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
