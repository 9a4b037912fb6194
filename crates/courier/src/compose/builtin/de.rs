//! German.

use super::{Phrases, Texts};
use crate::message::TemplateType;

pub(super) const PHRASES: Phrases = Phrases {
    validity: "{% if days %}{{ days }} Tage{% elif hours %}{{ hours }} {{ 'Stunde' if hours == 1 else 'Stunden' }}\
               {% else %}{{ minutes }} {{ 'Minute' if minutes == 1 else 'Minuten' }}{% endif %}",
    link: "Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:",
    when: "Zeitpunkt:",
    footer: "Automatisch gesendet von {{ site }}. Bitte antworten Sie nicht.",
};

pub(super) const fn texts(kind: TemplateType) -> Texts {
    match kind {
        TemplateType::RecoveryValid => Texts {
            subject: "Zurück in Ihr Konto bei {{ site }}",
            lead: "Jemand, hoffentlich Sie, möchte wieder Zugang zu Ihrem Konto bei {{ site }}. Öffnen Sie den Link, \
                   um fortzufahren. Er gilt einmal und {{ validity }} lang.",
            button: "Konto wiederherstellen",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun. Leiten Sie diese Nachricht nie \
                      weiter: Wer den Link hat, kommt in Ihr Konto.",
            sms: None,
        },
        TemplateType::RecoveryInvalid => Texts {
            subject: "Kein Konto mit dieser Adresse bei {{ site }}",
            lead: "Jemand, hoffentlich Sie, möchte mit dieser Adresse wieder Zugang zu einem Konto bei {{ site }}. Es \
                   gibt kein Konto, das damit wiederhergestellt werden kann. Falls Sie eines haben, versuchen Sie es \
                   mit der Adresse, die Sie bei der Anmeldung angegeben haben.",
            button: "",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun.",
            sms: None,
        },
        TemplateType::RecoveryCodeValid => Texts {
            subject: "Ihr Wiederherstellungscode für {{ site }}",
            lead: "Jemand, hoffentlich Sie, möchte wieder Zugang zu Ihrem Konto bei {{ site }}. Geben Sie diesen Code \
                   auf der Seite ein, auf der Sie ihn angefordert haben. Er gilt einmal und {{ validity }} lang.",
            button: "",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun. Verraten Sie den Code niemandem: \
                      Wer ihn hat, kommt in Ihr Konto.",
            sms: Some(
                "{{ code }} ist Ihr Wiederherstellungscode für {{ site }}, gültig {{ validity }} lang. Geben Sie ihn \
                 niemandem weiter.",
            ),
        },
        TemplateType::RecoveryCodeInvalid => Texts {
            subject: "Kein Konto mit dieser Adresse bei {{ site }}",
            lead: "Jemand, hoffentlich Sie, hat mit dieser Adresse einen Code für den Zugang zu einem Konto bei \
                   {{ site }} angefordert. Es gibt kein Konto, das damit wiederhergestellt werden kann. Falls Sie \
                   eines haben, versuchen Sie es mit der Adresse, die Sie bei der Anmeldung angegeben haben.",
            button: "",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun.",
            sms: None,
        },
        TemplateType::VerificationValid => Texts {
            subject: "Bestätigen Sie Ihre Adresse für {{ site }}",
            lead: "Bitte bestätigen Sie, dass diese Adresse Ihnen gehört. Öffnen Sie dazu den Link. Er gilt einmal und \
                   {{ validity }} lang.",
            button: "Adresse bestätigen",
            closing: "Falls Sie kein Konto bei {{ site }} haben, hat sich vermutlich jemand vertippt. Sie müssen nichts \
                      tun.",
            sms: None,
        },
        TemplateType::VerificationInvalid => Texts {
            subject: "Adresse bei {{ site }} nicht bekannt",
            lead: "Jemand, hoffentlich Sie, wollte diese Adresse bei {{ site }} bestätigen. Kein Konto dort verwendet \
                   sie. Falls Sie ein Konto haben, prüfen Sie, welche Adresse Sie angegeben haben.",
            button: "",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun.",
            sms: None,
        },
        TemplateType::VerificationCodeValid => Texts {
            subject: "Bestätigen Sie Ihre Adresse für {{ site }}",
            lead: "Willkommen! Bitte bestätigen Sie mit diesem Code, dass diese Adresse Ihnen gehört. Er gilt einmal \
                   und {{ validity }} lang.",
            button: "Adresse bestätigen",
            closing: "Falls Sie kein Konto bei {{ site }} haben, hat sich vermutlich jemand vertippt. Sie müssen nichts \
                      tun.",
            sms: Some(
                "{{ code }} bestätigt Ihre Nummer bei {{ site }}, gültig {{ validity }} lang. Geben Sie ihn niemandem \
                 weiter.",
            ),
        },
        TemplateType::VerificationCodeInvalid => Texts {
            subject: "Adresse bei {{ site }} nicht bekannt",
            lead: "Jemand, hoffentlich Sie, hat einen Code angefordert, um diese Adresse bei {{ site }} zu bestätigen. \
                   Kein Konto dort verwendet sie. Falls Sie ein Konto haben, prüfen Sie, welche Adresse Sie angegeben \
                   haben.",
            button: "",
            closing: "Falls Sie das nicht angefordert haben, müssen Sie nichts tun.",
            sms: None,
        },
        TemplateType::LoginCodeValid => Texts {
            subject: "Ihr Anmeldecode für {{ site }}",
            lead: "Geben Sie diesen Code ein, um sich bei {{ site }} anzumelden. Er gilt einmal und {{ validity }} \
                   lang.",
            button: "",
            closing: "Falls Sie sich gerade nicht anmelden, kennt jemand anders Ihre Adresse und hat es versucht. Ohne \
                      den Code gelingt das nicht. Verraten Sie ihn niemandem.",
            sms: Some(
                "{{ code }} ist Ihr Anmeldecode für {{ site }}, gültig {{ validity }} lang. Geben Sie ihn niemandem \
                 weiter.",
            ),
        },
        TemplateType::RegistrationCodeValid => Texts {
            subject: "Schließen Sie Ihre Registrierung bei {{ site }} ab",
            lead: "Geben Sie diesen Code ein, um Ihr Konto bei {{ site }} anzulegen. Er gilt einmal und {{ validity }} \
                   lang.",
            button: "",
            closing: "Falls Sie sich nicht registrieren, hat sich vermutlich jemand vertippt. Ohne den Code wird kein \
                      Konto angelegt.",
            sms: Some(
                "{{ code }} schließt Ihre Registrierung bei {{ site }} ab, gültig {{ validity }} lang. Geben Sie ihn \
                 niemandem weiter.",
            ),
        },
        TemplateType::VerifiableAddressChanged => Texts {
            subject: "Ihre Adresse bei {{ site }} wurde geändert",
            lead: "Diese Adresse wurde in Ihrem Konto bei {{ site }} durch eine andere ersetzt. Nachrichten zu Ihrem \
                   Konto erreichen Sie hier nicht mehr.",
            button: "",
            closing: "Falls Sie das nicht waren, stellen Sie Ihr Konto sofort wieder her und ändern Sie Ihr Passwort, \
                      oder wenden Sie sich an die Betreiber von {{ site }}.",
            sms: Some(
                "Diese Nummer wurde in Ihrem Konto bei {{ site }} durch eine andere Adresse ersetzt. Falls Sie das \
                 nicht waren, stellen Sie Ihr Konto sofort wieder her.",
            ),
        },
        TemplateType::AuthenticatorKeyAdded => Texts {
            subject: "Neue Anmeldemöglichkeit bei {{ site }}",
            lead: "Ihrem Konto bei {{ site }} wurde ein Authentifikator hinzugefügt. Damit ist nun die Anmeldung \
                   möglich.",
            button: "",
            closing: "Falls Sie das nicht waren, entfernen Sie ihn in Ihren Kontoeinstellungen und ändern Sie sofort \
                      Ihr Passwort.",
            sms: None,
        },
    }
}
