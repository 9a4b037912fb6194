//! Who a message may be sent to.

use std::str::FromStr;

use lettre::Address;

use crate::message::Channel;

/// RFC 5321, 4.5.3.1.3: a path has at most 256 octets with its angle brackets.
const MAX_ADDRESS: usize = 254;

/// Whether the recipient can be addressed, and can be nothing but one address: no second recipient, no header, no
/// SMTP command hides in it.
pub(super) fn is_valid(channel: Channel, recipient: &str) -> bool {
    match channel {
        Channel::Email => is_mail_address(recipient),
        Channel::Sms => is_phone_number(recipient),
    }
}

fn is_mail_address(recipient: &str) -> bool {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || "<>,;:\"\\()[]".contains(c);
    recipient.len() <= MAX_ADDRESS && !recipient.contains(forbidden) && Address::from_str(recipient).is_ok()
}

/// E.164: a plus sign and seven to fifteen digits, the first not zero.
fn is_phone_number(recipient: &str) -> bool {
    recipient.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_addresses_pass() {
        for good in ["a@example.com", "first.last+tag@sub.example.co.uk", "jürgen@example.de", "a@localhost"] {
            assert!(is_valid(Channel::Email, good), "{good}");
        }
        assert!(is_valid(Channel::Sms, "+4915112345678"));
    }

    #[test]
    fn nothing_but_one_address_can_be_smuggled_in() {
        for bad in [
            "",
            "a",
            "@example.com",
            "a@b@c.example",
            "a@example.com, b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "a@example.com>\r\nRCPT TO:<b@example.com",
            "Name <a@example.com>",
            "\"a b\"@example.com",
            "a\0@example.com",
            "a\u{85}@example.com",
        ] {
            assert!(!is_valid(Channel::Email, bad), "{bad:?}");
        }
        assert!(!is_valid(Channel::Email, &format!("{}@example.com", "a".repeat(250))));
        for bad in ["", "+", "4915112345678", "+0915112345678", "+49 151 12345678", "+49151123456789012", "+4915a1234"]
        {
            assert!(!is_valid(Channel::Sms, bad), "{bad:?}");
        }
    }
}
