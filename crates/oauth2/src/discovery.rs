//! What this server can do (OpenID Connect Discovery section 3, RFC 8414): exactly what works.

use orrery_core::{ProjectId, Timestamp};
use orrery_keys::SigningAlgorithm;
use orrery_keys::algorithm::ED25519;
use orrery_keys::config::ID_TOKEN_SET;
use serde_json::{Map, Value, json};

use crate::assertion::ASYMMETRIC;
use crate::authorize::PROMPTS;
use crate::authorize::level::LEVELS;
use crate::config::Config;
use crate::consent::scopes_of;
use crate::credential;
use crate::error::OAuth2Error;
use crate::grant_type::GrantType;
use crate::service::OAuth2Service;

/// Signatures that clients may choose for what is signed for them.
pub const SIGNING: [SigningAlgorithm; 4] =
    [SigningAlgorithm::RS256, SigningAlgorithm::PS256, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA];

/// The document.
///
/// # Errors
/// When the key that signs ID tokens cannot be found out.
pub async fn document(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
) -> Result<Map<String, Value>, OAuth2Error> {
    let config = service.config.load();
    let signed_with = service.keys.signing_algorithm(project, now, ID_TOKEN_SET).await?.name();
    // The default first, as clients expect of the members that only Hydra has.
    let mut algorithms = vec![signed_with];
    algorithms.extend(SIGNING.iter().map(|algorithm| algorithm.name()).filter(|name| *name != signed_with));
    let mut document = endpoints(&config);
    document.extend(abilities(&config, &algorithms, signed_with));
    document.extend(sign_in(&config, service.sign_in.claims()));
    Ok(document)
}

fn endpoints(config: &Config) -> Map<String, Value> {
    let mut endpoints = Map::from_iter([("issuer".to_owned(), json!(config.issuer))]);
    for (name, path) in [
        ("authorization_endpoint", "/oauth2/auth"),
        ("token_endpoint", "/oauth2/token"),
        ("device_authorization_endpoint", "/oauth2/device/auth"),
        ("introspection_endpoint", "/oauth2/introspect"),
        ("revocation_endpoint", "/oauth2/revoke"),
        ("pushed_authorization_request_endpoint", "/oauth2/par"),
        ("end_session_endpoint", "/oauth2/sessions/logout"),
        ("userinfo_endpoint", "/userinfo"),
        ("credentials_endpoint_draft_00", "/credentials"),
        ("jwks_uri", "/.well-known/jwks.json"),
        ("registration_endpoint", "/oauth2/register"),
    ] {
        let elsewhere = config.elsewhere(path);
        // Where registration is switched off here, the operator may have one of their own.
        if name == "registration_endpoint" && !config.registration.enabled && elsewhere.is_none() {
            continue;
        }
        let address = elsewhere.map_or_else(|| config.endpoint(path), ToString::to_string);
        endpoints.insert(name.to_owned(), json!(address));
    }
    endpoints
}

fn abilities(config: &Config, algorithms: &[&str], signed_with: &str) -> Map<String, Value> {
    let mut grants: Vec<_> = GrantType::SERVED.iter().map(|grant_type| grant_type.name()).collect();
    grants.push(GrantType::Implicit.name());
    let methods = ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt", "none"];
    let proving = ["client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt"];
    let mut proofs = ASYMMETRIC.map(SigningAlgorithm::name).to_vec();
    proofs.push(ED25519);
    let mut assertions = proofs.clone();
    assertions.extend(["HS256", "HS512"]);
    let mut request_objects = ASYMMETRIC.map(SigningAlgorithm::name).to_vec();
    request_objects.push("none");
    let mut userinfo = vec!["none"];
    userinfo.extend(algorithms);
    let document = json!({
        "subject_types_supported": config.subject_types,
        "response_types_supported": [
            "code", "code id_token", "id_token", "token id_token", "token", "token id_token code", "code token", "none",
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grants,
        "claims_parameter_supported": true,
        "prompt_values_supported": PROMPTS,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "request_object_signing_alg_values_supported": request_objects,
        "require_pushed_authorization_requests": config.require_pushed_authorization_requests,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_endpoint_auth_methods_supported": proving,
        "introspection_endpoint_auth_signing_alg_values_supported": assertions,
        "introspection_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": userinfo,
        // Two members that are in no specification and that clients of the contracts require.
        "id_token_signed_response_alg": [signed_with],
        "userinfo_signed_response_alg": [signed_with],
        "authorization_response_iss_parameter_supported": true,
        "credentials_supported_draft_00": [{
            "format": credential::FORMAT,
            "types": credential::TYPES,
            "cryptographic_binding_methods_supported": ["jwk"],
            "cryptographic_suites_supported": proofs,
        }],
        "dpop_signing_alg_values_supported": proofs,
    });
    members(document)
}

/// What clients may learn of people. Of what an application of the operator's own tells, only that one and the operator know.
fn sign_in(config: &Config, known: &'static [&'static str]) -> Map<String, Value> {
    let mut scopes = vec!["offline_access", "offline", "openid"];
    let mut claims = vec!["sub", "auth_time", "acr", "amr", "sid"];
    let built_in = config.urls.login.is_none();
    if built_in {
        scopes.extend(scopes_of(known));
        claims.extend(known);
    }
    let mut document = members(json!({
        "scopes_supported": with(scopes, &config.discovery.scopes),
        "claims_supported": with(claims, &config.discovery.claims),
    }));
    if built_in {
        document.insert("acr_values_supported".to_owned(), json!(LEVELS));
    }
    document
}

/// The names, and those that the operator adds to them.
fn with<'a>(mut names: Vec<&'a str>, more: &'a [String]) -> Vec<&'a str> {
    for name in more {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

fn members(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(document) => document,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
