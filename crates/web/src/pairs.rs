//! Names and values in the order they were sent: query strings and form bodies.

use percent_encoding::percent_decode;

use crate::ApiError;

/// More pairs than any form of ours has.
const MAX_PAIRS: usize = 1_000;
/// Longest name.
const MAX_NAME: usize = 512;

/// Ordered names and values. A name may occur more than once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, String)>);

// Values may be passwords.
impl std::fmt::Debug for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Pairs {
    /// Parses `application/x-www-form-urlencoded` text.
    ///
    /// # Errors
    /// 400 when the text is not UTF-8 after decoding, or has too many pairs or too long a name.
    pub fn parse(encoded: &[u8]) -> Result<Self, ApiError> {
        let mut pairs = Self::default();
        for pair in encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => (&pair[..at], &pair[at + 1..]),
                None => (pair, &b""[..]),
            };
            pairs.push(decode(name)?, decode(value)?)?;
        }
        Ok(pairs)
    }

    /// The query string of a request.
    ///
    /// # Errors
    /// As [`Pairs::parse`].
    pub fn of_query(request: &actix_web::HttpRequest) -> Result<Self, ApiError> {
        Self::parse(request.query_string().as_bytes())
    }

    /// Appends a pair.
    ///
    /// # Errors
    /// 400 when there are too many pairs, the name is too long or U+0000 occurs, which PostgreSQL cannot store.
    pub fn push(&mut self, name: String, value: String) -> Result<(), ApiError> {
        if self.0.len() >= MAX_PAIRS {
            return Err(ApiError::bad_request(format!("Send at most {MAX_PAIRS} fields.")));
        }
        if name.len() > MAX_NAME {
            return Err(ApiError::bad_request(format!("A field name may have at most {MAX_NAME} bytes.")));
        }
        if name.contains('\0') || value.contains('\0') {
            return Err(ApiError::bad_request("A field contains the character U+0000."));
        }
        self.0.push((name, value));
        Ok(())
    }

    /// The last value of a name: in a form, a ticked box follows the hidden field of the same name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every pair, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether nothing was sent.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn decode(bytes: &[u8]) -> Result<String, ApiError> {
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded: Vec<u8> = percent_decode(&spaced).collect();
    String::from_utf8(decoded).map_err(|_| ApiError::bad_request("The fields must be encoded in UTF-8."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_last_value_wins_and_all_are_kept() {
        let pairs = Pairs::parse(b"a=1&tick=false&tick=true&b=x+y%26z&flag&&=").expect("valid");
        assert_eq!(pairs.get("tick"), Some("true"));
        assert_eq!(pairs.all("tick").collect::<Vec<_>>(), ["false", "true"]);
        assert_eq!(pairs.get("b"), Some("x y&z"));
        assert_eq!(pairs.get("flag"), Some(""));
        assert_eq!(pairs.get("absent"), None);
    }

    #[test]
    fn hostile_forms_are_refused() {
        assert!(Pairs::parse(b"a=%ff").is_err());
        assert!(Pairs::parse(b"a=\xff").is_err());
        assert!(Pairs::parse("a=1&".repeat(MAX_PAIRS + 1).as_bytes()).is_err());
        assert!(Pairs::parse("a".repeat(MAX_NAME + 1).as_bytes()).is_err());
    }

    #[test]
    fn values_do_not_print() {
        assert_eq!(format!("{:?}", Pairs::parse(b"password=hunter2").expect("valid")), r#"["password"]"#);
    }

    proptest! {
        #[test]
        fn whatever_a_browser_encodes_comes_back(sent in proptest::collection::vec((".{1,20}", ".{0,40}"), 0..20)) {
            let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&sent).finish();
            let parsed = Pairs::parse(encoded.as_bytes());
            if sent.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
                prop_assert!(parsed.is_err());
                return Ok(());
            }
            let pairs = parsed.expect("encoded by the book");
            let received: Vec<_> = pairs.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
            prop_assert_eq!(received, sent);
        }
    }
}
