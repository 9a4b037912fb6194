//! How long tokens live: what the client is registered with, else what is configured (`ttl.*`).

use std::time::Duration;

use orrery_core::duration::GoDuration;

use crate::client::Client;
use crate::config::Lifetimes;
use crate::grant_type::GrantType;

/// The life of access tokens.
#[must_use]
pub fn access(client: &Client, ttl: &Lifetimes, grant_type: GrantType) -> Duration {
    let own = &client.lifespans;
    let own = match grant_type {
        GrantType::AuthorizationCode => own.authorization_code_grant_access_token_lifespan,
        GrantType::RefreshToken => own.refresh_token_grant_access_token_lifespan,
        GrantType::ClientCredentials => own.client_credentials_grant_access_token_lifespan,
        GrantType::Implicit => own.implicit_grant_access_token_lifespan,
        GrantType::JwtBearer => own.jwt_bearer_grant_access_token_lifespan,
        GrantType::DeviceCode => own.device_authorization_grant_access_token_lifespan,
        GrantType::TokenExchange => None,
    };
    or(own, ttl.access_token)
}

/// The life of ID tokens.
#[must_use]
pub fn id(client: &Client, ttl: &Lifetimes, grant_type: GrantType) -> Duration {
    let own = &client.lifespans;
    let own = match grant_type {
        GrantType::AuthorizationCode => own.authorization_code_grant_id_token_lifespan,
        GrantType::RefreshToken => own.refresh_token_grant_id_token_lifespan,
        GrantType::Implicit => own.implicit_grant_id_token_lifespan,
        GrantType::DeviceCode => own.device_authorization_grant_id_token_lifespan,
        GrantType::ClientCredentials | GrantType::JwtBearer | GrantType::TokenExchange => None,
    };
    or(own, ttl.id_token)
}

/// How long a refresh token may lie unused; `None` for ever.
#[must_use]
pub fn refresh(client: &Client, ttl: &Lifetimes, grant_type: GrantType) -> Option<Duration> {
    let own = &client.lifespans;
    let own = match grant_type {
        GrantType::AuthorizationCode => own.authorization_code_grant_refresh_token_lifespan,
        GrantType::RefreshToken => own.refresh_token_grant_refresh_token_lifespan,
        GrantType::DeviceCode => own.device_authorization_grant_refresh_token_lifespan,
        GrantType::ClientCredentials | GrantType::Implicit | GrantType::JwtBearer | GrantType::TokenExchange => None,
    };
    own.map(|own| own.0).or(ttl.refresh_token)
}

fn or(own: Option<GoDuration>, configured: Duration) -> Duration {
    own.map_or(configured, |own| own.0)
}
