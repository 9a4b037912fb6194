//! What this server can do (OpenID Connect Discovery section 3, RFC 8414): exactly what works.

use orrery_core::{ProjectId, Timestamp};
use orrery_keys::SigningAlgorithm;
use orrery_keys::algorithm::ED25519;
use orrery_keys::config::ID_TOKEN_SET;
use serde_json::{Map, Value, json};

use crate::assertion::ASYMMETRIC;
use crate::authorize::level::LEVELS;
use crate::config::Config;
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
    Ok(document)
}

fn endpoints(config: &Config) -> Map<String, Value> {
    let mut endpoints = Map::from_iter([("issuer".to_owned(), json!(config.issuer))]);
    let elsewhere = &config.discovery;
    for (name, path, configured) in [
        ("authorization_endpoint", "/oauth2/auth", &elsewhere.auth_url),
        ("token_endpoint", "/oauth2/token", &elsewhere.token_url),
        ("device_authorization_endpoint", "/oauth2/device/auth", &elsewhere.device_authorization_url),
        ("introspection_endpoint", "/oauth2/introspect", &None),
        ("revocation_endpoint", "/oauth2/revoke", &None),
        ("pushed_authorization_request_endpoint", "/oauth2/par", &None),
        ("end_session_endpoint", "/oauth2/sessions/logout", &None),
        ("userinfo_endpoint", "/userinfo", &elsewhere.userinfo_url),
        ("credentials_endpoint_draft_00", "/credentials", &None),
        ("jwks_uri", "/.well-known/jwks.json", &elsewhere.jwks_url),
        ("registration_endpoint", "/oauth2/register", &elsewhere.client_registration_url),
    ] {
        if name == "registration_endpoint" && !config.registration.enabled {
            continue;
        }
        let own = || config.endpoint(path);
        endpoints.insert(name.to_owned(), json!(configured.as_ref().map_or_else(own, ToString::to_string)));
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
    let with = |first: &[&str], more: &[String]| -> Vec<String> {
        let mut all: Vec<String> = first.iter().map(|name| (*name).to_owned()).collect();
        all.extend(more.iter().filter(|name| !first.contains(&name.as_str())).cloned());
        all
    };
    let mut request_objects = ASYMMETRIC.map(SigningAlgorithm::name).to_vec();
    request_objects.push("none");
    let document = json!({
        "subject_types_supported": config.subject_types,
        "response_types_supported": [
            "code", "code id_token", "id_token", "token id_token", "token", "token id_token code", "code token", "none",
        ],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "grant_types_supported": grants,
        "scopes_supported": with(&["offline_access", "offline", "openid"], &config.discovery.scopes),
        "claims_supported": with(&["sub"], &config.discovery.claims),
        "claims_parameter_supported": true,
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
        "introspection_signing_alg_values_supported": [signed_with],
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": assertions,
        "id_token_signing_alg_values_supported": algorithms,
        "userinfo_signing_alg_values_supported": with(&["none"], &algorithms.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()),
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
    match document {
        Value::Object(mut document) => {
            // What an application of the operator's own can reach, that application knows.
            if config.urls.login.is_none() {
                document.insert("acr_values_supported".to_owned(), json!(LEVELS));
            }
            document
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
