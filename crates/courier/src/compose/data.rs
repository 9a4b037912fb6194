//! The variables of each message, under the names that templates and HTTP channels know.

use std::fmt;
use std::time::Duration;

use minijinja::Value;
use orrery_core::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{ComposeRequest, sanitize};
use crate::message::{Channel, TemplateType};

/// What happened, and what the message about it needs to know.
///
/// `identity` is the identity's public JSON (without credentials and `metadata_admin`); URLs are absolute and made
/// by this server.
#[derive(Clone)]
#[expect(missing_docs, reason = "the fields are the variables of the same names, described above")]
pub enum TemplateData {
    /// A recovery link was asked for.
    RecoveryValid { recovery_url: String, expires_in: Duration, identity: Json },
    /// A recovery link was asked for an address that nobody has.
    RecoveryInvalid,
    /// A recovery code was asked for.
    RecoveryCodeValid { recovery_code: String, expires_in: Duration, identity: Json },
    /// A recovery code was asked for an address that nobody has.
    RecoveryCodeInvalid,
    /// An address is to be verified by link.
    VerificationValid { verification_url: String, expires_in: Duration, identity: Json },
    /// A verification link was asked for an address that nobody has.
    VerificationInvalid,
    /// An address is to be verified by code; the link fills in the code.
    VerificationCodeValid {
        verification_code: String,
        verification_url: Option<String>,
        expires_in: Duration,
        identity: Json,
    },
    /// A verification code was asked for an address that nobody has.
    VerificationCodeInvalid,
    /// Somebody signs in by code. `oauth2_login_request` is `{challenge, client{…}}`.
    LoginCodeValid { login_code: String, expires_in: Duration, identity: Json, oauth2_login_request: Option<Json> },
    /// Somebody registers by code.
    RegistrationCodeValid {
        registration_code: String,
        expires_in: Duration,
        traits: Json,
        oauth2_login_request: Option<Json>,
    },
    /// An address was replaced; this goes to the old one.
    VerifiableAddressChanged { changed_at: Timestamp, identity: Json },
    /// An authenticator was added.
    AuthenticatorKeyAdded { added_at: Timestamp, identity: Json },
}

impl fmt::Debug for TemplateData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemplateData({:?}, …)", self.template_type())
    }
}

/// Who chose the words of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Server,
    Somebody,
}

/// A variable under its name in templates and its key in `template_data`.
pub(super) struct Variable {
    name: &'static str,
    key: &'static str,
    origin: Origin,
    value: Json,
    recipient: String,
}

impl TemplateData {
    /// What the message is about.
    #[must_use]
    pub const fn template_type(&self) -> TemplateType {
        match self {
            Self::RecoveryValid { .. } => TemplateType::RecoveryValid,
            Self::RecoveryInvalid => TemplateType::RecoveryInvalid,
            Self::RecoveryCodeValid { .. } => TemplateType::RecoveryCodeValid,
            Self::RecoveryCodeInvalid => TemplateType::RecoveryCodeInvalid,
            Self::VerificationValid { .. } => TemplateType::VerificationValid,
            Self::VerificationInvalid => TemplateType::VerificationInvalid,
            Self::VerificationCodeValid { .. } => TemplateType::VerificationCodeValid,
            Self::VerificationCodeInvalid => TemplateType::VerificationCodeInvalid,
            Self::LoginCodeValid { .. } => TemplateType::LoginCodeValid,
            Self::RegistrationCodeValid { .. } => TemplateType::RegistrationCodeValid,
            Self::VerifiableAddressChanged { .. } => TemplateType::VerifiableAddressChanged,
            Self::AuthenticatorKeyAdded { .. } => TemplateType::AuthenticatorKeyAdded,
        }
    }

    /// The code, if the message carries one.
    pub(super) fn code(&self) -> Option<&str> {
        match self {
            Self::RecoveryCodeValid { recovery_code: code, .. }
            | Self::VerificationCodeValid { verification_code: code, .. }
            | Self::LoginCodeValid { login_code: code, .. }
            | Self::RegistrationCodeValid { registration_code: code, .. } => Some(code),
            Self::RecoveryValid { .. }
            | Self::RecoveryInvalid
            | Self::RecoveryCodeInvalid
            | Self::VerificationValid { .. }
            | Self::VerificationInvalid
            | Self::VerificationCodeInvalid
            | Self::VerifiableAddressChanged { .. }
            | Self::AuthenticatorKeyAdded { .. } => None,
        }
    }

