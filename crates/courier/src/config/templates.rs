//! `courier.templates`: single overrides by reference.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::TemplateType;

/// Single templates that replace the built-in ones; each value is a `file://`, `http(s)://` or `base64://` URI.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the template types, documented there")]
pub struct TemplatesConfig {
    pub recovery: Outcomes,
    pub recovery_code: Outcomes,
    pub verification: Outcomes,
    pub verification_code: Outcomes,
    pub login_code: Valid,
    pub registration_code: Valid,
    pub verifiable_address_changed: Parts,
    pub authenticator_key_added: Parts,
}

/// Templates for known and unknown addresses.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outcomes {
    /// The address is known.
    pub valid: Parts,
    /// The address is not known.
    pub invalid: Parts,
}

/// Templates for known addresses.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Valid {
    /// The address is known.
    pub valid: Parts,
}

/// The parts of one message.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Parts {
    /// The mail.
    pub email: Email,
    /// The text message.
    pub sms: Sms,
}

/// The parts of a mail.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Email {
    /// The subject.
    pub subject: Option<String>,
    /// The bodies.
    pub body: EmailBody,
}

/// The bodies of a mail.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EmailBody {
    /// HTML.
    pub html: Option<String>,
    /// Plain text.
    pub plaintext: Option<String>,
}

/// The parts of a text message.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Sms {
    /// The body.
    pub body: SmsBody,
}

/// The body of a text message.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmsBody {
    /// Plain text.
    pub plaintext: Option<String>,
}

impl TemplatesConfig {
    /// Every reference with the path that the same template would have in the override directory.
    pub(super) fn references(&self) -> Vec<(String, &str)> {
        let kinds: [(TemplateType, &Parts); 12] = [
            (TemplateType::RecoveryValid, &self.recovery.valid),
            (TemplateType::RecoveryInvalid, &self.recovery.invalid),
            (TemplateType::RecoveryCodeValid, &self.recovery_code.valid),
            (TemplateType::RecoveryCodeInvalid, &self.recovery_code.invalid),
            (TemplateType::VerificationValid, &self.verification.valid),
            (TemplateType::VerificationInvalid, &self.verification.invalid),
            (TemplateType::VerificationCodeValid, &self.verification_code.valid),
            (TemplateType::VerificationCodeInvalid, &self.verification_code.invalid),
            (TemplateType::LoginCodeValid, &self.login_code.valid),
            (TemplateType::RegistrationCodeValid, &self.registration_code.valid),
            (TemplateType::VerifiableAddressChanged, &self.verifiable_address_changed),
            (TemplateType::AuthenticatorKeyAdded, &self.authenticator_key_added),
        ];
        let mut references = Vec::new();
        for (kind, parts) in kinds {
            for (stem, reference) in [
                ("email.subject", &parts.email.subject),
                ("email.body", &parts.email.body.html),
                ("email.body.plaintext", &parts.email.body.plaintext),
                ("sms.body", &parts.sms.body.plaintext),
            ] {
                if let Some(reference) = reference {
                    let language = if reference.ends_with(".jinja") { "jinja" } else { "gotmpl" };
                    references.push((format!("{}/{stem}.{language}", kind.directory()), reference.as_str()));
                }
            }
        }
        references
    }
}
