//! The plain settings that this crate needs. Reading files, defaults of a configuration language and the documented
//! Kratos keys are the server's business.

mod hooks;
mod session;

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::credentials::password::BreachedList;
use crate::flow::node::Group;
use crate::flow::{FlowKind, FlowMethod};
use crate::identity::Identity;
use crate::session::{Aal, Session, factor};

pub use hooks::{After, Before, Hook, HookMode, WebHook, WebHooks};
pub use session::{RequiredAal, SessionConfig, SubjectSource, TokenizerTemplate};

/// Settings of one project's identity surface.
#[derive(Debug, Clone)]
pub struct Config {
    /// Public base URL, without a trailing slash in its path; every URL that is emitted begins with it.
    pub public_url: Url,
    /// Base URL of the administrators' listener, for `Location` headers.
    pub admin_url: Url,
    /// The schema of identities that name none.
    pub default_schema_id: String,
    /// Where a browser goes when nothing else says.
    pub default_return_url: Url,
    /// Where else `return_to` may lead; a host may begin with `*.`.
    pub allowed_return_urls: Vec<Url>,
    /// The pages, by flow.
    pub ui: UiUrls,
    /// How long each flow can be submitted.
    pub lifespans: FlowLifespans,
    /// Calls before flows begin.
    pub before: Before,
    /// What all calls of hooks have in common.
    pub web_hooks: WebHooks,
    /// Login.
    pub login: LoginConfig,
    /// Registration.
    pub registration: RegistrationConfig,
    /// Settings.
    pub settings: SettingsConfig,
    /// Recovery.
    pub recovery: RecoveryConfig,
    /// Verification.
    pub verification: VerificationConfig,
    /// Where a browser goes after logout, if the request does not say.
    pub logout_return_url: Option<Url>,
    /// Whether logout asks the browser to forget what it keeps for the site.
    pub logout_clears_browser: bool,
    /// One-time codes.
    pub code: CodeConfig,
    /// Links.
    pub link: LinkConfig,
    /// Password policy.
    pub password: PasswordPolicy,
    /// Passwords that are known from breaches.
    pub breaches: BreachPolicy,
    /// New password hashes.
    pub hasher: HasherConfig,
    /// Sessions and their cookie.
    pub session: SessionConfig,
    /// Sessions as JSON Web Tokens: templates by name.
    pub tokenizer: BTreeMap<String, TokenizerTemplate>,
    /// Anti-CSRF and continuity cookies.
    pub cookies: CookieConfig,
    /// Guarding the doors to an account.
    pub limits: LimitsConfig,
    /// Which client generations answers are shaped for.
    pub compatibility: Compatibility,
    /// Answer scripts with 200 and `continue_with` where a redirect would otherwise be asked for.
    pub continue_with_transitions: bool,
    /// Never say whether an account exists where the contract allows silence.
    pub mitigate_enumeration: bool,
    /// Development mode: message bodies are visible, cookies work over http.
    pub development: bool,
}

impl Config {
    /// Whether a person may choose this identity schema.
    #[must_use]
    pub fn may_choose_schema(&self, id: &str) -> bool {
        id == self.default_schema_id || self.registration.selectable_schemas.iter().any(|selectable| selectable == id)
    }

    /// Whether codes, or links, may be used for recovery and verification.
    #[must_use]
    pub fn enables(&self, method: FlowMethod) -> bool {
        match method {
            FlowMethod::Code => self.code.enabled,
            FlowMethod::Link => self.link.enabled,
            FlowMethod::Password
            | FlowMethod::Profile
            | FlowMethod::Oidc
            | FlowMethod::Totp
            | FlowMethod::LookupSecret
            | FlowMethod::Webauthn
            | FlowMethod::Passkey => false,
        }
    }
}

impl Config {
    /// The highest level that an identity can reach here.
    #[must_use]
    pub fn available_aal(&self, identity: &Identity) -> Aal {
        factor::highest(&identity.factors, self.code.sign_in)
    }

    /// Whether a session has the level that is demanded of its identity.
    #[must_use]
    pub fn is_enough(&self, required: RequiredAal, session: &Session, identity: &Identity) -> bool {
        required.satisfied(session.aal, self.available_aal(identity))
    }
}

