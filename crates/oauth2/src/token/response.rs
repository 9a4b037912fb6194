//! What the token endpoint answers (RFC 6749 section 5.1).

use serde::Serialize;

use crate::credential::CredentialNonce;

/// A successful answer.
#[derive(Serialize)]
pub struct TokenResponse {
    /// The access token.
    pub access_token: String,
    /// `bearer`, or `DPoP` for a token that is bound to a key (RFC 9449 section 5).
    pub token_type: TokenType,
    /// Its life, in whole seconds.
    pub expires_in: u64,
    /// What it is good for: always there, in case it is not what was asked for.
    pub scope: String,
    /// What fetches the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who signed in (OpenID Connect Core section 3.1.3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// For the proof of a key that a credential is to be bound to.
    #[serde(flatten)]
    pub credential_nonce: Option<CredentialNonce>,
    /// What kind of token was exchanged for (RFC 8693 section 2.2.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issued_token_type: Option<&'static str>,
}

/// How an access token is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum TokenType {
    /// Whoever has it may use it (RFC 6750).
    #[serde(rename = "bearer")]
    Bearer,
    /// Whoever has the key may use it.
    #[serde(rename = "DPoP")]
    Dpop,
}

impl TokenType {
    /// The type of a token that is bound to this key, or to none.
    #[must_use]
    pub const fn of(jkt: Option<&String>) -> Self {
        if jkt.is_some() { Self::Dpop } else { Self::Bearer }
    }
}

// Holds bearer secrets.
impl std::fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenResponse(…, {:?})", self.scope)
    }
}
