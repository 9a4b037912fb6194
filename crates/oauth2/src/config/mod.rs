//! The plain settings that this crate needs. Reading files and the documented Hydra keys are the server's business.

mod cookies;
mod discovery;

use std::time::Duration;

use url::Url;

pub use cookies::CookieConfig;
pub use discovery::DiscoveryConfig;

use crate::client::{AccessTokenStrategy, SubjectType};

/// Settings of one project's OAuth2 surface. The Hydra key of each stands in parentheses.
#[derive(Debug, Clone)]
pub struct Config {
    /// Issuer, byte for byte as configured: clients compare it so (`urls.self.issuer`).
    pub issuer: String,
    /// Public base URL without a trailing slash in its path; endpoints begin with it (`urls.self.public`).
    pub public_url: Url,
    /// Base URL of the administrators' listener.
    pub admin_url: Url,
    /// Applications and pages (`urls.*`).
    pub urls: Urls,
    /// Lifetimes (`ttl.*`).
    pub ttl: Lifetimes,
    /// How scopes are matched (`strategies.scope`).
    pub scope_strategy: ScopeStrategy,
    /// What access tokens look like unless a client says otherwise (`strategies.access_token`).
    pub access_token_strategy: AccessTokenStrategy,
    /// How JWT access tokens carry scopes (`strategies.jwt.scope_claim`).
    pub scope_claim: ScopeClaim,
    /// Whether every client must use PKCE (`oauth2.pkce.enforced`).
    pub pkce: PkcePolicy,
    /// Refresh tokens.
    pub refresh: RefreshConfig,
    /// What `jwt-bearer` assertions must carry (`oauth2.grant.jwt.*`).
    pub assertions: AssertionConfig,
    /// Approving devices (`oauth2.device_authorization.*`).
    pub device: DeviceConfig,
    /// A request without scopes gets all of the client's (`oauth2.client_credentials.default_grant_allowed_scope`).
    pub default_grant_allowed_scope: bool,
    /// Claims that are copied from `ext` to the top level (`oauth2.allowed_top_level_claims`).
    pub allowed_top_level_claims: Vec<String>,
    /// Whether `ext` stays beside them (`oauth2.mirror_top_level_claims`).
    pub mirror_top_level_claims: bool,
    /// Whether `ext` otherwise keeps the claims that were not copied (`oauth2.preserve_ext_claims`).
    pub preserve_ext_claims: bool,
    /// Leave out `nbf` (`oauth2.exclude_not_before_claim`).
    pub exclude_not_before_claim: bool,
    /// Called before every token is issued (`oauth2.token_hook`).
    pub token_hook: Option<HookConfig>,
    /// Called before a token is refreshed (`oauth2.refresh_token_hook`).
    pub refresh_token_hook: Option<HookConfig>,
    /// Dynamic client registration (`oidc.dynamic_client_registration.*`).
    pub registration: RegistrationConfig,
    /// Subject types that clients may choose, the default first (`oidc.subject_identifiers.supported_types`).
    pub subject_types: Vec<SubjectType>,
    /// Salt of pairwise subjects (`oidc.subject_identifiers.pairwise.salt`).
    pub pairwise_salt: Option<secrecy::SecretString>,
    /// A client that proves who it is may ask about every token (RFC 7662 section 2.1), not only about its own and those that
    /// are for it.
    pub open_introspection: bool,
    /// Extra members of the discovery document (`webfinger.oidc_discovery.*`).
    pub discovery: DiscoveryConfig,
    /// Cookies (`serve.cookies.*`).
    pub cookies: CookieConfig,
    /// Authorization requests must be pushed (RFC 9126 section 5).
    pub require_pushed_authorization_requests: bool,
    /// DPoP proofs must carry a nonce of this server (RFC 9449 section 8).
    pub dpop_nonces: bool,
    /// What one network address may do.
    pub limits: LimitsConfig,
    /// Plain http redirect addresses are allowed beyond loopback (`dev`).
    pub dev: bool,
}

impl Config {
    /// The defaults. The issuer is the public address without its final slash.
    #[must_use]
    pub fn new(public_url: Url, admin_url: Url) -> Self {
        let scope = ["offline_access", "offline", "openid"];
        Self {
            issuer: public_url.as_str().trim_end_matches('/').to_owned(),
            public_url,
            admin_url,
            urls: Urls::default(),
            ttl: Lifetimes::default(),
            scope_strategy: ScopeStrategy::default(),
            access_token_strategy: AccessTokenStrategy::Opaque,
            scope_claim: ScopeClaim::default(),
            pkce: PkcePolicy::default(),
            refresh: RefreshConfig::default(),
            assertions: AssertionConfig::default(),
            device: DeviceConfig::default(),
            default_grant_allowed_scope: false,
            allowed_top_level_claims: Vec::new(),
            mirror_top_level_claims: true,
            preserve_ext_claims: false,
            exclude_not_before_claim: false,
            token_hook: None,
            refresh_token_hook: None,
            registration: RegistrationConfig { enabled: false, default_scope: scope.map(str::to_owned).to_vec() },
            subject_types: vec![SubjectType::Public],
            pairwise_salt: None,
            open_introspection: false,
            discovery: DiscoveryConfig::default(),
            cookies: CookieConfig { secure: true, ..CookieConfig::default() },
            require_pushed_authorization_requests: false,
            dpop_nonces: false,
            limits: LimitsConfig::default(),
            dev: false,
        }
    }

    /// The address of an endpoint; `path` begins with a slash.
    #[must_use]
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}

