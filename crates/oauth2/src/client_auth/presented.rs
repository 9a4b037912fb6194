//! What a request says about its client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use secrecy::SecretString;

use super::ASSERTION_TYPE;
use crate::error::{ErrorCode, OAuth2Error};
use crate::parameters::Parameters;

/// How a client presents itself: one way at a time (RFC 6749 section 2.3).
#[derive(Debug)]
pub enum Presented {
    /// `client_secret_basic`.
    Basic {
        /// `client_id`.
        client_id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// `client_secret_post`.
    Post {
        /// `client_id`.
        client_id: String,
        /// Its secret.
        secret: SecretString,
    },
    /// `client_secret_jwt` or `private_key_jwt`.
    Assertion {
        /// The subject of the assertion, as it says itself.
        client_id: Option<String>,
        /// The assertion.
        token: SecretString,
    },
    /// A public client, or nobody.
    Nothing {
        /// `client_id`.
        client_id: Option<String>,
    },
}

impl Presented {
    /// Reads the `Authorization` header and the body.
    ///
    /// # Errors
    /// `invalid_request` when they name more than one client or prove more than once, and when a part is malformed.
    pub fn read(authorization: Option<&str>, parameters: &Parameters) -> Result<Self, OAuth2Error> {
        let named = parameters.get("client_id");
        let secret = parameters.get("client_secret");
        let assertion = parameters.get("client_assertion");
        let basic = authorization.map(basic).transpose()?.flatten();
        let ways =
            [basic.as_ref().is_some_and(|(_, secret)| !secret.is_empty()), secret.is_some(), assertion.is_some()];
        if ways.iter().filter(|used| **used).count() > 1 {
            return Err(bad("The client authenticates in more than one way. Use the one that it is registered with."));
        }
        if let Some((client_id, basic_secret)) = basic {
            if named.is_some_and(|named| named != client_id) {
                return Err(bad("The Authorization header and the parameter 'client_id' name different clients."));
            }
            return Ok(if basic_secret.is_empty() {
                Self::Nothing { client_id: Some(client_id) }
            } else {
                Self::Basic { client_id, secret: basic_secret.into() }
            });
        }
        let kind = parameters.get("client_assertion_type");
        match (named, secret, assertion) {
            (_, _, Some(_)) if kind != Some(ASSERTION_TYPE) => Err(bad(
                "The parameter 'client_assertion_type' must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
            )),
            (named, _, Some(assertion)) => {
                let subject = orrery_keys::foreign::peek(assertion)
                    .and_then(|peeked| peeked.claims.get("sub")?.as_str().map(str::to_owned));
                if named.is_some() && named != subject.as_deref() {
                    return Err(bad("The parameter 'client_id' is not the subject of 'client_assertion'."));
                }
                Ok(Self::Assertion { client_id: subject, token: assertion.into() })
            }
            (_, _, None) if kind.is_some() => Err(bad("The parameter 'client_assertion' is missing.")),
            (Some(client_id), Some(secret), None) => {
                Ok(Self::Post { client_id: client_id.to_owned(), secret: secret.into() })
            }
            (None, Some(_), None) => Err(bad("The parameter 'client_id' is missing.")),
            (named, None, None) => Ok(Self::Nothing { client_id: named.map(str::to_owned) }),
        }
    }

    /// The client that the request claims to come from.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Basic { client_id, .. } | Self::Post { client_id, .. } => Some(client_id),
            Self::Assertion { client_id, .. } | Self::Nothing { client_id } => client_id.as_deref(),
        }
    }
}

/// Id and secret of a Basic header, both form-encoded (RFC 6749 section 2.3.1). None for other schemes.
fn basic(header: &str) -> Result<Option<(String, String)>, OAuth2Error> {
    let Some((scheme, encoded)) = header.split_once(' ') else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Ok(None);
    }
    let malformed = || bad("The Authorization header is not well-formed Basic authentication.");
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| malformed())?;
    let decoded = String::from_utf8(decoded).map_err(|_| malformed())?;
    let (id, secret) = decoded.split_once(':').ok_or_else(malformed)?;
    let part = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| malformed())
    };
    Ok(Some((part(id)?, part(secret)?)))
}

fn bad(description: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(authorization: Option<&str>, sent: &[(&str, &str)]) -> Result<Presented, OAuth2Error> {
        Presented::read(authorization, &Parameters::new(sent.iter().copied()).expect("well formed"))
    }

    fn header(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn both_halves_of_basic_are_form_encoded() {
        let presented = read(Some(&header("my%20app:a%2Bb+c%3A")), &[]).expect("well formed");
        let Presented::Basic { client_id, secret } = presented else { panic!("another way") };
        assert_eq!((client_id.as_str(), secret.expose_secret()), ("my app", "a+b c:"));
        for broken in ["Basic !!!", "Basic", &header("no colon"), &header("%ff:x")] {
            let outcome = read(Some(broken), &[("client_id", "x")]);
            let refused = outcome.is_err_and(|error| error.code == ErrorCode::InvalidRequest);
            assert!(refused || broken == "Basic", "{broken}");
        }
    }

    #[test]
    fn one_way_at_a_time() {
        let id = ("client_id", "app");
        assert!(matches!(read(None, &[id]), Ok(Presented::Nothing { client_id: Some(_) })));
        assert!(matches!(read(None, &[id, ("client_secret", "s")]), Ok(Presented::Post { .. })));
        assert!(matches!(read(Some(&header("app:")), &[]), Ok(Presented::Nothing { client_id: Some(_) })));
        assert!(matches!(read(Some("Bearer x"), &[]), Ok(Presented::Nothing { client_id: None })));
        for (authorization, sent) in [
            (Some(header("app:s")), vec![id, ("client_secret", "s")]),
            (Some(header("app:s")), vec![("client_id", "other")]),
            (None, vec![("client_secret", "s")]),
            (None, vec![id, ("client_assertion", "a.b.c")]),
            (None, vec![id, ("client_assertion_type", ASSERTION_TYPE)]),
            (None, vec![id, ("client_assertion_type", ASSERTION_TYPE), ("client_assertion", "a.b.c")]),
        ] {
            let outcome = read(authorization.as_deref(), &sent);
            assert!(outcome.is_err_and(|error| error.code == ErrorCode::InvalidRequest), "{sent:?}");
        }
    }
}
