//! English.

use super::{Phrases, Texts};
use crate::message::TemplateType;

pub(super) const PHRASES: Phrases = Phrases {
    validity: "{% if days %}{{ days }} days{% elif hours %}{{ hours }} {{ 'hour' if hours == 1 else 'hours' }}\
               {% else %}{{ minutes }} {{ 'minute' if minutes == 1 else 'minutes' }}{% endif %}",
    link: "If the button does not work, copy this address into your browser:",
    when: "When:",
    footer: "Sent automatically by {{ site }}. Please do not reply.",
};

pub(super) const fn texts(kind: TemplateType) -> Texts {
    match kind {
        TemplateType::RecoveryValid => Texts {
            subject: "Get back into your account at {{ site }}",
            lead: "Somebody, hopefully you, asked to get back into your account at {{ site }}. Open the link to \
                   continue. It works once and for {{ validity }}.",
            button: "Recover my account",
            closing: "If you did not ask for this, you need not do anything. Never forward this message: whoever has \
                      the link can enter your account.",
            sms: None,
        },
        TemplateType::RecoveryInvalid => Texts {
            subject: "No account with this address at {{ site }}",
            lead: "Somebody, hopefully you, asked to get back into an account at {{ site }} with this address. There \
                   is no account that can be recovered with it. If you have one, try the address that you gave \
                   when you signed up.",
            button: "",
            closing: "If you did not ask for this, you need not do anything.",
            sms: None,
        },
        TemplateType::RecoveryCodeValid => Texts {
            subject: "Your recovery code for {{ site }}",
            lead: "Somebody, hopefully you, asked to get back into your account at {{ site }}. Enter this code on the \
                   page where you asked for it. It works once and for {{ validity }}.",
            button: "",
            closing: "If you did not ask for this, you need not do anything. Never tell anybody the code: whoever has \
                      it can enter your account.",
            sms: Some(
                "{{ code }} is your recovery code for {{ site }}, valid for {{ validity }}. Do not share it with \
                 anybody.",
            ),
        },
        TemplateType::RecoveryCodeInvalid => Texts {
            subject: "No account with this address at {{ site }}",
            lead: "Somebody, hopefully you, asked for a code to get back into an account at {{ site }} with this \
                   address. There is no account that can be recovered with it. If you have one, try the address that \
                   you gave when you signed up.",
            button: "",
            closing: "If you did not ask for this, you need not do anything.",
            sms: None,
        },
        TemplateType::VerificationValid => Texts {
            subject: "Confirm your address for {{ site }}",
            lead: "Please confirm that this address belongs to you. Open the link to do so. It works once and for \
                   {{ validity }}.",
            button: "Confirm my address",
            closing: "If you have no account at {{ site }}, somebody may have mistyped their address. You need not do \
                      anything.",
            sms: None,
        },
        TemplateType::VerificationInvalid => Texts {
            subject: "Address not known at {{ site }}",
            lead: "Somebody, hopefully you, asked to confirm this address at {{ site }}. No account there uses it. If \
                   you have an account, check which address you gave.",
            button: "",
            closing: "If you did not ask for this, you need not do anything.",
            sms: None,
        },
        TemplateType::VerificationCodeValid => Texts {
            subject: "Confirm your address for {{ site }}",
            lead: "Welcome! Please confirm that this address belongs to you by entering this code. It works once and \
                   for {{ validity }}.",
            button: "Confirm my address",
            closing: "If you have no account at {{ site }}, somebody may have mistyped their address. You need not do \
                      anything.",
            sms: Some(
                "{{ code }} confirms your number at {{ site }}, valid for {{ validity }}. Do not share it with anybody.",
            ),
        },
        TemplateType::VerificationCodeInvalid => Texts {
            subject: "Address not known at {{ site }}",
            lead: "Somebody, hopefully you, asked for a code to confirm this address at {{ site }}. No account there \
                   uses it. If you have an account, check which address you gave.",
            button: "",
            closing: "If you did not ask for this, you need not do anything.",
            sms: None,
        },
        TemplateType::LoginCodeValid => Texts {
            subject: "Your sign-in code for {{ site }}",
            lead: "Enter this code to sign in to {{ site }}. It works once and for {{ validity }}.",
            button: "",
            closing: "If you are not signing in just now, somebody else knows your address and tried. Without the code \
                      they cannot get in. Never tell anybody the code.",
            sms: Some(
                "{{ code }} is your sign-in code for {{ site }}, valid for {{ validity }}. Do not share it with \
                 anybody.",
            ),
        },
        TemplateType::RegistrationCodeValid => Texts {
            subject: "Finish signing up at {{ site }}",
            lead: "Enter this code to finish creating your account at {{ site }}. It works once and for {{ validity }}.",
            button: "",
            closing: "If you are not signing up, somebody may have mistyped their address. Without the code no account \
                      is created.",
            sms: Some(
                "{{ code }} finishes your registration at {{ site }}, valid for {{ validity }}. Do not share it with \
                 anybody.",
            ),
        },
        TemplateType::VerifiableAddressChanged => Texts {
            subject: "Your address at {{ site }} was changed",
            lead: "This address was replaced by another one in your account at {{ site }}. Messages about your account \
                   will no longer reach you here.",
            button: "",
            closing: "If this was not you, recover your account and change your password at once, or ask the operators \
                      of {{ site }} for help.",
            sms: Some(
                "This number was replaced by another address in your account at {{ site }}. If this was not you, \
                 recover your account at once.",
            ),
        },
        TemplateType::AuthenticatorKeyAdded => Texts {
            subject: "A new way to sign in was added at {{ site }}",
            lead: "An authenticator was added to your account at {{ site }}. It can now be used to sign in.",
            button: "",
            closing: "If this was not you, remove it in your account settings and change your password at once.",
            sms: None,
        },
    }
}
