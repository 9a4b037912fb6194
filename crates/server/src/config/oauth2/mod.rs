//! `oauth2`: the OAuth2 and OpenID Connect server, by the names that a Hydra configuration gives its keys. What Hydra
//! keeps in `oauth2` itself stands directly in this section.

mod judge;
mod oidc;
mod tokens;
mod urls;

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use self::judge::{check, idle};
pub use self::oidc::{Discovery, Oidc, Registration, SubjectIdentifiers, SubjectType, WebFinger};
pub use self::tokens::{
    ApiKeyPlace, ClientCredentials, DeviceAuthorization, EntropyPreset, Grant, HookAuth, HookUrl, Pkce,
    RefreshLifetime, ScopeClaim, ScopeMatching, Strategies, TokenHook, TokenStrategy, Ttl, UserCode,
};
pub use self::urls::{Own, Urls};
use super::identity::SameSite;
use super::value::Opaque;

/// The OAuth2 and OpenID Connect server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OAuth2 {
    /// The issuer, and where browsers are sent.
    pub urls: Urls,
    /// Lifetimes.
    pub ttl: Ttl,
    /// How scopes are matched and what access tokens look like.
    pub strategies: Strategies,
    /// Subjects, and clients that register themselves.
    pub oidc: Oidc,
    /// The discovery document.
    pub webfinger: WebFinger,
    /// Cookies of the OAuth2 server. In a Hydra configuration: `serve.cookies`.
    pub cookies: Cookies,
    /// Who must use PKCE (RFC 7636).
    pub pkce: Pkce,
    /// Refresh tokens and assertions.
    pub grant: Grant,
    /// The client credentials grant.
    pub client_credentials: ClientCredentials,
    /// Approving devices (RFC 8628).
    pub device_authorization: DeviceAuthorization,
    /// Called before a token is refreshed: a URL, or `url` and `auth`.
    pub refresh_token_hook: Option<TokenHook>,
    /// Called before any token is issued: a URL, or `url` and `auth`.
    pub token_hook: Option<TokenHook>,
    /// Claims that are copied from `ext` to the top level of JWT access tokens.
    pub allowed_top_level_claims: Vec<String>,
    /// Whether `ext` stays beside them as it was.
    pub mirror_top_level_claims: bool,
    /// Whether `ext` otherwise stays with the claims that were not copied; else those are left out.
    pub preserve_ext_claims: bool,
    /// Leave `nbf` out of JWT access tokens.
    pub exclude_not_before_claim: bool,
    /// Authorization requests of all clients must be pushed (RFC 9126 section 5).
    pub require_pushed_authorization_requests: bool,
    /// Proof of possession (RFC 9449).
    pub dpop: Dpop,
    /// What clients may ask about tokens (RFC 7662), on the public listener.
    pub introspection: Introspection,
    /// Hydra: show internal errors to clients. Never done here.
    pub expose_internal_errors: bool,
    /// Hydra: encryption of sessions. Nothing that could be used again is stored readably here.
    pub session: Option<Opaque>,
    /// Hydra: hashing of client secrets. Here chosen secrets are hashed like passwords (`identity.hashers`), and
    /// generated ones need no slow hash.
    pub hashers: Option<Opaque>,
}

impl Default for OAuth2 {
    fn default() -> Self {
        Self {
            urls: Urls::default(),
            ttl: Ttl::default(),
            strategies: Strategies::default(),
            oidc: Oidc::default(),
            webfinger: WebFinger::default(),
            cookies: Cookies::default(),
            pkce: Pkce::default(),
            grant: Grant::default(),
            client_credentials: ClientCredentials::default(),
            device_authorization: DeviceAuthorization::default(),
            refresh_token_hook: None,
            token_hook: None,
            allowed_top_level_claims: Vec::new(),
            mirror_top_level_claims: true,
            preserve_ext_claims: false,
            exclude_not_before_claim: false,
            require_pushed_authorization_requests: false,
            dpop: Dpop::default(),
            introspection: Introspection::default(),
            expose_internal_errors: false,
            session: None,
            hashers: None,
        }
    }
}

/// Proof of possession (RFC 9449).
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Dpop {
    /// Proofs must carry a nonce that this server handed out less than four minutes ago, so that none can be made in advance.
    /// Costs clients one more request now and then.
    pub require_nonce: bool,
}

/// What clients may ask about tokens (RFC 7662), on the public listener.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Introspection {
    /// A client that proves who it is may ask about every token. Otherwise about its own, and about access tokens whose `aud`
    /// names its `client_id`. Leave it off where clients register themselves.
    pub open: bool,
}

/// Cookies of the OAuth2 server.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cookies {
    /// `SameSite`. `Lax` when unset, and `None`, as in Hydra, where `--hydra-config` leaves it unset. `None` lets
    /// applications of other sites renew sign-ins in a frame; without `Secure` it becomes `Lax`.
    pub same_site_mode: Option<SameSite>,
    /// Hydra: a second cookie for browsers of before 2020.
    pub same_site_legacy_workaround: bool,
    /// `Domain`, so that subdomains receive them too.
    pub domain: Option<String>,
    /// `Secure`. On unless the public URL is `http` on loopback when unset.
    pub secure: Option<bool>,
    /// Their names.
    pub names: CookieNames,
    /// Their paths.
    pub paths: CookiePaths,
}

/// Names of cookies.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookieNames {
    /// The remembered sign-in.
    pub session: Option<String>,
    /// Hydra: one cookie for each client. Here every authorization has its own.
    pub login_csrf: Option<String>,
    /// Hydra: one cookie for each client. Here every authorization has its own.
    pub consent_csrf: Option<String>,
    /// Hydra: one cookie for each client. Here every authorization has its own.
    pub device_csrf: Option<String>,
}

/// Paths of cookies.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CookiePaths {
    /// The remembered sign-in; `/` when unset.
    pub session: Option<String>,
}

const fn hours(hours: u64) -> GoDuration {
    super::value::seconds(hours * 3600)
}

const fn minutes(minutes: u64) -> GoDuration {
    super::value::seconds(minutes * 60)
}
