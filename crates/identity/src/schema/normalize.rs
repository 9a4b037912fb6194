//! One spelling for what means the same: sign-in names, email addresses, phone numbers.

use unicode_normalization::UnicodeNormalization;

/// Longest text that is looked at as a phone number, in bytes.
const MAX_PHONE: usize = 64;

/// The spelling under which an identifier or address is stored and looked up.
///
/// A phone number in international notation becomes E.164. Anything else is folded: compatible characters become one
/// (full-width letters, ligatures), invisible and control characters go, case goes, white space around it goes.
/// Normalising twice changes nothing.
#[must_use]
pub fn normalize(identifier: &str) -> String {
    phone(identifier).unwrap_or_else(|| fold(identifier))
}

/// A phone number as E.164 (`+49301234567`), when the text is a possible one in international notation.
#[must_use]
pub fn phone(text: &str) -> Option<String> {
    let text = text.trim();
    let written = |c: char| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')' | '.' | '/');
    if text.len() > MAX_PHONE || !text.starts_with('+') || !text.chars().all(written) {
        return None;
    }
    let number = phonenumber::parse(None, text).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// Whether a text can be mailed to: one `@` with something on both sides, no white space, at most 254 bytes.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let visible = text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    let parts = text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.is_empty() && !local.contains('@') && !domain.starts_with('.')
    });
    // What would change an address list or a header is never part of an address that we mail to.
    visible && parts && text.len() <= 254 && !text.contains([',', ';', '<', '>', '"', '\\'])
}

fn fold(text: &str) -> String {
    let once = |text: &str| -> String {
        let visible = text.nfkc().filter(|c| !c.is_control() && !is_invisible(*c));
        let lower: String = visible.flat_map(char::to_lowercase).collect();
        lower.trim().to_owned()
    };
    // Lower case can open a further composition; the spelling is stable after a few rounds.
    let mut folded = once(text);
    for _ in 0..4 {
        let again = once(&folded);
        if again == folded {
            break;
        }
        folded = again;
    }
    folded
}

/// Characters that change nothing a reader can see: soft hyphen, joiners, direction marks, variation selectors, tags.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (written, stored) in [
            ("  Foo@Example.ORG ", "foo@example.org"),
            ("ｆｏｏ@example.org", "foo@example.org"),
            ("fo\u{200b}o@exam\u{ad}ple.org", "foo@example.org"),
            ("foo\u{0}@example.org", "foo@example.org"),
            ("ﬁnn", "finn"),
            ("\u{202e}admin", "admin"),
            ("E\u{301}mile", "\u{e9}mile"),
            ("+49 (30) 901820", "+4930901820"),
            ("+1-202-456-1111", "+12024561111"),
            ("+abc", "+abc"),
            ("+", "+"),
        ] {
            assert_eq!(normalize(written), stored, "{written:?}");
        }
    }

    #[test]
    fn only_international_numbers_are_phone_numbers() {
        for bad in
            ["030 901820", "0049 30 901820", "+49", "+49 30 901820;ext=1", "+999999999999999999999", "", "+1 555"]
        {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }

    #[test]
    fn header_and_list_injection_is_no_email_address() {
        assert!(is_email("a@b") && is_email("o'neill+tag@example.org"));
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b\nBcc: x@y", "a@b,c@d", "<a@b>", "a@b@c", "\"x\"@b", "a@.b"] {
            assert!(!is_email(bad), "{bad:?}");
        }
        assert!(!is_email(&format!("{}@example.org", "a".repeat(300))));
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in r"\PC{0,40}|[+0-9 ()-]{0,20}") {
            let once = normalize(&text);
            prop_assert_eq!(normalize(&once), once);
        }
    }
}
