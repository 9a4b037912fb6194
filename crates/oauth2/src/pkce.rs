//! Proof Key for Code Exchange (RFC 7636). The method is S256: `plain` protects nobody who can read the request.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

use crate::error::{ErrorCode, OAuth2Error};

/// Whether a text can be a `code_challenge` of S256: a SHA-256 hash in base64url.
#[must_use]
pub fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|hash| hash.len() == 32)
}

/// Checks `code_verifier` against the `code_challenge` of the authorization request. A verifier without a challenge
/// is refused as well: somebody took the challenge out of the request (RFC 9700 section 2.1.1).
///
/// # Errors
/// `invalid_grant`.
pub fn check(challenge: Option<&str>, verifier: Option<&str>) -> Result<(), OAuth2Error> {
    let refused = |description| Err(OAuth2Error::new(ErrorCode::InvalidGrant, description));
    let (challenge, verifier) = match (challenge, verifier) {
        (None, None) => return Ok(()),
        (Some(_), None) => {
            return refused("The parameter 'code_verifier' is missing: the code was asked for with PKCE.");
        }
        (None, Some(_)) => return refused("The code was asked for without PKCE, so that no 'code_verifier' fits it."),
        (Some(challenge), Some(verifier)) => (challenge, verifier),
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
        return refused("The parameter 'code_verifier' must have 43 to 128 characters of A-Z a-z 0-9 - . _ ~.");
    }
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    if bool::from(hash.as_bytes().ct_eq(challenge.as_bytes())) {
        return Ok(());
    }
    refused("The parameter 'code_verifier' does not fit the code_challenge of the authorization request.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn the_verifier_has_to_fit() {
        assert!(check(Some(CHALLENGE), Some(VERIFIER)).is_ok() && check(None, None).is_ok());
        for (challenge, verifier) in [
            (Some(CHALLENGE), None),
            (None, Some(VERIFIER)),
            (Some(CHALLENGE), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXK")),
            (Some(CHALLENGE), Some(CHALLENGE)),
            (Some("short"), Some("short")),
            (Some(CHALLENGE), Some("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX+")),
        ] {
            assert!(check(challenge, verifier).is_err(), "{challenge:?} {verifier:?}");
        }
        assert!(is_challenge(CHALLENGE) && !is_challenge("short") && !is_challenge(""));
    }
}
