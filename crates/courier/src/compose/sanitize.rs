//! What untrusted words may do in a message: be read, nothing else.

use minijinja::Value;
use serde_json::Value as Json;

/// Longest subject, in characters; a header line has at most 998 octets (RFC 5322, 2.1.1).
const MAX_SUBJECT: usize = 200;

/// Longest untrusted string that a template sees, in characters.
const MAX_VALUE: usize = 2_000;

/// One line that is safe as a header: control characters and line separators become spaces, runs of white space
/// one space.
pub(super) fn header_line(text: &str) -> String {
    let readable: String = text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect();
    readable.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MAX_SUBJECT).collect()
}

/// JSON as a template sees it, word for word: values that this server made.
pub(super) fn trusted(json: &Json) -> Value {
    convert(json, &|text| text.to_owned())
}

/// JSON as a template sees it when somebody else chose the words (traits, transient payload, names of clients).
///
/// Mail programs turn anything that looks like an address into a link, even in plain text: a name such as
/// `visit evil.example` would become an advertisement or a trap in a mail that this server vouches for. So the
/// letters stay as they are, but an invisible word joiner breaks what a mail program would recognise. The value
/// `own` (the recipient's own address) is left alone.
pub(super) fn untrusted(json: &Json, own: &str) -> Value {
    convert(json, &|text| if text == own { text.to_owned() } else { defuse(text) })
}

fn convert(json: &Json, change: &dyn Fn(&str) -> String) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => Value::from(value),
            (None, Some(value), _) => Value::from(value),
            (None, None, value) => Value::from(value.unwrap_or_default()),
        },
        Json::String(text) => Value::from(change(text)),
        Json::Array(items) => Value::from(items.iter().map(|item| convert(item, change)).collect::<Vec<_>>()),
        Json::Object(members) => {
            Value::from_pairs(members.iter().map(|(name, value)| (change(name), convert(value, change))))
        }
    }
}

const WORD_JOINER: char = '\u{2060}';

fn defuse(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).take(MAX_VALUE).peekable();
    while let Some(character) = chars.next() {
        out.push(character);
        let continues = chars.peek().is_some_and(|next| !next.is_whitespace());
        // Ideographic and full-width dots separate labels of a host name too (UTS 46).
        if continues && matches!(character, '.' | ':' | '@' | '\u{3002}' | '\u{FF0E}' | '\u{FF61}') {
            out.push(WORD_JOINER);
        }
    }
    out
}

/// Control characters, and the format characters that reorder or break lines.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_stay_and_links_go() {
        assert_eq!(defuse("J. R. Tolkien"), "J. R. Tolkien");
        assert_eq!(defuse("https://evil.example"), "https:\u{2060}//evil.\u{2060}example");
        assert_eq!(defuse("a@b.c\r\nx"), "a@\u{2060}b.\u{2060}c  x");
        let own = untrusted(&serde_json::json!("a@b.c"), "a@b.c");
        assert_eq!(own.as_str(), Some("a@b.c"));
    }

    #[test]
    fn text_direction_cannot_be_turned_around() {
        assert_eq!(header_line("safe\u{202E}exe.\u{2066}x"), "safe exe. x");
    }

    proptest! {
        #[test]
        fn a_header_line_is_one_short_line(text in any::<String>()) {
            let line = header_line(&text);
            prop_assert!(!line.contains(is_unsafe));
            prop_assert!(line.chars().count() <= MAX_SUBJECT);
        }

        #[test]
        fn no_untrusted_value_looks_like_an_address(name in "[a-z]{1,8}", host in "[a-z]{1,8}", end in "[a-z]{2,6}") {
            for text in [format!("http://{host}.{end}/{name}"), format!("www.{host}.{end}"), format!("{name}@{host}.{end}"), format!("{host}.{end}")] {
                let shown = defuse(&text);
                let link = format!("{host}.{end}");
                prop_assert!(!shown.contains("://") && !shown.contains(&link));
                prop_assert_eq!(shown.replace(WORD_JOINER, ""), text);
            }
        }
    }
}
