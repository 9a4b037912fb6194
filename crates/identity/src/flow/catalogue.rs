//! Every numbered message of the contract: `NAME = id kind "our text" [context keys]`.
//!
//! Ids, kinds and context keys never change, because front ends translate by them; `tests/` at the end of this file
//! pins them. Numbers in [`RESERVED`] belong to the contract but are never emitted here.

use super::message::{MessageType, Template};

/// Declares one constant per message and the list of all.
macro_rules! catalogue {
    ($($name:ident = $id:literal $kind:ident $text:literal [$($key:ident),*];)+) => {
        $(
            #[doc = $text]
            pub const $name: Template = Template {
                id: $id,
                kind: MessageType::$kind,
                text: $text,
                keys: &[$(stringify!($key)),*],
            };
        )+

        /// Every message, in the order of this file.
        pub const ALL: &[&Template] = &[$(&$name),+];
    };
}

/// Roots of the number ranges, and messages of features that the open contract only names (captcha, device keys,
/// organisations).
pub const RESERVED: &[u32] = &[
    1_010_000, 1_020_000, 1_030_000, 1_040_000, 1_050_000, 1_060_000, 1_080_000, 4_000_000, 4_010_000, 4_040_000,
    4_050_000, 4_060_000, 4_070_000, 5_000_000, 1_010_024, 1_050_021, 1_050_022, 1_050_023, 1_070_015, 4_000_038,
    4_000_042, 4_000_044, 4_000_045, 4_000_046, 5_000_003,
];

