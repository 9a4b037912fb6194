//! What a request presents as its session, and in which order the places are looked at.

use orrery_core::secret::Purpose;
use orrery_core::{Keyring, ProjectId, Timestamp, TokenHash};
use secrecy::{ExposeSecret, SecretString};

use super::cookie::CookieContent;

/// So many cookies of one name are tried; opening them costs time.
const MAX_COOKIES: usize = 8;
/// Nothing longer can be a session token, in bytes.
const MAX_LENGTH: usize = 256;

/// The session token of a request and where it stood.
#[derive(Debug, Clone)]
pub enum Presented {
    /// The request carries no token that could be read.
    Nothing,
    /// In a header.
    Header(SecretString),
    /// In the session cookie.
    Cookie(CookieContent),
}

/// The places where a request may carry a session token, as they came.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// `X-Session-Token`.
    pub session_token: Option<&'a str>,
    /// Every cookie of the session cookie's name: a neighbouring subdomain can add one.
    pub cookies: &'a [String],
    /// `Authorization`.
    pub authorization: Option<&'a str>,
}

impl Presented {
    /// Looks at `X-Session-Token`, then the cookie, then `Authorization: Bearer`. A header token is final even when
    /// it turns out to be invalid: a client that sends one means no other. A cookie that does not open is no token.
    #[must_use]
    pub fn find(places: Places<'_>, project: ProjectId, keyring: &Keyring) -> Self {
        if let Some(token) = places.session_token.filter(|token| !token.is_empty()) {
            return Self::Header(SecretString::from(token));
        }
        let mut cookies = places.cookies.iter().take(MAX_COOKIES);
        if let Some(content) = cookies.find_map(|value| CookieContent::open(value, project, keyring)) {
            return Self::Cookie(content);
        }
        places.authorization.and_then(bearer).map_or(Self::Nothing, |token| Self::Header(SecretString::from(token)))
    }

    /// The token.
    #[must_use]
    pub const fn token(&self) -> Option<&SecretString> {
        match self {
            Self::Nothing => None,
            Self::Header(token) | Self::Cookie(CookieContent { token, .. }) => Some(token),
        }
    }

    /// What a lookup compares with: one hash per secret, none when there is nothing to look up.
    #[must_use]
    pub fn hashes(&self, keyring: &Keyring) -> Vec<TokenHash> {
        let token = self.token().map(ExposeSecret::expose_secret).filter(|token| token.len() <= MAX_LENGTH);
        token.map_or_else(Vec::new, |token| keyring.candidates(Purpose::SessionToken, token).collect())
    }

    /// Whether it came in a cookie that says another end than `expires_at`, so that the browser needs a new one.
    #[must_use]
    pub fn is_outdated_cookie(&self, expires_at: Timestamp) -> bool {
        match self {
            Self::Cookie(content) => content.expires_at != expires_at,
            Self::Nothing | Self::Header(_) => false,
        }
    }
}

/// The token of a bearer authorization; the scheme's case does not matter (RFC 9110, 11.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    let token = token.trim_start_matches(' ');
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;
    use crate::test_values::keyring;

    fn cookie(token: &str) -> String {
        let content = CookieContent { token: SecretString::from(token), expires_at: Timestamp::EPOCH };
        content.seal(ProjectId::DEFAULT, &keyring(), &SystemEntropy::default())
    }

    fn found(session_token: Option<&str>, cookies: &[String], authorization: Option<&str>) -> Option<String> {
        let places = Places { session_token, cookies, authorization };
        let presented = Presented::find(places, ProjectId::DEFAULT, &keyring());
        presented.token().map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn the_header_comes_before_the_cookie_and_the_cookie_before_bearer() {
        let jar = [cookie("from-cookie")];
        assert_eq!(found(Some("from-header"), &jar, Some("Bearer b")).as_deref(), Some("from-header"));
        assert_eq!(found(None, &jar, Some("Bearer b")).as_deref(), Some("from-cookie"));
        assert_eq!(found(None, &[], Some("Bearer b")).as_deref(), Some("b"));
        assert_eq!(found(None, &[], None), None);
    }

    #[test]
    fn a_wrong_header_token_is_not_followed_by_the_cookie() {
        assert_eq!(found(Some("rubbish"), &[cookie("valid")], None).as_deref(), Some("rubbish"));
        assert_eq!(found(Some(""), &[cookie("valid")], None).as_deref(), Some("valid"), "an empty header is none");
    }

    #[test]
    fn a_forged_cookie_beside_the_real_one_does_not_sign_anybody_out() {
        let jar = ["forged".to_owned(), cookie("real")];
        assert_eq!(found(None, &jar, None).as_deref(), Some("real"));
        assert_eq!(found(None, &jar[..1], Some("bearer b")).as_deref(), Some("b"));
    }

    #[test]
    fn a_token_in_place_of_a_cookie_is_no_cookie() {
        let token = "ory_st_abcdefghijklmnopqrstuvwxyz012345".to_owned();
        assert_eq!(found(None, &[token], None), None);
    }

    #[test]
    fn only_the_bearer_scheme_counts() {
        for (header, token) in
            [("BEARER x", Some("x")), ("bearer  x", Some("x")), ("Basic x", None), ("Bearer", None), ("Bearer ", None)]
        {
            assert_eq!(found(None, &[], Some(header)).as_deref(), token, "{header}");
        }
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        let long = "x".repeat(MAX_LENGTH + 1);
        let places = Places { session_token: Some(&long), cookies: &[], authorization: None };
        assert!(Presented::find(places, ProjectId::DEFAULT, &keyring()).hashes(&keyring()).is_empty());
        assert!(Presented::Nothing.hashes(&keyring()).is_empty());
    }
}
