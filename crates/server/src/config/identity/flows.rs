//! `identity.selfservice.flows`.

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::session::RequiredAal;
use crate::config::value::{DurationText, Opaque, seconds};

/// One section for each flow.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Flows {
    /// Signing in.
    pub login: Login,
    /// Creating an account.
    pub registration: Registration,
    /// Changing an account.
    pub settings: Settings,
    /// Getting back into an account.
    pub recovery: CodeFlow,
    /// Proving that an address is one's own.
    pub verification: CodeFlow,
    /// Signing out.
    pub logout: Logout,
    /// Showing an error.
    pub error: UiOnly,
}

/// Signing in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Login {
    /// The page; the built-in one when unset.
    pub ui_url: Option<Url>,
    /// How long a flow may be completed.
    pub lifespan: Lifespan,
    /// Identifier and password together, or one after the other.
    pub style: LoginStyle,
    /// What happens when a flow begins.
    pub before: Before,
    /// What happens when somebody has signed in.
    pub after: After,
}

/// Identifier and password together, or one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoginStyle {
    /// Together.
    #[default]
    Unified,
    /// The identifier first.
    IdentifierFirst,
}

/// Creating an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Registration {
    /// Whether people may create accounts themselves.
    pub enabled: bool,
    /// The page; the built-in one when unset.
    pub ui_url: Option<Url>,
    /// How long a flow may be completed.
    pub lifespan: Lifespan,
    /// Tell which methods an existing account signs in with.
    pub login_hints: bool,
    /// Traits and credential together or one after the other.
    pub style: RegistrationStyle,
    /// Traits and credential together; the older name of `style: unified`.
    pub enable_legacy_one_step: bool,
    /// What happens when a flow begins.
    pub before: Before,
    /// What happens when an account was created.
    pub after: After,
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            enabled: true,
            ui_url: None,
            lifespan: Lifespan::default(),
            login_hints: false,
            style: RegistrationStyle::default(),
            enable_legacy_one_step: false,
            before: Before::default(),
            after: After::default(),
        }
    }
}

/// Traits and credential together or one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationStyle {
    /// The traits first, then the credential.
    #[default]
    ProfileFirst,
    /// Together.
    Unified,
}

/// Changing an account.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The page; the built-in one when unset.
    pub ui_url: Option<Url>,
    /// How long a flow may be completed.
    pub lifespan: Lifespan,
    /// How old a sign-in may be to change credentials without signing in again.
    #[schemars(with = "DurationText")]
    pub privileged_session_max_age: GoDuration,
    /// The level that a session needs.
    pub required_aal: RequiredAal,
    /// What happens when a flow begins.
    pub before: Before,
    /// What happens when something was changed.
    pub after: After,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ui_url: None,
            lifespan: Lifespan::default(),
            privileged_session_max_age: seconds(3600),
            required_aal: RequiredAal::default(),
            before: Before::default(),
            after: After::default(),
        }
    }
}

/// A flow that sends a code or a link: recovery or verification.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodeFlow {
    /// Whether the flow is offered. With `--dev`, both are on unless this says otherwise.
    pub enabled: bool,
    /// The page; the built-in one when unset.
    pub ui_url: Option<Url>,
    /// How long a flow may be completed.
    pub lifespan: Lifespan,
    /// What the message carries.
    #[serde(rename = "use")]
    pub uses: VerificationUse,
    /// Also write to mail addresses that belong to no account. Text messages go to accounts only.
    pub notify_unknown_recipients: bool,
    /// What happens when a flow begins.
    pub before: Before,
    /// What happens when it is complete.
    pub after: After,
}

/// What a recovery or verification message carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerificationUse {
    /// A code of six digits.
    #[default]
    Code,
    /// A link.
    Link,
}

/// Signing out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logout {
    /// What happens afterwards.
    pub after: LogoutAfter,
}

/// What happens after signing out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogoutAfter {
    /// Where the browser goes.
    pub default_browser_return_url: Option<Url>,
    /// Ask the browser to forget what it keeps for the site.
    pub clear_browser_data: bool,
}

/// A page of its own.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct UiOnly {
    /// The page; the built-in one when unset.
    pub ui_url: Option<Url>,
}

/// What every flow with a life of its own has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Lifespan(#[schemars(with = "DurationText")] pub GoDuration);

impl Default for Lifespan {
    fn default() -> Self {
        Self(seconds(3600))
    }
}

/// What happens when a flow begins.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Before {
    /// Hooks, in this order.
    pub hooks: Vec<Hook>,
}

/// What happens after a flow: in general, and by method. A method's own hooks replace the general ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct After {
    /// Where the browser goes.
    pub default_browser_return_url: Option<Url>,
    /// Hooks, in this order.
    pub hooks: Vec<Hook>,
    /// After the password method.
    pub password: Option<AfterMethod>,
    /// After the one-time code method.
    pub code: Option<AfterMethod>,
    /// After the social sign-in method.
    pub oidc: Option<AfterMethod>,
    /// After the WebAuthn method.
    pub webauthn: Option<AfterMethod>,
    /// After the passkey method.
    pub passkey: Option<AfterMethod>,
    /// After the TOTP method.
    pub totp: Option<AfterMethod>,
    /// After the backup code method.
    pub lookup_secret: Option<AfterMethod>,
    /// After the profile method.
    pub profile: Option<AfterMethod>,
}

/// What happens after one method.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AfterMethod {
    /// Where the browser goes.
    pub default_browser_return_url: Option<Url>,
    /// Hooks, in this order.
    pub hooks: Vec<Hook>,
}

/// One hook.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hook {
    /// Which one.
    pub hook: HookKind,
    /// Its own settings.
    pub config: Option<Opaque>,
}

/// The hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookKind {
    /// Sign in right after the registration.
    Session,
    /// End every other session of the identity.
    RevokeActiveSessions,
    /// Call another server.
    WebHook,
    /// Refuse a sign-in without a verified address.
    RequireVerifiedAddress,
    /// Show the verification page next.
    ShowVerificationUi,
    /// Send the verification message; after registration and settings that happens by itself.
    Verification,
    /// Prove a new address before it replaces the old one.
    VerifyNewAddress,
    /// Tell the former addresses about a change.
    NotifyPreviousAddresses,
    /// Refused: a feature of the commercial edition.
    B2bSso,
    /// Accepted and ignored.
    TwoStepRegistration,
}

impl HookKind {
    /// Its name in a configuration.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::RevokeActiveSessions => "revoke_active_sessions",
            Self::WebHook => "web_hook",
            Self::RequireVerifiedAddress => "require_verified_address",
            Self::ShowVerificationUi => "show_verification_ui",
            Self::Verification => "verification",
            Self::VerifyNewAddress => "verify_new_address",
            Self::NotifyPreviousAddresses => "notify_previous_addresses",
            Self::B2bSso => "b2b_sso",
            Self::TwoStepRegistration => "two_step_registration",
        }
    }
}