impl Config {
    /// What happens after a flow.
    #[must_use]
    pub const fn after(&self, kind: FlowKind) -> &After {
        match kind {
            FlowKind::Login => &self.login.after,
            FlowKind::Registration => &self.registration.after,
            FlowKind::Settings => &self.settings.after,
            FlowKind::Recovery => &self.recovery.after,
            FlowKind::Verification => &self.verification.after,
        }
    }
}

/// The pages that flows send browsers to.
#[derive(Debug, Clone)]
pub struct UiUrls {
    /// Login page.
    pub login: Url,
    /// Registration page.
    pub registration: Url,
    /// Verification page.
    pub verification: Url,
    /// Recovery page.
    pub recovery: Url,
    /// Settings page.
    pub settings: Url,
    /// Error page.
    pub error: Url,
}

impl UiUrls {
    /// The page of a flow.
    #[must_use]
    pub const fn of(&self, flow: FlowKind) -> &Url {
        match flow {
            FlowKind::Login => &self.login,
            FlowKind::Registration => &self.registration,
            FlowKind::Settings => &self.settings,
            FlowKind::Recovery => &self.recovery,
            FlowKind::Verification => &self.verification,
        }
    }
}

/// How long each flow can be submitted.
#[derive(Debug, Clone, Copy)]
pub struct FlowLifespans {
    /// Login flows.
    pub login: Duration,
    /// Registration flows.
    pub registration: Duration,
    /// Settings flows.
    pub settings: Duration,
    /// Recovery flows.
    pub recovery: Duration,
    /// Verification flows.
    pub verification: Duration,
}

/// Login settings.
#[derive(Debug, Clone, Default)]
pub struct LoginConfig {
    /// What is asked first.
    pub style: LoginStyle,
    /// Whether a refresh by code lets the person choose among their addresses.
    pub refresh_chooses_address: bool,
    /// After a login.
    pub after: After,
}

/// What a login asks first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoginStyle {
    /// Identifier and credential together.
    #[default]
    Unified,
    /// The identifier alone.
    IdentifierFirst,
}

/// How registration asks for its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegistrationStyle {
    /// Traits first, then the credential.
    #[default]
    ProfileFirst,
    /// Everything at once.
    Unified,
}

/// Registration settings.
#[derive(Debug, Clone)]
pub struct RegistrationConfig {
    /// Whether anybody can register.
    pub enabled: bool,
    /// One page or two.
    pub style: RegistrationStyle,
    /// The node group of traits that are asked for together with the password: `default` or `password`.
    pub trait_group: Group,
    /// Whether an answer to a taken identifier says how its owner can sign in.
    pub login_hints: bool,
    /// Schemas, besides the default one, that a person may choose.
    pub selectable_schemas: Vec<String>,
    /// After a registration.
    pub after: After,
}

/// Settings of the settings flow.
#[derive(Debug, Clone)]
pub struct SettingsConfig {
    /// Whether the `profile` method is on: whether people may change their own traits.
    pub profile: bool,
    /// How old a sign-in may be to change what leads into the account; zero means any age.
    pub privileged_max_age: Duration,
    /// The level that a session needs.
    pub required_aal: RequiredAal,
    /// After a change.
    pub after: After,
}

/// What a recovery or verification message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// A code to type.
    #[default]
    Code,
    /// A link to open.
    Link,
}

/// Recovery settings.
#[derive(Debug, Clone)]
pub struct RecoveryConfig {
    /// Whether accounts can be recovered.
    pub enabled: bool,
    /// What messages carry.
    pub uses: Delivery,
    /// Ask which address to recover with. Only codes know how.
    pub choose_address: bool,
    /// Whether unknown addresses get a mail too.
    pub notify_unknown_recipients: bool,
    /// After a recovery.
    pub after: After,
}

impl RecoveryConfig {
    /// Whether the address is chosen among those of the account.
    #[must_use]
    pub fn chooses(&self) -> bool {
        self.choose_address && self.uses == Delivery::Code
    }
}

