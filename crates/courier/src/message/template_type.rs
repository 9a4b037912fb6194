//! What a message is about.

use std::str::FromStr;

use super::UnknownWord;

/// What a message is about (the contract's `template_type`; the last two are newer than its enum).
///
/// `…Invalid` tells somebody that the address they gave belongs to no account, so that asking for a code or link
/// never reveals which addresses do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TemplateType {
    /// A recovery link.
    RecoveryValid,
    /// Recovery by link was asked for an unknown address.
    RecoveryInvalid,
    /// A recovery code.
    RecoveryCodeValid,
    /// Recovery by code was asked for an unknown address.
    RecoveryCodeInvalid,
    /// A verification link.
    VerificationValid,
    /// Verification by link was asked for an unknown address.
    VerificationInvalid,
    /// A verification code, by mail with a link that fills it in.
    VerificationCodeValid,
    /// Verification by code was asked for an unknown address.
    VerificationCodeInvalid,
    /// A code to sign in with.
    LoginCodeValid,
    /// A code to finish a registration with.
    RegistrationCodeValid,
    /// Notice to a previous address that it was replaced.
    VerifiableAddressChanged,
    /// Notice that an authenticator was added.
    AuthenticatorKeyAdded,
}

impl TemplateType {
    /// Every template type.
    pub const ALL: [Self; 12] = [
        Self::RecoveryValid,
        Self::RecoveryInvalid,
        Self::RecoveryCodeValid,
        Self::RecoveryCodeInvalid,
        Self::VerificationValid,
        Self::VerificationInvalid,
        Self::VerificationCodeValid,
        Self::VerificationCodeInvalid,
        Self::LoginCodeValid,
        Self::RegistrationCodeValid,
        Self::VerifiableAddressChanged,
        Self::AuthenticatorKeyAdded,
    ];

    /// The word in storage and in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecoveryValid => "recovery_valid",
            Self::RecoveryInvalid => "recovery_invalid",
            Self::RecoveryCodeValid => "recovery_code_valid",
            Self::RecoveryCodeInvalid => "recovery_code_invalid",
            Self::VerificationValid => "verification_valid",
            Self::VerificationInvalid => "verification_invalid",
            Self::VerificationCodeValid => "verification_code_valid",
            Self::VerificationCodeInvalid => "verification_code_invalid",
            Self::LoginCodeValid => "login_code_valid",
            Self::RegistrationCodeValid => "registration_code_valid",
            Self::VerifiableAddressChanged => "verifiable_address_changed",
            Self::AuthenticatorKeyAdded => "authenticator_key_added",
        }
    }

    /// The directory of its overrides below `courier.template_override_path`, as Kratos names it.
    #[must_use]
    pub const fn directory(self) -> &'static str {
        match self {
            Self::RecoveryValid => "recovery/valid",
            Self::RecoveryInvalid => "recovery/invalid",
            Self::RecoveryCodeValid => "recovery_code/valid",
            Self::RecoveryCodeInvalid => "recovery_code/invalid",
            Self::VerificationValid => "verification/valid",
            Self::VerificationInvalid => "verification/invalid",
            Self::VerificationCodeValid => "verification_code/valid",
            Self::VerificationCodeInvalid => "verification_code/invalid",
            Self::LoginCodeValid => "login_code/valid",
            Self::RegistrationCodeValid => "registration_code/valid",
            Self::VerifiableAddressChanged => "verifiable_address_changed",
            Self::AuthenticatorKeyAdded => "authenticator_key_added",
        }
    }
}

impl FromStr for TemplateType {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownWord("template type"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_directories_agree() {
        for kind in TemplateType::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(kind.directory().replace('/', "_"), kind.as_str());
        }
    }
}
