//! Authorizations in progress: what was asked for, and what the login and consent applications have said so far.
//!
//! Nothing is stored before somebody signs in: the login challenge carries the request itself, sealed (see
//! `docs/decisions/0025`). The decision on it is the first row.

mod decide;
pub(crate) mod keep;
mod login;
pub(crate) mod seal;

pub use decide::{AcceptLogin, ChallengeError, LoginRequest, accept_login, read_login, reject_login};
pub use login::{LoginChallenge, Remembered};

use orrery_core::id::{ChallengeId, LoginSessionId, SessionId};
use orrery_core::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::ClientId;
use crate::grant::SessionClaims;

/// Where the parameters of an answer stand (OAuth 2.0 Multiple Response Types and Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query.
    Query,
    /// In the fragment.
    Fragment,
    /// In a form that posts itself.
    FormPost,
    /// Nowhere: the client is a device that asks for its answer (RFC 8628).
    Device,
}

/// An authorization request whose every parameter has been checked (RFC 6749 section 4.1.1, OpenID Connect Core
/// section 3.1.2.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// `client_id`.
    pub client: ClientId,
    /// Words of `response_type`, sorted.
    pub response_type: Vec<String>,
    /// Where the answer's parameters go.
    pub response_mode: ResponseMode,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// Whether the request named it: the token request must then repeat it.
    pub redirect_uri_given: bool,
    /// `scope`.
    pub scope: Vec<String>,
    /// `audience`, and `resource` (RFC 8707).
    pub audience: Vec<String>,
    /// `state`.
    pub state: Option<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// `code_challenge`; always S256.
    pub code_challenge: Option<String>,
    /// `dpop_jkt` (RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
    /// Words of `prompt`.
    pub prompt: Vec<String>,
    /// `max_age`, in seconds.
    pub max_age: Option<u64>,
    /// Words of `acr_values`.
    pub acr_values: Vec<String>,
    /// `claims` (OpenID Connect Core section 5.5).
    pub claims: Option<Value>,
    /// Subject of the `id_token_hint`.
    pub hinted_subject: Option<String>,
    /// What the login and consent applications are shown as `oidc_context`.
    pub oidc_context: Map<String, Value>,
    /// The address that the browser asked for, all parameters included.
    pub request_url: String,
    /// The pushed request that it comes of (RFC 9126): good for one decision.
    pub pushed: Option<TokenHash>,
}

/// The login application's answer: somebody signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoginAccepted {
    /// Who.
    pub subject: String,
    /// When.
    pub authenticated_at: Timestamp,
    /// Whether the browser is remembered, and how long in seconds (0: as long as the configuration allows).
    pub remember: Option<u64>,
    /// A remembered session is to live longer.
    pub extend_session_lifespan: bool,
    /// `acr`.
    pub acr: String,
    /// `amr`.
    pub amr: Vec<String>,
    /// The identity's session behind it, when the built-in login or a Kratos did it.
    pub identity_session: Option<SessionId>,
    /// Verbatim `sub` for pairwise clients.
    pub force_subject_identifier: Option<String>,
    /// For the consent application.
    pub context: Value,
    /// What is known about the person, where the built-in login knows them: scopes decide what the client learns of it.
    #[serde(default)]
    pub claims: Map<String, Value>,
}

/// The consent application's answer: this much is granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsentAccepted {
    /// Scopes.
    pub grant_scope: Vec<String>,
    /// Audiences.
    pub grant_audience: Vec<String>,
    /// Claims to add.
    pub session: SessionClaims,
    /// Whether it is remembered.
    pub remember: bool,
    /// How long, in seconds; 0 for ever.
    pub remember_for: u64,
    /// Replaces the login application's.
    pub context: Option<Value>,
    /// When.
    pub handled_at: Timestamp,
}

/// An application's refusal, passed on to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// `error`.
    pub error: String,
    /// `error_description`, hint appended.
    pub error_description: String,
    /// HTTP status that the application asked for.
    pub status_code: u16,
}

/// What an application decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision<T> {
    /// Yes.
    Accepted(T),
    /// No.
    Rejected(Rejection),
}

/// How far an authorization has come. Each step is taken once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// The login application has decided.
    LoginDecided,
    /// The browser has come back with that decision.
    LoginUsed,
    /// The consent application has decided.
    ConsentDecided,
    /// The browser has come back, and the client has its answer.
    Finished,
}

/// An authorization in progress, from the first decision on.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationFlow {
    /// Also inside the challenge.
    pub id: ChallengeId,
    /// How far it has come.
    pub state: FlowState,
    /// What was asked for.
    pub request: AuthorizationRequest,
    /// Keyed hash of the cookie of the browser that began it: one cookie for each flow.
    pub browser: TokenHash,
    /// The device code that is being approved (RFC 8628); `None` for redirects.
    pub device: Option<TokenHash>,
    /// The `sid` to be: of the remembered session, or fresh.
    pub session: LoginSessionId,
    /// Whether a remembered session was found at the first leg (`skip` of the login request).
    pub login_skip: bool,
    /// The login decision.
    pub login: Decision<LoginAccepted>,
    /// `skip` of the consent request; known once the browser came back from login.
    pub consent_skip: bool,
    /// The consent decision.
    pub consent: Option<Decision<ConsentAccepted>>,
    /// When the browser first asked.
    pub requested_at: Timestamp,
    /// When it is too late.
    pub expires_at: Timestamp,
}
