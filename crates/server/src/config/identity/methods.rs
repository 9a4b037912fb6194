//! `identity.selfservice.methods`.

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::value::{DurationText, Opaque, seconds};

/// One section for each method.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Methods {
    /// Passwords.
    pub password: PasswordMethod,
    /// Changing one's own traits in the settings.
    pub profile: Toggle,
    /// One-time codes by mail and SMS.
    pub code: CodeMethod,
    /// Links by mail.
    pub link: LinkMethod,
    /// Codes of an authenticator app.
    pub totp: TotpMethod,
    /// Backup codes.
    pub lookup_secret: Toggle,
    /// Security keys.
    pub webauthn: WebauthnMethod,
    /// Passkeys.
    pub passkey: PasskeyMethod,
    /// Social sign-in.
    pub oidc: OidcMethod,
}

impl Default for Methods {
    fn default() -> Self {
        Self {
            password: PasswordMethod::default(),
            profile: Toggle { enabled: true },
            code: CodeMethod::default(),
            link: LinkMethod::default(),
            totp: TotpMethod::default(),
            lookup_secret: Toggle::default(),
            webauthn: WebauthnMethod::default(),
            passkey: PasskeyMethod::default(),
            oidc: OidcMethod::default(),
        }
    }
}

/// A method that is only on or off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Toggle {
    /// Whether it is offered.
    pub enabled: bool,
}

/// Passwords.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// What a password must be like.
    pub config: PasswordPolicy,
}

impl Default for PasswordMethod {
    fn default() -> Self {
        Self { enabled: true, config: PasswordPolicy::default() }
    }
}

/// What a password must be like.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// Characters at least.
    pub min_password_length: u32,
    /// Refuse passwords that resemble the identifier.
    pub identifier_similarity_check_enabled: bool,
    /// Ask whether the password is known from a breach. Only the first five characters of its SHA-1 leave the server.
    pub haveibeenpwned_enabled: bool,
    /// The host to ask; or the whole base URL of a mirror.
    pub haveibeenpwned_host: String,
    /// How often it may have appeared in breaches.
    pub max_breaches: u32,
    /// Accept the password when the host does not answer.
    pub ignore_network_errors: bool,
    /// A list of passwords that nobody may use: `file://…`, each line a password or its SHA-1 in hexadecimal. It is looked at
    /// whether or not a host is asked.
    pub breached_passwords: Option<String>,
    /// Ask another server about a password that is not known here yet.
    pub migrate_hook: Option<Opaque>,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_password_length: 8,
            identifier_similarity_check_enabled: true,
            haveibeenpwned_enabled: true,
            haveibeenpwned_host: "api.pwnedpasswords.com".to_owned(),
            max_breaches: 0,
            ignore_network_errors: true,
            breached_passwords: None,
            migrate_hook: None,
        }
    }
}

/// One-time codes by mail and SMS.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodeMethod {
    /// Whether recovery and verification may use codes.
    pub enabled: bool,
    /// Whether a code alone signs in.
    pub passwordless_enabled: bool,
    /// Whether a code is a second factor.
    pub mfa_enabled: bool,
    /// How long and how often a code may be tried.
    pub config: CodeSettings,
}

impl Default for CodeMethod {
    fn default() -> Self {
        Self { enabled: true, passwordless_enabled: false, mfa_enabled: false, config: CodeSettings::default() }
    }
}

/// How long and how often a code may be tried.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CodeSettings {
    /// How long a code is valid.
    #[schemars(with = "DurationText")]
    pub lifespan: GoDuration,
    /// Wrong codes that one flow bears.
    pub max_submissions: u32,
    /// Accept any address of the identity, even without a code credential for it.
    pub missing_credential_fallback_enabled: bool,
}

impl Default for CodeSettings {
    fn default() -> Self {
        Self { lifespan: seconds(3600), max_submissions: 5, missing_credential_fallback_enabled: false }
    }
}

/// Links by mail.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// How long a link is valid and where it points.
    pub config: LinkSettings,
}

/// How long a link is valid and where it points.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LinkSettings {
    /// How long a link is valid.
    #[schemars(with = "DurationText")]
    pub lifespan: GoDuration,
    /// What links begin with; the public base URL when unset.
    pub base_url: Option<Url>,
}

impl Default for LinkSettings {
    fn default() -> Self {
        Self { lifespan: seconds(3600), base_url: None }
    }
}

/// Codes of an authenticator app.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TotpMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// The name that the app shows.
    pub config: TotpSettings,
}

/// The name that the app shows.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TotpSettings {
    /// The name; the public host when unset.
    pub issuer: Option<String>,
}

/// Security keys.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebauthnMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// First or second factor, and for which site.
    pub config: WebauthnSettings,
}

/// First or second factor, and for which site.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebauthnSettings {
    /// Whether a key alone signs in.
    pub passwordless: bool,
    /// The site.
    pub rp: Option<RelyingParty>,
}

/// Passkeys.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasskeyMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// For which site.
    pub config: PasskeySettings,
}

/// For which site passkeys are made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PasskeySettings {
    /// The site.
    pub rp: Option<RelyingParty>,
    /// Which authenticators are asked for.
    pub authenticator_selection: Option<Opaque>,
    /// Which attestation is asked for.
    pub attestation: Option<Opaque>,
    /// How long the browser waits.
    pub timeouts: Option<Opaque>,
}

/// A site as WebAuthn knows it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelyingParty {
    /// The domain.
    pub id: String,
    /// The name that is shown.
    pub display_name: String,
    /// The one origin.
    pub origin: Option<String>,
    /// All origins.
    #[serde(default)]
    pub origins: Vec<String>,
    /// An icon. Browsers no longer show it.
    pub icon: Option<String>,
}

/// Social sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OidcMethod {
    /// Whether it is offered.
    pub enabled: bool,
    /// The providers.
    pub config: OidcSettings,
}

/// The providers of social sign-in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OidcSettings {
    /// What redirect URIs begin with; the public base URL when unset.
    pub base_redirect_uri: Option<Url>,
    /// The providers, as documented for Kratos.
    pub providers: Vec<Opaque>,
}
