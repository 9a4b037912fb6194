//! A client and settings for tests.

use orrery_core::Timestamp;
use serde_json::Map;
use url::Url;

use crate::client::{AuthMethod, Client, Lifespans, SubjectType};
use crate::config::{Config, PkcePolicy};

/// A confidential client with one redirect address.
pub(crate) fn client() -> Client {
    let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Client {
        id: "app".parse().expect("a client_id"),
        name: "The application".to_owned(),
        redirect_uris: list(&["https://app.example/callback"]),
        grant_types: list(&["authorization_code", "refresh_token"]),
        response_types: list(&["code"]),
        scope: list(&["openid", "offline", "photos.*"]),
        audience: list(&["https://api.example"]),
        owner: String::new(),
        policy_uri: String::new(),
        tos_uri: String::new(),
        client_uri: String::new(),
        logo_uri: String::new(),
        allowed_cors_origins: Vec::new(),
        contacts: Vec::new(),
        subject_type: SubjectType::Public,
        sector_identifier_uri: None,
        jwks_uri: None,
        jwks: None,
        token_endpoint_auth_method: AuthMethod::ClientSecretBasic,
        token_endpoint_auth_signing_alg: None,
        request_uris: Vec::new(),
        request_object_signing_alg: None,
        userinfo_signed_response_alg: None,
        id_token_signed_response_alg: None,
        introspection_signed_response_alg: None,
        frontchannel_logout_uri: None,
        frontchannel_logout_session_required: false,
        backchannel_logout_uri: None,
        backchannel_logout_session_required: false,
        post_logout_redirect_uris: Vec::new(),
        metadata: Map::new(),
        skip_consent: false,
        skip_logout_consent: None,
        access_token_strategy: None,
        require_pushed_authorization_requests: false,
        dpop_bound_access_tokens: false,
        self_registered: false,
        lifespans: Lifespans::default(),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

/// Settings with every page built in.
pub(crate) fn config() -> Config {
    Config {
        issuer: "https://id.example/".to_owned(),
        pkce: PkcePolicy::PublicClients,
        ..Config::new(url("https://id.example/"), url("http://127.0.0.1:4445/"))
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}