catalogue! {
    // Login
    LOGIN_SIGN_IN = 1_010_001 Info "Sign in" [];
    LOGIN_WITH_PROVIDER = 1_010_002 Info "Sign in with {provider}" [provider, provider_id];
    LOGIN_REFRESH = 1_010_003 Info "Please sign in once more to confirm that it is you." [];
    LOGIN_SECOND_FACTOR = 1_010_004 Info "Please confirm your sign-in with a second factor." [];
    LOGIN_VERIFY = 1_010_005 Info "Verify" [];
    LOGIN_TOTP_LABEL = 1_010_006 Info "Code from your authenticator app" [];
    LOGIN_LOOKUP_LABEL = 1_010_007 Info "Backup code" [];
    LOGIN_WITH_WEBAUTHN = 1_010_008 Info "Sign in with a security key" [];
    LOGIN_WITH_TOTP = 1_010_009 Info "Use your authenticator app" [];
    LOGIN_WITH_LOOKUP = 1_010_010 Info "Use a backup code" [];
    LOGIN_CONTINUE_WEBAUTHN = 1_010_011 Info "Continue with your security key" [];
    LOGIN_PREPARE_WEBAUTHN = 1_010_012 Info "Have your security key at hand, then continue." [];
    LOGIN_CONTINUE_KEY = 1_010_013 Info "Continue" [];
    LOGIN_CODE_SENT = 1_010_014 Info "If an account belongs to that address, a code is on its way to it. Enter it below." [];
    LOGIN_SEND_CODE = 1_010_015 Info "Send a sign-in code" [];
    LOGIN_LINK_NOTICE = 1_010_016 Info "{duplicateIdentifier} already has an account here. Sign in to it, and {provider} will be linked to it." [
        duplicateIdentifier, provider, newLoginUrl, duplicate_identifier, new_login_url, available_credential_types, available_providers
    ];
    LOGIN_AND_LINK = 1_010_017 Info "Sign in and link" [];
    LOGIN_CONFIRM_LINK = 1_010_018 Info "Confirm with {provider}" [provider];
    LOGIN_REQUEST_CODE = 1_010_019 Info "Send a code to continue" [];
    LOGIN_CODE_HINT = 1_010_020 Info "The code goes to {maskedTo}." [maskedTo];
    LOGIN_WITH_PASSKEY = 1_010_021 Info "Sign in with a passkey" [];
    LOGIN_WITH_PASSWORD = 1_010_022 Info "Sign in with password" [];
    LOGIN_SEND_CODE_TO = 1_010_023 Info "Send a code to {address}" [address, channel];
    LOGIN_CODE_SENT_AGAIN = 1_010_025 Info "A code is on its way to you. Enter it below." [];

    // Registration
    REGISTRATION_SIGN_UP = 1_040_001 Info "Sign up" [];
    REGISTRATION_WITH_PROVIDER = 1_040_002 Info "Sign up with {provider}" [provider, provider_id];
    REGISTRATION_CONTINUE = 1_040_003 Info "Continue" [];
    REGISTRATION_WITH_WEBAUTHN = 1_040_004 Info "Sign up with a security key" [];
    REGISTRATION_CODE_SENT = 1_040_005 Info "A code is on its way to the address you gave. Enter it below." [];
    REGISTRATION_SEND_CODE = 1_040_006 Info "Send a sign-up code" [];
    REGISTRATION_WITH_PASSKEY = 1_040_007 Info "Sign up with a passkey" [];
    REGISTRATION_BACK = 1_040_008 Info "Back" [];
    REGISTRATION_CHOOSE_CREDENTIAL = 1_040_009 Info "How would you like to sign in from now on?" [];

    // Settings
    SETTINGS_SAVED = 1_050_001 Success "Your changes are saved." [];
    SETTINGS_LINK_PROVIDER = 1_050_002 Info "Link {provider}" [provider];
    SETTINGS_UNLINK_PROVIDER = 1_050_003 Info "Unlink {provider}" [provider];
    SETTINGS_REMOVE_TOTP = 1_050_004 Info "Remove your authenticator app" [];
    SETTINGS_TOTP_QR = 1_050_005 Info "QR code for your authenticator app" [];
    SETTINGS_TOTP_SECRET = 1_050_006 Info "{secret}" [secret];
    SETTINGS_REVEAL_LOOKUP = 1_050_007 Info "Show backup codes" [];
    SETTINGS_REGENERATE_LOOKUP = 1_050_008 Info "Make new backup codes" [];
    SETTINGS_LOOKUP_SECRET = 1_050_009 Info "{secret}" [secret];
    SETTINGS_LOOKUP_LABEL = 1_050_010 Info "Backup codes: keep them in a safe place" [];
    SETTINGS_CONFIRM_LOOKUP = 1_050_011 Info "I have saved these codes" [];
    SETTINGS_ADD_WEBAUTHN = 1_050_012 Info "Add a security key" [];
    SETTINGS_WEBAUTHN_NAME = 1_050_013 Info "Name of the security key" [];
    SETTINGS_LOOKUP_USED = 1_050_014 Info "Used on {used_at}" [used_at, used_at_unix];
    SETTINGS_LOOKUP_LIST = 1_050_015 Info "Your backup codes" [secrets];
    SETTINGS_DISABLE_LOOKUP = 1_050_016 Info "Turn this method off" [];
    SETTINGS_TOTP_SECRET_LABEL = 1_050_017 Info "Secret for your authenticator app, if the QR code cannot be scanned" [];
    SETTINGS_REMOVE_WEBAUTHN = 1_050_018 Info "Remove security key {display_name}" [display_name, added_at, added_at_unix];
    SETTINGS_ADD_PASSKEY = 1_050_019 Info "Add a passkey" [];
    SETTINGS_REMOVE_PASSKEY = 1_050_020 Info "Remove passkey {display_name}" [display_name, added_at, added_at_unix];

    // Recovery
    RECOVERY_DONE = 1_060_001 Success "You are back in your account. Set a new password or link another way to sign in now." [
        privilegedSessionExpiresAt, privileged_session_expires_at, privileged_session_expires_at_unix
    ];
    RECOVERY_LINK_SENT = 1_060_002 Info "If an account belongs to that address, a recovery link is on its way to it." [];
    RECOVERY_CODE_SENT = 1_060_003 Info "If an account belongs to that address, a recovery code is on its way to it." [];
    RECOVERY_CODE_SENT_MASKED = 1_060_004 Info "A recovery code is on its way to {masked_address}, if that is the address of the account." [masked_address];
    RECOVERY_CONFIRM_ADDRESS = 1_060_005 Info "Please type the chosen address in full." [];
    RECOVERY_CHOOSE = 1_060_006 Info "How would you like to recover your account?" [];
    RECOVERY_BACK = 1_060_007 Info "Back" [];

    // Labels of nodes
    LABEL_GENERIC = 1_070_000 Info "Choose" [];
    LABEL_PASSWORD = 1_070_001 Info "Password" [];
    LABEL_TRAIT = 1_070_002 Info "{title}" [title, name];
    LABEL_SAVE = 1_070_003 Info "Save" [];
    LABEL_IDENTIFIER = 1_070_004 Info "Sign-in name" [];
    LABEL_SUBMIT = 1_070_005 Info "Submit" [];
    LABEL_TOTP_VERIFY = 1_070_006 Info "Code from the app" [];
    LABEL_EMAIL = 1_070_007 Info "Email" [];
    LABEL_RESEND_CODE = 1_070_008 Info "Send a new code" [];
    LABEL_CONTINUE = 1_070_009 Info "Continue" [];
    LABEL_RECOVERY_CODE = 1_070_010 Info "Recovery code" [];
    LABEL_VERIFICATION_CODE = 1_070_011 Info "Verification code" [];
    LABEL_REGISTRATION_CODE = 1_070_012 Info "Sign-up code" [];
    LABEL_LOGIN_CODE = 1_070_013 Info "Sign-in code" [];
    LABEL_LOGIN_AND_LINK = 1_070_014 Info "Sign in and link" [];
    LABEL_RECOVERY_ADDRESS = 1_070_016 Info "Recovery address" [];
    LABEL_PHONE = 1_070_017 Info "Phone number" [];
    LABEL_EMAIL_OR_PHONE = 1_070_018 Info "Email or phone number" [];

    // Verification
    VERIFICATION_LINK_SENT = 1_080_001 Info "A verification link is on its way to your address, if it belongs to an account." [];
    VERIFICATION_EMAIL_DONE = 1_080_002 Success "Thank you. Your email address is verified." [];
    VERIFICATION_CODE_MAILED = 1_080_003 Info "A verification code is on its way to your email address, if it belongs to an account." [];
    VERIFICATION_CODE_TEXTED = 1_080_004 Info "A verification code is on its way to your phone, if its number belongs to an account." [];
    VERIFICATION_PHONE_DONE = 1_080_005 Success "Thank you. Your phone number is verified." [];

    // Validation
    INVALID = 4_000_001 Error "{reason}" [reason];
    REQUIRED = 4_000_002 Error "Please fill in {property}." [property];
    TOO_SHORT = 4_000_003 Error "Please use at least {min_length} characters; there are only {actual_length}." [min_length, actual_length];
    PATTERN_MISMATCH = 4_000_004 Error "This does not have the expected form ({pattern})." [pattern];
    PASSWORD_POLICY = 4_000_005 Error "This password cannot be used: {reason}" [reason];
    WRONG_CREDENTIALS = 4_000_006 Error "The sign-in name or the password is wrong. Please check both." [];
    IDENTIFIER_TAKEN = 4_000_007 Error "An account with the same sign-in name or address already exists." [];
    TOTP_WRONG = 4_000_008 Error "The code from the authenticator app is wrong. Please try the next one." [];
    NO_IDENTIFIER = 4_000_009 Error "Nothing in this form can serve as a sign-in name. Please fill in at least one such field." [];
    ADDRESS_NOT_VERIFIED = 4_000_010 Error "Please verify your address first." [];
    NO_TOTP = 4_000_011 Error "No authenticator app is set up for this account." [];
    LOOKUP_USED = 4_000_012 Error "This backup code was already used. Please take another." [];
    NO_WEBAUTHN = 4_000_013 Error "No security key is set up for this account." [];
    NO_LOOKUP = 4_000_014 Error "No backup codes are set up for this account." [];
    NO_ACCOUNT_OR_WEBAUTHN = 4_000_015 Error "There is no such account, or it has no security key." [];
    LOOKUP_WRONG = 4_000_016 Error "This backup code is wrong." [];
    TOO_LONG = 4_000_017 Error "Please use at most {max_length} characters; there are {actual_length}." [max_length, actual_length];
    BELOW_MINIMUM = 4_000_018 Error "Please enter at least {minimum}; this is {actual}." [minimum, actual];
    NOT_ABOVE_MINIMUM = 4_000_019 Error "Please enter more than {minimum}; this is {actual}." [minimum, actual];
    ABOVE_MAXIMUM = 4_000_020 Error "Please enter at most {maximum}; this is {actual}." [maximum, actual];
    NOT_BELOW_MAXIMUM = 4_000_021 Error "Please enter less than {maximum}; this is {actual}." [maximum, actual];
    NOT_A_MULTIPLE = 4_000_022 Error "Please enter a multiple of {base}; {actual} is not." [base, actual];
    TOO_MANY_ITEMS = 4_000_023 Error "At most {max_items} entries are allowed; there are {actual_items}." [max_items, actual_items];
    TOO_FEW_ITEMS = 4_000_024 Error "At least {min_items} entries are needed; there are {actual_items}." [min_items, actual_items];
    DUPLICATE_ITEMS = 4_000_025 Error "The entries at {index_a} and {index_b} are the same." [index_a, index_b];
    WRONG_TYPE = 4_000_026 Error "This should be {allowed_types}, but it is {actual_type}." [allowed_types, actual_type];
    IDENTIFIER_TAKEN_LINKING = 4_000_027 Error "An account with the same sign-in name already exists. Sign in to it to link this one." [];
    IDENTIFIER_TAKEN_HINTS = 4_000_028 Error "An account for {credential_identifier_hint} already exists. Please sign in instead." [
        available_credential_types, available_oidc_providers, credential_identifier_hint
    ];
    NOT_THE_CONSTANT = 4_000_029 Error "This must be {expected}." [expected];
    NOT_THE_HIDDEN_CONSTANT = 4_000_030 Error "This is not the expected value." [];
    PASSWORD_SIMILAR = 4_000_031 Error "Please choose a password that resembles your sign-in name less." [];
    PASSWORD_TOO_SHORT = 4_000_032 Error "Please use at least {min_length} characters; there are only {actual_length}." [min_length, actual_length];
    PASSWORD_TOO_LONG = 4_000_033 Error "Please use at most {max_length} characters; there are {actual_length}." [max_length, actual_length];
    PASSWORD_BREACHED = 4_000_034 Error "This password is known from data breaches. Please never use it again, here or elsewhere." [breaches];
    NO_ACCOUNT_OR_CODE = 4_000_035 Error "There is no such account, or it does not sign in by code." [];
    TRAITS_CHANGED = 4_000_036 Error "Your details differ from those that the code was sent for. Please start again." [];
    NO_ACCOUNT = 4_000_037 Error "There is no such account, or it has no way to sign in." [];
    PASSWORD_UNCHANGED = 4_000_039 Error "The new password must differ from the old one." [];
    INVALID_EMAIL = 4_000_040 Error "\"{value}\" is not an email address." [value];
    INVALID_PHONE = 4_000_041 Error "\"{value}\" is not a phone number." [value];
    WEBAUTHN_REJECTED = 4_000_043 Error "The answer of the security key was rejected. Please try again." [];

    // Flows
    LOGIN_EXPIRED = 4_010_001 Error "This sign-in page has expired. Please sign in again." [expired_at, expired_at_unix];
    LOGIN_NO_METHOD = 4_010_002 Error "Please choose one of the ways to sign in." [];
    REGISTRATION_NO_METHOD = 4_010_003 Error "Please choose one of the ways to sign up." [];
    SETTINGS_NO_METHOD = 4_010_004 Error "Please choose what to change." [];
    RECOVERY_NO_METHOD = 4_010_005 Error "Please choose one of the ways to recover your account." [];
    VERIFICATION_NO_METHOD = 4_010_006 Error "Please choose one of the ways to verify your address." [];
    LOGIN_COMPLETED = 4_010_007 Error "This sign-in was already completed." [];
    LOGIN_CODE_INVALID = 4_010_008 Error "The code is wrong or was already used. Please try again." [];
    LINKED_CREDENTIALS_DIFFER = 4_010_009 Error "These are not the credentials of the account to be linked." [];
    ADDRESS_UNKNOWN = 4_010_010 Error "This address does not belong to your account." [];
    IDENTITY_DISABLED = 4_010_011 Error "This account is disabled. Please ask the operator of this service." [];
    REGISTRATION_EXPIRED = 4_040_001 Error "This sign-up page has expired. Please try again." [expired_at, expired_at_unix];
    REGISTRATION_COMPLETED = 4_040_002 Error "This registration was already completed." [];
    REGISTRATION_CODE_INVALID = 4_040_003 Error "The code is wrong or was already used. Please try again." [];
    SETTINGS_EXPIRED = 4_050_001 Error "This page has expired. Please try again." [expired_at, expired_at_unix];
    SETTINGS_SEVERAL_ADDRESSES = 4_050_002 Error "Please change one address at a time." [];
    RECOVERY_COMPLETED = 4_060_001 Error "This recovery was already completed. Please start again." [];
    RECOVERY_FAILED = 4_060_002 Error "The recovery did not succeed. Please start again." [];
    RECOVERY_TOKEN_MISSING = 4_060_003 Error "The recovery token is missing. Please use the whole link." [];
    RECOVERY_TOKEN_INVALID = 4_060_004 Error "The recovery link is wrong or was already used. Please start again." [];
    RECOVERY_EXPIRED = 4_060_005 Error "This recovery has expired. Please start again." [expired_at, expired_at_unix];
    RECOVERY_CODE_INVALID = 4_060_006 Error "The code is wrong or was already used. Please try again." [];
    VERIFICATION_TOKEN_INVALID = 4_070_001 Error "The verification link is wrong or was already used. Please start again." [];
    VERIFICATION_COMPLETED = 4_070_002 Error "This verification was already completed. Please start again." [];
    VERIFICATION_FAILED = 4_070_003 Error "The verification did not succeed. Please start again." [];
    VERIFICATION_TOKEN_MISSING = 4_070_004 Error "The verification token is missing. Please use the whole link." [];
    VERIFICATION_EXPIRED = 4_070_005 Error "This verification has expired. Please start again." [expired_at, expired_at_unix];
    VERIFICATION_CODE_INVALID = 4_070_006 Error "The code is wrong or was already used. Please try again." [];

    // System
    SYSTEM_ERROR = 5_000_001 Error "Something went wrong: {reason}" [reason];
    NO_METHODS = 5_000_002 Error "No way to continue is available. Please ask the operator of this service." [];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Changing an id, a kind or a context key breaks front ends: this list may only grow.
    #[test]
    fn ids_kinds_and_context_keys_are_pinned() {
        let lines: Vec<_> = ALL
            .iter()
            .map(|template| format!("{} {:?} {}", template.id, template.kind, template.keys.join(",")))
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn no_number_is_used_twice_or_reserved() {
        let ids: BTreeSet<_> = ALL.iter().map(|template| template.id).collect();
        assert_eq!(ids.len(), ALL.len());
        assert!(RESERVED.iter().all(|id| !ids.contains(id)));
    }

    #[test]
    fn the_leading_digits_tell_the_kind() {
        for template in ALL {
            let error = template.kind == MessageType::Error;
            assert_eq!(error, template.id >= 4_000_000, "{}", template.id);
        }
    }

    #[test]
    fn texts_mention_only_values_that_exist() {
        for template in ALL {
            for piece in template.text.split('{').skip(1) {
                let key = piece.split('}').next().unwrap_or_default();
                assert!(template.keys.contains(&key), "{}: {key}", template.id);
            }
        }
    }
}
