//! OAuth2 clients: the registered metadata and the secrets that go with it.

pub mod change;
pub mod create;
pub mod delete;
pub mod document;
pub(crate) mod edit;
mod hasher;
mod id;
mod lifespans;
mod metadata;
pub mod patch;
pub mod register;
pub mod rotate;
mod secret;
mod secrets;
pub mod set_lifespans;
mod validate;
mod verified;
pub mod version;

use orrery_core::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use hasher::{HasherBusy, SecretHasher};
pub use id::{ClientId, InvalidClientId};
pub use lifespans::Lifespans;
pub use metadata::ClientMetadata;
pub use secret::{ClientSecrets, SecretHash};
pub(crate) use secrets::MOST_ROTATED;
pub use secrets::{matching_secret, readable_secret};
pub use verified::VerifiedSecrets;

/// How a client proves who it is at the token endpoint (OpenID Connect Core section 9, RFC 8705 left out).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// HTTP Basic with the secret (RFC 6749 section 2.3.1).
    #[default]
    ClientSecretBasic,
    /// The secret in the body.
    ClientSecretPost,
    /// A JWT under the secret.
    ClientSecretJwt,
    /// A JWT under a private key (RFC 7523 section 2.2).
    PrivateKeyJwt,
    /// A public client: nothing to prove.
    None,
}

/// What a client learns as `sub` (OpenID Connect Core section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// The same for every client.
    #[default]
    Public,
    /// Another one for every sector.
    Pairwise,
}

/// What access tokens look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokenStrategy {
    /// Random, looked up.
    Opaque,
    /// A JWT (RFC 9068), looked up as well, so that it can be revoked.
    Jwt,
    /// A JWT that is stored nowhere: short-lived, cannot be revoked.
    StatelessJwt,
}

/// The metadata of a client, as registered (RFC 7591 section 2 and `oAuth2Client` of both contracts), without secrets.
///
/// Lists are never absent; texts that were not given are empty where the contracts show them empty and `None` where
/// they leave them out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// `client_name`: what people are shown.
    pub name: String,
    /// Exact addresses that answers may go to.
    pub redirect_uris: Vec<String>,
    /// As registered; see [`Client::may_use_grant`] for what an empty list means.
    pub grant_types: Vec<String>,
    /// As registered: each entry a set of words in any order.
    pub response_types: Vec<String>,
    /// Scopes that it may ask for, or patterns of them.
    pub scope: Vec<String>,
    /// Audiences that it may ask for.
    pub audience: Vec<String>,
    /// Free text for the administrator's lists.
    pub owner: String,
    /// Where people read how their data is used.
    pub policy_uri: String,
    /// Terms of service.
    pub tos_uri: String,
    /// The application's home page.
    pub client_uri: String,
    /// The application's logo.
    pub logo_uri: String,
    /// Origins whose pages may call the token endpoint.
    pub allowed_cors_origins: Vec<String>,
    /// Whom to ask about the application.
    pub contacts: Vec<String>,
    /// What it learns as `sub`.
    pub subject_type: SubjectType,
    /// The document that names the sector of a pairwise client.
    pub sector_identifier_uri: Option<String>,
    /// Its public keys, by reference.
    pub jwks_uri: Option<String>,
    /// Its public keys, by value: a JSON Web Key set.
    pub jwks: Option<Value>,
    /// How it authenticates.
    pub token_endpoint_auth_method: AuthMethod,
    /// The only algorithm of its client assertions.
    pub token_endpoint_auth_signing_alg: Option<String>,
    /// Addresses that its request objects may be fetched from.
    pub request_uris: Vec<String>,
    /// The only algorithm of its request objects.
    pub request_object_signing_alg: Option<String>,
    /// The algorithm of signed userinfo answers; `None` for plain JSON.
    pub userinfo_signed_response_alg: Option<String>,
    /// The algorithm of its ID tokens; `None` for the server's own.
    pub id_token_signed_response_alg: Option<String>,
    /// The algorithm of signed introspection answers (RFC 9701); `None` for the server's own.
    pub introspection_signed_response_alg: Option<String>,
    /// Where a browser tells it of a logout.
    pub frontchannel_logout_uri: Option<String>,
    /// Whether it wants `iss` and `sid` with that.
    pub frontchannel_logout_session_required: bool,
    /// Where the server tells it of a logout.
    pub backchannel_logout_uri: Option<String>,
    /// Whether it wants `sid` with that.
    pub backchannel_logout_session_required: bool,
    /// Where a browser may go after a logout.
    pub post_logout_redirect_uris: Vec<String>,
    /// Whatever the administrator keeps with it; an object.
    pub metadata: Map<String, Value>,
    /// First-party: nobody is asked for consent.
    pub skip_consent: bool,
    /// Nobody is asked to confirm a logout that it asks for.
    pub skip_logout_consent: Option<bool>,
    /// What its access tokens look like; `None` for the server's setting.
    pub access_token_strategy: Option<AccessTokenStrategy>,
    /// Authorization requests must be pushed (RFC 9126 section 6).
    pub require_pushed_authorization_requests: bool,
    /// Access tokens must be bound to a key (RFC 9449 section 5.2).
    pub dpop_bound_access_tokens: bool,
    /// It registered itself (RFC 7591), so that nobody vouches for it or for its addresses.
    #[serde(default)]
    pub self_registered: bool,
    /// Lifetimes of its tokens, by grant.
    pub lifespans: Lifespans,
    /// When it was registered, in whole seconds.
    pub created_at: Timestamp,
    /// When it was last changed, in whole seconds.
    pub updated_at: Timestamp,
}

impl Client {
    /// Whether it may use a grant. A client that names none may use `authorization_code` (RFC 7591 section 2).
    #[must_use]
    pub fn may_use_grant(&self, grant_type: &str) -> bool {
        if self.grant_types.is_empty() {
            return grant_type == "authorization_code";
        }
        self.grant_types.iter().any(|known| known == grant_type)
    }

    /// Whether it may ask for this `response_type`: a set of words, compared without order. A client that names
    /// none may use `code`.
    #[must_use]
    pub fn may_use_response_type(&self, asked: &str) -> bool {
        if self.response_types.is_empty() {
            return asked == "code";
        }
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
            words.sort_unstable();
            words
        };
        let asked = sorted(asked);
        self.response_types.iter().any(|known| sorted(known) == asked)
    }

    /// Whether somebody vouches for it: an administrator registered it, or has made it one of the first party since.
    #[must_use]
    pub const fn is_vouched_for(&self) -> bool {
        !self.self_registered || self.skip_consent
    }

    /// Whether it cannot keep a secret (RFC 6749 section 2.1).
    #[must_use]
    pub const fn is_public(&self) -> bool {
        matches!(self.token_endpoint_auth_method, AuthMethod::None)
    }
}

/// A client as it rests in storage.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientRecord {
    /// The metadata.
    pub client: Client,
    /// What its secrets are compared with.
    pub secrets: ClientSecrets,
    /// Keyed hash of its registration access token (RFC 7592), if it has one.
    pub registration_token: Option<TokenHash>,
    /// Counts changes, from 1; an update names the one that it was computed from.
    pub version: i64,
}