/// Links of recovery and verification messages.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Whether links can be used.
    pub enabled: bool,
    /// How long a link works.
    pub lifespan: Duration,
    /// What links begin with; the public base URL when unset.
    pub base_url: Option<Url>,
}

/// Verification settings.
#[derive(Debug, Clone)]
pub struct VerificationConfig {
    /// Whether addresses are verified.
    pub enabled: bool,
    /// What messages carry.
    pub uses: Delivery,
    /// Whether unknown addresses get a mail too.
    pub notify_unknown_recipients: bool,
    /// After a verification.
    pub after: After,
}

/// One-time code settings.
#[derive(Debug, Clone, Copy)]
pub struct CodeConfig {
    /// Whether codes can be used for verification and recovery.
    pub enabled: bool,
    /// How long a code works.
    pub lifespan: Duration,
    /// How many codes can be tried in one flow.
    pub max_submissions: u32,
    /// What a code is good for when somebody signs in.
    pub sign_in: CodeSignIn,
    /// Whether codes go to any verifiable address, even if the identity has no credential for it.
    pub to_any_address: bool,
}

/// What a code is good for when somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CodeSignIn {
    /// Nothing.
    #[default]
    Off,
    /// It signs in, and registers, by itself.
    FirstFactor,
    /// It is the second of two factors.
    SecondFactor,
}

/// Rules for new passwords.
#[derive(Debug, Clone, Copy)]
pub struct PasswordPolicy {
    /// Whether the password method is on.
    pub enabled: bool,
    /// Fewest bytes.
    pub min_length: usize,
    /// Refuse passwords that resemble an identifier.
    pub similarity_check: bool,
}

/// What is done about passwords that are known from breaches.
#[derive(Debug, Clone)]
pub struct BreachPolicy {
    /// The base URL of the service that is asked; none asks nobody.
    pub service: Option<String>,
    /// How often a password may have been found.
    pub tolerated: u64,
    /// Whether a password is accepted when the service does not answer.
    pub tolerates_silence: bool,
    /// The operator's own list.
    pub list: BreachedList,
}

/// Which function makes new hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashAlgorithm {
    /// Argon2id.
    Argon2id {
        /// KiB of memory.
        memory_kib: u32,
        /// Passes.
        iterations: u32,
        /// Lanes.
        parallelism: u32,
    },
    /// bcrypt.
    Bcrypt {
        /// Two to this many rounds.
        cost: u32,
    },
}

/// The hashing pool.
#[derive(Debug, Clone, Copy)]
pub struct HasherConfig {
    /// New hashes; stored hashes that differ are upgraded at the next login.
    pub algorithm: HashAlgorithm,
    /// Hashes computed at the same time; at most one per core is useful.
    pub workers: usize,
    /// Hashes that may wait; beyond that callers are told to come back.
    pub queue: usize,
}

/// `SameSite` of a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSite {
    /// Sent on top-level navigation.
    #[default]
    Lax,
    /// Sent from the same site only.
    Strict,
    /// Sent from everywhere; needs `Secure`.
    None,
}

/// Attributes of a cookie.
#[derive(Debug, Clone)]
pub struct CookieConfig {
    /// `Domain`.
    pub domain: Option<String>,
    /// `Path`.
    pub path: String,
    /// `SameSite`.
    pub same_site: SameSite,
    /// `Secure`.
    pub secure: bool,
}

/// Guarding the doors to an account.
#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    /// Failed attempts at one account that lock it.
    pub attempts: u32,
    /// Failures older than this do not count.
    pub window: Duration,
    /// How long a locked account stays locked.
    pub lock: Duration,
    /// Submits per minute and client address (or /64 network); zero means no limit.
    pub submits_per_minute: u32,
    /// Flows begun per minute and client address (or /64 network); zero means no limit.
    pub flows_per_minute: u32,
}

/// Which client generations answers are shaped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compatibility {
    /// Today's shapes for everybody.
    Off,
    /// The old generation's shapes for user agents that begin with `OpenAPI-Generator/`.
    #[default]
    Auto,
    /// The old generation's shapes for everybody.
    On,
}