/// What one network address may do in a minute; 0 for no bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Failures to authenticate as one client, before that client is not heard from there any more.
    pub failed_authentications: u32,
    /// Clients that register themselves.
    pub registrations: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self { failed_authentications: 30, registrations: 10 }
    }
}

/// Where browsers are sent. `None` means the built-in page.
#[derive(Debug, Clone, Default)]
pub struct Urls {
    /// The login application (`urls.login`).
    pub login: Option<Url>,
    /// The registration application, for `prompt=create` (`urls.registration`).
    pub registration: Option<Url>,
    /// The consent application (`urls.consent`).
    pub consent: Option<Url>,
    /// The logout application (`urls.logout`).
    pub logout: Option<Url>,
    /// The error page (`urls.error`).
    pub error: Option<Url>,
    /// Where a browser lands after a logout that names nothing else (`urls.post_logout_redirect`).
    pub post_logout_redirect: Option<Url>,
    /// Where a user code is entered (`urls.device.verification`).
    pub device_verification: Option<Url>,
    /// Where a browser lands after a device was approved (`urls.device.success`).
    pub device_success: Option<Url>,
}

/// Lifetimes.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Access tokens.
    pub access_token: Duration,
    /// Refresh tokens, unused; `None` for ever.
    pub refresh_token: Option<Duration>,
    /// ID tokens.
    pub id_token: Duration,
    /// Authorization codes.
    pub auth_code: Duration,
    /// Device and user codes.
    pub device_user_code: Duration,
    /// Login, consent and logout challenges.
    pub login_consent_request: Duration,
    /// Remembered sign-ins.
    pub authentication_session: Duration,
    /// Pushed authorization requests (RFC 9126).
    pub pushed_request: Duration,
    /// Nonces for the proof of a key that a credential is bound to: handed out so long, and good for as long again.
    pub credential_nonce: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        Self {
            access_token: Duration::from_secs(HOUR),
            refresh_token: Some(Duration::from_secs(720 * HOUR)),
            id_token: Duration::from_secs(HOUR),
            auth_code: Duration::from_secs(10 * MINUTE),
            device_user_code: Duration::from_secs(10 * MINUTE),
            login_consent_request: Duration::from_secs(30 * MINUTE),
            authentication_session: Duration::from_secs(720 * HOUR),
            pushed_request: Duration::from_secs(90),
            credential_nonce: Duration::from_secs(HOUR),
        }
    }
}

/// How a requested scope is compared with a client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeStrategy {
    /// `*` stands for one dotted segment, at the end for one or more.
    #[default]
    Wildcard,
    /// Equal.
    Exact,
}

/// Which claims of a JWT access token carry its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScopeClaim {
    /// `scp`, a list, and RFC 9068's `scope`.
    #[default]
    Both,
    /// `scp` alone, as Hydra does by default.
    List,
    /// `scope` alone, as RFC 9068 has it.
    Text,
}

/// Who must use PKCE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PkcePolicy {
    /// Whoever begins with it.
    Optional,
    /// Public clients (RFC 9700 section 2.1.1).
    #[default]
    PublicClients,
    /// Everybody.
    Everybody,
}

/// The life of refresh tokens.
#[derive(Debug, Clone, Copy)]
pub struct RefreshConfig {
    /// A client that presents a used token again within this time gets the same successor.
    pub retry_window: Duration,
    /// A family ends this long after it was granted; `None` for never.
    pub absolute_lifetime: Option<Duration>,
}

impl Default for RefreshConfig {
    fn default() -> Self {
        Self { retry_window: Duration::from_secs(10), absolute_lifetime: None }
    }
}

/// What assertions must carry.
#[derive(Debug, Clone, Copy)]
pub struct AssertionConfig {
    /// `jti` may be missing.
    pub jti_optional: bool,
    /// `iat` may be missing.
    pub iat_optional: bool,
    /// Longest life.
    pub max_ttl: Duration,
}

impl Default for AssertionConfig {
    fn default() -> Self {
        let max_ttl = Duration::from_secs(720 * 3600);
        Self { jti_optional: false, iat_optional: false, max_ttl }
    }
}

/// Approving devices (RFC 8628).
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// How long a device waits between two questions.
    pub polling_interval: Duration,
    /// Codes that people type.
    pub user_code: UserCode,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self { polling_interval: Duration::from_secs(5), user_code: UserCode::high() }
    }
}

/// The form of codes that people type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode {
    /// How many characters.
    pub length: usize,
    /// Which.
    pub characters: String,
}

impl UserCode {
    /// Eight letters and digits that are not mistaken for each other.
    #[must_use]
    pub fn high() -> Self {
        Self { length: 8, characters: "abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679".to_owned() }
    }

    /// Eight capital letters.
    #[must_use]
    pub fn medium() -> Self {
        Self { length: 8, characters: ('A'..='Z').collect() }
    }

    /// Nine digits.
    #[must_use]
    pub fn low() -> Self {
        Self { length: 9, characters: ('0'..='9').collect() }
    }
}

/// A web hook of the token endpoint.
#[derive(Debug, Clone)]
pub struct HookConfig {
    /// Where.
    pub url: Url,
    /// An API key to send.
    pub api_key: Option<ApiKey>,
}

/// An API key in a header or cookie.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Whether it is a cookie rather than a header.
    pub in_cookie: bool,
    /// Name of the header or cookie.
    pub name: String,
    /// Its value.
    pub value: secrecy::SecretString,
}

/// Dynamic client registration.
#[derive(Debug, Clone, Default)]
pub struct RegistrationConfig {
    /// Whether it is offered.
    pub enabled: bool,
    /// Scopes of clients that name none.
    pub default_scope: Vec<String>,
}
