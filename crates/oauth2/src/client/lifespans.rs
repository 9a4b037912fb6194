//! How long a client's tokens live, where that differs from the server's settings.

use orrery_core::duration::GoDuration;
use serde::{Deserialize, Serialize};

/// Lifetimes by grant and token; `None` for the server's setting. The names are those of both contracts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each name says which grant's which token")]
pub struct Lifespans {
    pub authorization_code_grant_access_token_lifespan: Option<GoDuration>,
    pub authorization_code_grant_id_token_lifespan: Option<GoDuration>,
    pub authorization_code_grant_refresh_token_lifespan: Option<GoDuration>,
    pub client_credentials_grant_access_token_lifespan: Option<GoDuration>,
    pub device_authorization_grant_access_token_lifespan: Option<GoDuration>,
    pub device_authorization_grant_id_token_lifespan: Option<GoDuration>,
    pub device_authorization_grant_refresh_token_lifespan: Option<GoDuration>,
    pub implicit_grant_access_token_lifespan: Option<GoDuration>,
    pub implicit_grant_id_token_lifespan: Option<GoDuration>,
    pub jwt_bearer_grant_access_token_lifespan: Option<GoDuration>,
    pub password_grant_access_token_lifespan: Option<GoDuration>,
    pub password_grant_refresh_token_lifespan: Option<GoDuration>,
    pub refresh_token_grant_access_token_lifespan: Option<GoDuration>,
    pub refresh_token_grant_id_token_lifespan: Option<GoDuration>,
    pub refresh_token_grant_refresh_token_lifespan: Option<GoDuration>,
}
