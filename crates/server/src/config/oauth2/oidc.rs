//! `oauth2.oidc` and `oauth2.webfinger`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::value::Secret;

/// Subjects, and clients that register themselves.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Oidc {
    /// What clients learn as `sub`.
    pub subject_identifiers: SubjectIdentifiers,
    /// Clients that register themselves (RFC 7591).
    pub dynamic_client_registration: Registration,
}

/// What clients learn as `sub`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SubjectIdentifiers {
    /// What a client may choose; the first is the choice of clients that name none.
    pub supported_types: Vec<SubjectType>,
    /// Another subject for every sector.
    pub pairwise: Pairwise,
}

impl Default for SubjectIdentifiers {
    fn default() -> Self {
        Self { supported_types: vec![SubjectType::Public], pairwise: Pairwise::default() }
    }
}

/// What a client learns as `sub`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SubjectType {
    /// The same for every client.
    Public,
    /// Another one for every sector.
    Pairwise,
}

/// Another subject for every sector.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pairwise {
    /// Mixed into every pairwise subject, at least 8 characters. Needed for `pairwise`; never change it.
    pub salt: Option<Secret>,
}

/// Clients that register themselves (RFC 7591).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registration {
    /// Whether anybody may register a client.
    pub enabled: bool,
    /// Scopes of clients that name none, those that administrators register too.
    pub default_scope: Vec<String>,
}

impl Default for Registration {
    fn default() -> Self {
        let scope = ["offline_access", "offline", "openid"];
        Self { enabled: false, default_scope: scope.map(str::to_owned).to_vec() }
    }
}

/// The discovery document and the key sets.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebFinger {
    /// The key sets.
    pub jwks: Jwks,
    /// The discovery document.
    pub oidc_discovery: Discovery,
}

/// The key sets.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Jwks {
    /// Hydra: which sets are public. Here those that sign tokens are.
    pub broadcast_keys: Vec<String>,
}

/// The discovery document. Addresses that are unset are this server's own.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Discovery {
    /// `jwks_uri`.
    pub jwks_url: Option<Url>,
    /// `token_endpoint`.
    pub token_url: Option<Url>,
    /// `authorization_endpoint`.
    pub auth_url: Option<Url>,
    /// `device_authorization_endpoint`.
    pub device_authorization_url: Option<Url>,
    /// `registration_endpoint`, also where clients cannot register themselves here.
    pub client_registration_url: Option<Url>,
    /// `userinfo_endpoint`.
    pub userinfo_url: Option<Url>,
    /// `credentials_endpoint_draft_00`.
    pub verifiable_credentials_url: Option<Url>,
    /// More `claims_supported`.
    pub supported_claims: Vec<String>,
    /// More `scopes_supported`.
    pub supported_scope: Vec<String>,
}
