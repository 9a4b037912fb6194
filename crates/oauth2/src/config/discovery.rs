//! Where clients are told that the endpoints are.

use url::Url;

use super::Config;

/// What the discovery document says besides.
#[derive(Debug, Clone, Default)]
pub struct DiscoveryConfig {
    /// More `scopes_supported`.
    pub scopes: Vec<String>,
    /// More `claims_supported`.
    pub claims: Vec<String>,
    /// `jwks_uri`, where it is not this server's own.
    pub jwks_url: Option<Url>,
    /// `token_endpoint`, where it is not this server's own.
    pub token_url: Option<Url>,
    /// `authorization_endpoint`, where it is not this server's own.
    pub auth_url: Option<Url>,
    /// `device_authorization_endpoint`, where it is not this server's own.
    pub device_authorization_url: Option<Url>,
    /// `registration_endpoint`, where it is not this server's own.
    pub client_registration_url: Option<Url>,
    /// `userinfo_endpoint`, where it is not this server's own.
    pub userinfo_url: Option<Url>,
    /// `credentials_endpoint_draft_00`, where it is not this server's own.
    pub verifiable_credentials_url: Option<Url>,
}

impl Config {
    /// The address of an endpoint that clients are told, where that is not this server's own.
    #[must_use]
    pub fn elsewhere(&self, path: &str) -> Option<&Url> {
        let discovery = &self.discovery;
        let configured = match path {
            "/oauth2/auth" => &discovery.auth_url,
            "/oauth2/token" => &discovery.token_url,
            "/oauth2/device/auth" => &discovery.device_authorization_url,
            "/oauth2/register" => &discovery.client_registration_url,
            "/userinfo" => &discovery.userinfo_url,
            "/credentials" => &discovery.verifiable_credentials_url,
            "/.well-known/jwks.json" => &discovery.jwks_url,
            _ => &None,
        };
        configured.as_ref()
    }

    /// Every address under which clients may know an endpoint: this server's own, and the one that they are told.
    #[must_use]
    pub fn addresses(&self, path: &str) -> Vec<String> {
        let elsewhere = self.elsewhere(path).map(ToString::to_string);
        std::iter::once(self.endpoint(path)).chain(elsewhere).collect()
    }
}