    /// The link, if the message carries one.
    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::RecoveryValid { recovery_url: url, .. } | Self::VerificationValid { verification_url: url, .. } => {
                Some(url)
            }
            Self::VerificationCodeValid { verification_url, .. } => verification_url.as_deref(),
            Self::RecoveryInvalid
            | Self::RecoveryCodeValid { .. }
            | Self::RecoveryCodeInvalid
            | Self::VerificationInvalid
            | Self::VerificationCodeInvalid
            | Self::LoginCodeValid { .. }
            | Self::RegistrationCodeValid { .. }
            | Self::VerifiableAddressChanged { .. }
            | Self::AuthenticatorKeyAdded { .. } => None,
        }
    }

    /// How long the code or link is good for.
    pub(super) fn expires_in(&self) -> Option<Duration> {
        match self {
            Self::RecoveryValid { expires_in, .. }
            | Self::RecoveryCodeValid { expires_in, .. }
            | Self::VerificationValid { expires_in, .. }
            | Self::VerificationCodeValid { expires_in, .. }
            | Self::LoginCodeValid { expires_in, .. }
            | Self::RegistrationCodeValid { expires_in, .. } => Some(*expires_in),
            Self::RecoveryInvalid
            | Self::RecoveryCodeInvalid
            | Self::VerificationInvalid
            | Self::VerificationCodeInvalid
            | Self::VerifiableAddressChanged { .. }
            | Self::AuthenticatorKeyAdded { .. } => None,
        }
    }

    /// When it happened, for notices.
    pub(super) const fn happened_at(&self) -> Option<Timestamp> {
        match self {
            Self::VerifiableAddressChanged { changed_at: at, .. }
            | Self::AuthenticatorKeyAdded { added_at: at, .. } => Some(*at),
            Self::RecoveryValid { .. }
            | Self::RecoveryInvalid
            | Self::RecoveryCodeValid { .. }
            | Self::RecoveryCodeInvalid
            | Self::VerificationValid { .. }
            | Self::VerificationInvalid
            | Self::VerificationCodeValid { .. }
            | Self::VerificationCodeInvalid
            | Self::LoginCodeValid { .. }
            | Self::RegistrationCodeValid { .. } => None,
        }
    }

    /// Every variable of the message.
    pub(super) fn variables(&self, request: &ComposeRequest<'_>) -> Vec<Variable> {
        use Origin::{Server, Somebody};
        let minutes = self.expires_in().map(|validity| validity.as_secs() / 60);
        let domain = request.request_url.and_then(|url| url::Url::parse(url).ok()?.host_str().map(str::to_owned));
        let mut rows: Vec<(&'static str, &'static str, Origin, Json)> = vec![
            ("To", "to", Server, json!(request.recipient)),
            ("RequestURL", "request_url", Server, json!(request.request_url.unwrap_or_default())),
            ("RequestURLDomain", "request_url_domain", Server, json!(domain.unwrap_or_default())),
            ("TransientPayload", "transient_payload", Somebody, request.transient_payload.clone()),
        ];
        rows.extend(minutes.map(|minutes| ("ExpiresInMinutes", "expires_in_minutes", Server, json!(minutes))));
        match self {
            Self::RecoveryValid { recovery_url, identity, .. } => {
                rows.push(("RecoveryURL", "recovery_url", Server, json!(recovery_url)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::RecoveryCodeValid { recovery_code, identity, .. } => {
                rows.push(("RecoveryCode", "recovery_code", Server, json!(recovery_code)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::VerificationValid { verification_url, identity, .. } => {
                rows.push(("VerificationURL", "verification_url", Server, json!(verification_url)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::VerificationCodeValid { verification_code, verification_url, identity, .. } => {
                rows.push(("VerificationCode", "verification_code", Server, json!(verification_code)));
                rows.push(("VerificationURL", "verification_url", Server, json!(verification_url)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::LoginCodeValid { login_code, identity, oauth2_login_request, .. } => {
                rows.push(("LoginCode", "login_code", Server, json!(login_code)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
                rows.push(("OAuth2LoginRequest", "oauth2_login_request", Somebody, json!(oauth2_login_request)));
            }
            Self::RegistrationCodeValid { registration_code, traits, oauth2_login_request, .. } => {
                rows.push(("RegistrationCode", "registration_code", Server, json!(registration_code)));
                rows.push(("Traits", "traits", Somebody, traits.clone()));
                rows.push(("OAuth2LoginRequest", "oauth2_login_request", Somebody, json!(oauth2_login_request)));
            }
            Self::VerifiableAddressChanged { changed_at, identity } => {
                rows.push(("ChangedAt", "changed_at", Server, json!(changed_at)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::AuthenticatorKeyAdded { added_at, identity } => {
                rows.push(("AddedAt", "added_at", Server, json!(added_at)));
                rows.push(("Identity", "identity", Somebody, identity.clone()));
            }
            Self::RecoveryInvalid
            | Self::RecoveryCodeInvalid
            | Self::VerificationInvalid
            | Self::VerificationCodeInvalid => {}
        }
        let recipient = request.recipient.to_owned();
        rows.into_iter()
            .map(|(name, key, origin, value)| Variable { name, key, origin, value, recipient: recipient.clone() })
            .collect()
    }
}

/// The variables as `template_data` for HTTP channels, word for word.
pub(super) fn to_json(variables: &[Variable], channel: Channel) -> Json {
    let mut data: Map<String, Json> =
        variables.iter().map(|variable| (variable.key.to_owned(), variable.value.clone())).collect();
    // SMS gateways set up for Kratos read the recovery code under the key of the verification code.
    if channel == Channel::Sms
        && let Some(code) = data.get("recovery_code").cloned()
    {
        data.insert("verification_code".to_owned(), code);
    }
    Json::Object(data)
}

/// The variables as templates see them: by name, and all together as `dot` and `root` for translated templates.
pub(super) fn to_context(variables: &[Variable]) -> Value {
    let all: Vec<(&str, Value)> = variables
        .iter()
        .map(|variable| {
            let value = match variable.origin {
                Origin::Server => sanitize::trusted(&variable.value),
                Origin::Somebody => sanitize::untrusted(&variable.value, &variable.recipient),
            };
            (variable.name, value)
        })
        .collect();
    let whole = Value::from_pairs(all.iter().cloned());
    Value::from_pairs(all.into_iter().chain([("dot", whole.clone()), ("root", whole)]))
}
