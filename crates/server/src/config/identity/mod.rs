//! `identity`: schemas, flows, methods, sessions and messages, by the names that a Kratos configuration gives them.

mod flows;
mod hooks;
mod methods;
mod session;

use ipnet::IpNet;
use orrery_core::GoDuration;
use orrery_courier::config::CourierConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

pub use self::flows::{
    After, AfterMethod, Before, CodeFlow, Flows, Hook, HookKind, Login, LoginStyle, Logout, Registration,
    RegistrationStyle, Settings, UiOnly, VerificationUse,
};
pub use self::hooks::{HookList, HookMoment, WebHookConfig};
pub use self::methods::{Methods, PasswordPolicy};
pub use self::session::{Cookies, RequiredAal, SameSite, Session, SubjectSource};
use super::value::{ByteSize, DurationText, seconds};

/// Identities and everything that people do with their own account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// The schema of identities that name none.
    pub default_schema_id: String,
    /// Identity schemas. A schema `default` with e-mail address and name is built in and used when none is given.
    pub schemas: Vec<SchemaSource>,
    /// Flows, their pages and methods.
    pub selfservice: SelfService,
    /// Sessions and their cookie.
    pub session: Session,
    /// Defaults of all cookies.
    pub cookies: Cookies,
    /// How passwords are hashed.
    pub hashers: Hashers,
    /// What is hidden from callers.
    pub security: Security,
    /// Calls that flows make to other servers.
    pub clients: Clients,
    /// Outgoing messages.
    pub courier: CourierConfig,
    /// Switches between older and newer answers.
    pub feature_flags: FeatureFlags,
    /// Which client generation answers are shaped for.
    pub compatibility: Compatibility,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            default_schema_id: "default".to_owned(),
            schemas: Vec::new(),
            selfservice: SelfService::default(),
            session: Session::default(),
            cookies: Cookies::default(),
            hashers: Hashers::default(),
            security: Security::default(),
            clients: Clients::default(),
            courier: CourierConfig::default(),
            feature_flags: FeatureFlags::default(),
            compatibility: Compatibility::default(),
        }
    }
}

/// Which client generation answers are shaped for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// Today's for everybody.
    Off,
    /// The old generation's for clients that say they are one, today's for all others.
    #[default]
    Auto,
    /// The old generation's for everybody.
    On,
}

/// Where an identity schema is found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaSource {
    /// The id that identities and API calls use.
    pub id: String,
    /// `file://…`, `https://…`, `http://…` or `base64://…`.
    pub url: String,
    /// Whether people may choose it themselves when they register.
    #[serde(default)]
    pub selfservice_selectable: bool,
}

/// Flows, their pages and methods.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SelfService {
    /// Where a browser goes after a flow that names nothing else. The built-in account page when unset.
    pub default_browser_return_url: Option<Url>,
    /// URLs that `return_to` may begin with, besides those of the public listener. A host may be `*.example.com`.
    pub allowed_return_urls: Vec<String>,
    /// One section for each flow.
    pub flows: Flows,
    /// One section for each method.
    pub methods: Methods,
}

/// How passwords are hashed. Hashes of another kind or cost are replaced at the next sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hashers {
    /// Which function hashes new passwords.
    pub algorithm: HashAlgorithm,
    /// Cost of bcrypt.
    pub bcrypt: Bcrypt,
    /// Cost of Argon2id.
    pub argon2: Argon2,
}

/// A password hash function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HashAlgorithm {
    /// Argon2id.
    #[default]
    Argon2,
    /// bcrypt, which reads only the first 72 bytes.
    Bcrypt,
}

/// Cost of bcrypt.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Bcrypt {
    /// Logarithm of the number of rounds, 4 to 31; below 12 only with `--dev`.
    pub cost: u32,
}

impl Default for Bcrypt {
    fn default() -> Self {
        Self { cost: 12 }
    }
}

/// Cost of Argon2id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Argon2 {
    /// Memory for one hash.
    pub memory: ByteSize,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Bytes of salt.
    pub salt_length: u32,
    /// Bytes of hash.
    pub key_length: u32,
}

impl Default for Argon2 {
    fn default() -> Self {
        Self { memory: ByteSize(19 << 20), iterations: 2, parallelism: 1, salt_length: 16, key_length: 32 }
    }
}

/// What is hidden from callers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Security {
    /// Answers that do not tell whether an account exists.
    pub account_enumeration: AccountEnumeration,
    /// Refuse identity schemas that refer to other documents.
    pub disallow_ref_in_identity_schemas: bool,
}

/// Answers that do not tell whether an account exists.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountEnumeration {
    /// Hide it in every flow.
    pub mitigate: bool,
}

impl Default for AccountEnumeration {
    fn default() -> Self {
        Self { mitigate: true }
    }
}

/// Calls that flows make to other servers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clients {
    /// HTTP calls.
    pub http: HttpClient,
    /// Webhooks.
    pub web_hook: WebHookClient,
}

/// HTTP calls whose URL a caller can influence. Private addresses are refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpClient {
    /// Further networks that may be reached although they are private; see also `outbound.allowed_networks`.
    #[schemars(with = "Vec<String>")]
    pub private_ip_exceptions: Vec<IpNet>,
}

/// What webhooks see of the request that caused them, and how long they are waited for.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebHookClient {
    /// Request headers that hooks and HTTP channels are told; a list without secrets when unset.
    pub header_allowlist: Option<Vec<String>>,
    /// How long a hook is waited for, repetitions included. No call takes longer than `outbound.timeout`.
    #[schemars(with = "DurationText")]
    pub timeout: GoDuration,
}

impl Default for WebHookClient {
    fn default() -> Self {
        Self { header_allowlist: None, timeout: seconds(30) }
    }
}

/// Switches between older and newer answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FeatureFlags {
    /// Let clients keep `whoami` answers for a while.
    pub cacheable_sessions: bool,
    /// For how long.
    #[schemars(with = "Option<DurationText>")]
    pub cacheable_sessions_max_age: Option<GoDuration>,
    /// Answer 200 with `continue_with` where a redirect would otherwise be asked for.
    pub use_continue_with_transitions: bool,
    /// Ask which address to recover with.
    pub choose_recovery_address: bool,
    /// Show the verification page in `continue_with` even when a session was issued.
    pub legacy_continue_with_verification_ui: bool,
    /// Report an unverified address in the older form.
    pub legacy_require_verified_login_error: bool,
    /// Answer 204 when a session is extended.
    pub faster_session_extend: bool,
    /// The node group of the traits where a registration asks for them and the password on one page.
    pub password_profile_registration_node_group: TraitGroup,
    /// Offer the addresses to choose from when signing in again.
    pub refresh_login_choose_address: bool,
}

/// The node group of the traits of a registration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TraitGroup {
    /// What all methods share.
    #[default]
    Default,
    /// The password's, as older pages expect.
    Password,
}
