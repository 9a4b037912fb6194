//! Grants: what somebody allowed a client. Every token that comes of one belongs to its family and dies with it.

use orrery_core::Timestamp;
use orrery_core::id::{GrantId, IdentityId, LoginSessionId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::ClientId;

/// How a grant came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// A person consented in a browser: `authorization_code`, implicit and hybrid responses.
    Authorization,
    /// A person approved a device (RFC 8628).
    Device,
}

/// Claims that the consent application or a hook adds to tokens.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionClaims {
    /// Into introspection's `ext` and into JWT access tokens.
    pub access_token: Map<String, Value>,
    /// Into ID tokens and userinfo.
    pub id_token: Map<String, Value>,
    /// Into userinfo alone: what the client has asked for there (OpenID Connect Core section 5.5).
    pub userinfo: Map<String, Value>,
}

impl SessionClaims {
    /// What userinfo adds.
    #[must_use]
    pub fn of_userinfo(&self) -> Map<String, Value> {
        let mut claims = self.userinfo.clone();
        claims.extend(self.id_token.clone());
        claims
    }
}

/// How and when the person behind a grant signed in: what ID tokens say about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// `auth_time`.
    pub at: Timestamp,
    /// `acr`; empty when nobody said.
    pub acr: String,
    /// `amr`.
    pub amr: Vec<String>,
    /// `sid`.
    pub session: LoginSessionId,
    /// `sub` as the client learns it, where that differs from the subject: pairwise or forced.
    pub obfuscated_subject: Option<String>,
}

impl Authentication {
    /// `sub` as the client learns it, of this subject: pairwise or forced where that was decided at sign-in.
    #[must_use]
    pub fn told_subject<'a>(&'a self, subject: &'a str) -> &'a str {
        self.obfuscated_subject.as_deref().unwrap_or(subject)
    }
}

/// What was asked for, as consent lists show it and as ID tokens repeat parts of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Requested {
    /// Scopes.
    pub scope: Vec<String>,
    /// Audiences.
    pub audience: Vec<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// The `claims` parameter (OpenID Connect Core section 5.5).
    pub claims: Option<Value>,
    /// Whether `acr_values` were asked for: `acr` is then never left out.
    pub acr_values: Vec<String>,
    /// The `oidc_context` of the login and consent requests.
    pub oidc_context: Map<String, Value>,
    /// The address that the browser had asked for.
    pub request_url: String,
}

/// What somebody granted to a client.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// The family: `consent_request_id` in Hydra's answers (there as 32 hexadecimal digits).
    pub id: GrantId,
    /// Whom it was granted to.
    pub client: ClientId,
    /// Who granted it: the subject that the login application named. For the built-in one, the identity's id.
    pub subject: String,
    /// The identity behind the subject, where the identity surface signed it in: its tokens count while it is active.
    pub identity: Option<IdentityId>,
    /// How it came about.
    pub kind: GrantKind,
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Granted audiences.
    pub audience: Vec<String>,
    /// Claims to add.
    pub session: SessionClaims,
    /// How the person signed in.
    pub authentication: Authentication,
    /// What was asked for.
    pub requested: Requested,
    /// Whether later requests for no more than this need no new consent.
    pub remember: bool,
    /// For how long, in seconds from `requested_at`; 0 for ever.
    pub remember_for: u64,
    /// Nobody was asked: an earlier grant or the client's own setting sufficed. Never the base of a later skip.
    pub skipped: bool,
    /// Whatever the login and consent applications passed on.
    pub context: Value,
    /// When the authorization began (`rat`).
    pub requested_at: Timestamp,
    /// When it was granted.
    pub handled_at: Timestamp,
    /// From when on nobody needs the row: the end of its last token and of its being remembered. Only ever raised.
    pub expires_at: Timestamp,
}

impl Grant {
    /// `sub` as the client learns it.
    #[must_use]
    pub fn told_subject(&self) -> &str {
        self.authentication.told_subject(&self.subject)
    }
}
