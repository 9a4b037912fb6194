//! The parts that every use case of this crate works with, built once by the server.

use std::sync::Arc;

use arc_swap::ArcSwap;
use orrery_core::event::Outbox;
use orrery_core::outbound::OutboundClient;
use orrery_core::rate::Buckets;
use orrery_core::{Entropy, Keyring};
use orrery_keys::KeyManager;

use crate::authorize::SignIn;
use crate::client::{ClientId, SecretHasher, VerifiedSecrets};
use crate::client_auth::ClientKeys;
use crate::config::Config;
use crate::hydra::SystemSecrets;
use crate::store::{
    AuthorizationStore, ClientStore, DeviceStore, GrantStore, LoginSessionStore, TokenStore, TrustedIssuerStore,
};
use crate::token::RefreshToken;

/// The OAuth2 surface: stores, secrets and settings.
pub struct OAuth2Service {
    /// Settings; replaced as a whole when the configuration is reloaded. Load once per request.
    pub config: ArcSwap<Config>,
    /// Clients.
    pub clients: Arc<dyn ClientStore>,
    /// Issuers whose assertions are accepted as grants.
    pub trusted_issuers: Arc<dyn TrustedIssuerStore>,
    /// Devices that wait for approval.
    pub devices: Arc<dyn DeviceStore>,
    /// Tokens and codes.
    pub tokens: Arc<dyn TokenStore>,
    /// Authorizations in progress.
    pub authorizations: Arc<dyn AuthorizationStore>,
    /// What people granted.
    pub grants: Arc<dyn GrantStore>,
    /// Sign-ins.
    pub login_sessions: Arc<dyn LoginSessionStore>,
    /// The built-in way to sign in.
    pub sign_in: Arc<dyn SignIn>,
    /// Keys that sign tokens.
    pub keys: Arc<KeyManager>,
    /// Keyed hashes and sealed values.
    pub keyring: Arc<Keyring>,
    /// Hashes client secrets that somebody chose.
    pub hasher: Arc<dyn SecretHasher>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Calls to other servers: `jwks_uri`, hooks, sector identifiers.
    pub outbound: Arc<dyn OutboundClient>,
    /// Delivers what clients are told of logouts.
    pub outbox: Arc<dyn Outbox>,
    /// Secrets that were found right a moment ago.
    pub verified_secrets: VerifiedSecrets,
    /// Failures to authenticate, by client.
    pub failed_authentications: Buckets<ClientId>,
    /// Clients that registered themselves.
    pub registrations: Buckets,
    /// Keys that clients keep elsewhere.
    pub client_keys: ClientKeys,
    /// What shows that a refresh token was made by the Hydra whose grants were copied.
    pub hydra: SystemSecrets,
}

impl OAuth2Service {
    /// The refresh token in a text, if it was made here, or by the Hydra whose grants were copied.
    #[must_use]
    pub fn refresh_token(&self, text: &str) -> Option<RefreshToken> {
        RefreshToken::parse(text, &self.keyring).or_else(|| RefreshToken::of_hydra(text, &self.hydra))
    }
}
