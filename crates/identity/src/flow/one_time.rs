//! One-time secrets that go to an address: codes to type and tokens of links to open.

use orrery_core::{Entropy, EntropyExt};

use super::Flow;
use crate::identity::Via;
use crate::schema::normalize::{is_email, normalize, phone};

/// Digits of a code.
pub const DIGITS: usize = 6;
/// Letters and digits of a token: over 190 bits.
const TOKEN: usize = 32;
/// Longest text that is looked at as an address, in bytes.
const MAX_BYTES: usize = 320;

/// A fresh code.
#[must_use]
pub fn digits(entropy: &dyn Entropy) -> String {
    entropy.digits(DIGITS)
}

/// A fresh token for a link.
#[must_use]
pub fn token(entropy: &dyn Entropy) -> String {
    entropy.alphanumeric(TOKEN)
}

/// What a code or token is stored as, hashed: good in its own flow only.
#[must_use]
pub fn name(flow: &Flow, secret: &str) -> String {
    format!("{}:{}:{secret}", flow.kind.as_str(), flow.id)
}

/// A code as people copy it, without the spaces.
#[must_use]
pub fn compact(code: &str) -> String {
    code.chars().filter(|c| !c.is_whitespace() && *c != '-').collect()
}

/// Whether a text can be a code.
#[must_use]
pub fn is_plausible(code: &str) -> bool {
    (1..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit())
}

/// An email address or a phone number, in the spelling that it is stored under.
#[must_use]
pub fn recognise(typed: &str) -> Option<(Via, String)> {
    if typed.len() > MAX_BYTES {
        return None;
    }
    if let Some(number) = phone(typed) {
        return Some((Via::Sms, number));
    }
    let address = normalize(typed);
    is_email(&address).then_some((Via::Email, address))
}

/// An address as its owner recognises it and nobody else learns it: two characters and the domain of a mail address,
/// the first three and last two of a phone number.
#[must_use]
pub fn mask(via: Via, address: &str) -> String {
    let first = |count: usize| address.chars().take(count).collect::<String>();
    match (via, address.rsplit_once('@')) {
        (Via::Email, Some((local, domain))) => {
            format!("{}****@{domain}", local.chars().take(2).collect::<String>())
        }
        (Via::Email, None) => format!("{}****", first(2)),
        (Via::Sms, _) => {
            let length = address.chars().count();
            let last: String = address.chars().skip(length.saturating_sub(2)).collect();
            format!("{}****{last}", first(3))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart_by_their_form() {
        assert_eq!(recognise(" Ada@Example.ORG "), Some((Via::Email, "ada@example.org".to_owned())));
        assert_eq!(recognise("+49 30 123456"), Some((Via::Sms, "+4930123456".to_owned())));
        for nobody in ["", "ada", "030 123456", "@", "ada@", "ada@example.org\r\nBcc: eve@example.org"] {
            assert_eq!(recognise(nobody), None, "{nobody:?}");
        }
        assert_eq!(recognise(&format!("{}@example.org", "a".repeat(400))), None);
    }

    #[test]
    fn codes_may_be_copied_with_spaces() {
        assert_eq!(compact(" 123 456\n"), "123456");
        assert_eq!(compact("123-456"), "123456");
        assert!(is_plausible("123456"));
        for rubbish in ["", "12345x", "１２３４５６", "12345678901234567"] {
            assert!(!is_plausible(rubbish), "{rubbish}");
        }
    }

    #[test]
    fn a_masked_address_is_recognised_by_its_owner_only() {
        assert_eq!(mask(Via::Email, "ada@example.org"), "ad****@example.org");
        assert_eq!(mask(Via::Email, "a@example.org"), "a****@example.org");
        assert_eq!(mask(Via::Sms, "+4930123456"), "+49****56");
    }
}
