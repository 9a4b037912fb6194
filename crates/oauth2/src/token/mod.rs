//! Tokens: what they look like, and what is kept of them.

pub mod access;
pub mod alone;
pub mod family;
pub mod hook;
pub mod id_token;
pub mod introspect;
pub mod jwt;
pub mod lifespan;
pub mod lookup;
mod opaque;
mod refresh;
pub mod response;
pub mod revoke;

pub use opaque::{OpaqueKind, opaque};
pub use refresh::RefreshToken;

use orrery_core::id::GrantId;
use orrery_core::{Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::ClientId;
use crate::grant::Grant;

/// What a stored token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Calls a resource server.
    Access,
    /// Fetches the next pair.
    Refresh,
}

/// A token as it rests in storage.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredToken {
    /// Keyed hash of an opaque token, or of the `jti` of a JWT.
    pub hash: TokenHash,
    /// What it is good for.
    pub kind: TokenKind,
    /// The family it belongs to; none where no person granted anything (`client_credentials`, assertions).
    pub grant: Option<GrantId>,
    /// The refresh token that it was issued beside; for a refresh token, its predecessor. A family has one row for its
    /// present refresh token.
    pub parent: Option<TokenHash>,
    /// The token that it was exchanged for (RFC 8693), where that is stored: it ends with it.
    pub derived_from: Option<TokenHash>,
    /// Whom it was issued to.
    pub client: ClientId,
    /// Whom it speaks for.
    pub subject: String,
    /// Scopes.
    pub scope: Vec<String>,
    /// Audiences.
    pub audience: Vec<String>,
    /// Added claims (`ext`).
    pub claims: Map<String, Value>,
    /// Who acts for the subject (`act`, RFC 8693 section 4.1).
    pub actor: Option<Value>,
    /// Thumbprint of the key it is bound to (`cnf.jkt`, RFC 9449 section 6).
    pub jkt: Option<String>,
    /// When it was issued: for a refresh token that has a predecessor, when that was used.
    pub issued_at: Timestamp,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
}

impl StoredToken {
    /// The refresh token of a grant: the first of its family, bound to no key.
    #[must_use]
    pub fn refresh(grant: &Grant, hash: TokenHash, issued_at: Timestamp, expires_at: Option<Timestamp>) -> Self {
        Self {
            hash,
            kind: TokenKind::Refresh,
            grant: Some(grant.id),
            parent: None,
            derived_from: None,
            client: grant.client.clone(),
            subject: grant.subject.clone(),
            scope: grant.scope.clone(),
            audience: grant.audience.clone(),
            claims: Map::new(),
            actor: None,
            jkt: None,
            issued_at,
            expires_at,
        }
    }

    /// Whether its time is over.
    #[must_use]
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// An authorization code (RFC 6749 section 4.1.2) as it rests in storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// Keyed hash of the code.
    pub hash: TokenHash,
    /// What it stands for.
    pub grant: GrantId,
    /// Whom it was issued to.
    pub client: ClientId,
    /// The address it was sent to, if the request named one: the token request must repeat it.
    pub redirect_uri: Option<String>,
    /// `code_challenge`; the method is always S256 (RFC 7636).
    pub code_challenge: Option<String>,
    /// Thumbprint of the key that tokens must be bound to (`dpop_jkt`, RFC 9449 section 10).
    pub dpop_jkt: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was redeemed. Kept until `expires_at`, because a second use revokes the family.
    pub used_at: Option<Timestamp>,
}
