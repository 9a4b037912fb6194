//! What callers send about a client.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Schema `oAuth2Client` of both contracts in a request, and RFC 7591 section 2. Unknown members are ignored, and null
/// is as good as nothing: clients send back what they were once shown, and older ones send empty texts for what they
/// do not set. There is no `Debug`, because one member is a secret.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are those of the contracts; `Client` says what each means")]
pub struct ClientMetadata {
    pub client_id: Option<String>,
    pub client_name: Option<String>,
    pub client_secret: Option<String>,
    pub redirect_uris: Option<Vec<String>>,
    pub grant_types: Option<Vec<String>>,
    pub response_types: Option<Vec<String>>,
    pub scope: Option<String>,
    pub audience: Option<Vec<String>>,
    pub owner: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub client_uri: Option<String>,
    pub logo_uri: Option<String>,
    pub allowed_cors_origins: Option<Vec<String>>,
    pub contacts: Option<Vec<String>>,
    pub subject_type: Option<String>,
    pub sector_identifier_uri: Option<String>,
    pub jwks_uri: Option<String>,
    pub jwks: Option<Map<String, Value>>,
    pub token_endpoint_auth_method: Option<String>,
    pub token_endpoint_auth_signing_alg: Option<String>,
    pub request_uris: Option<Vec<String>>,
    pub request_object_signing_alg: Option<String>,
    pub userinfo_signed_response_alg: Option<String>,
    pub id_token_signed_response_alg: Option<String>,
    pub introspection_signed_response_alg: Option<String>,
    pub frontchannel_logout_uri: Option<String>,
    pub frontchannel_logout_session_required: Option<bool>,
    pub backchannel_logout_uri: Option<String>,
    pub backchannel_logout_session_required: Option<bool>,
    pub post_logout_redirect_uris: Option<Vec<String>>,
    pub metadata: Option<Map<String, Value>>,
    pub skip_consent: Option<bool>,
    pub skip_logout_consent: Option<bool>,
    pub access_token_strategy: Option<String>,
    pub require_pushed_authorization_requests: Option<bool>,
    pub dpop_bound_access_tokens: Option<bool>,
    /// Every other member, the lifetimes among them.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}
