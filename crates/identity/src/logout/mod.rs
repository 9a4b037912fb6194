//! Signing out.
//!
//! A browser follows a link to sign out, so the link carries a token that only the session's owner can have: otherwise
//! any page could sign its visitors out. The token is a keyed hash of the session; nothing is stored.

use orrery_core::Keyring;
use orrery_core::TokenHash;
use orrery_core::id::SessionId;
use orrery_core::secret::Purpose;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// What every logout token begins with.
const PREFIX: &str = "ory_lo_";
const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The logout token of a session: `ory_lo_` and 32 letters or digits.
#[must_use]
pub fn token(session: SessionId, keyring: &Keyring) -> SecretString {
    write(keyring.hash(Purpose::LogoutToken, &session.to_string()))
}

/// Whether a token is this session's, made with any of the configured secrets.
#[must_use]
pub fn is_token_of(session: SessionId, token: &str, keyring: &Keyring) -> bool {
    keyring
        .candidates(Purpose::LogoutToken, &session.to_string())
        .any(|hash| write(hash).expose_secret().as_bytes().ct_eq(token.as_bytes()).into())
}

/// Five bits and more of every byte survive: 32 characters hold over 160 bits of the hash.
fn write(hash: TokenHash) -> SecretString {
    let letters = hash.0.iter().map(|byte| char::from(ALPHANUMERIC[usize::from(*byte) % ALPHANUMERIC.len()]));
    SecretString::from(PREFIX.chars().chain(letters).collect::<String>())
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;
    use crate::test_values::keyring;

    #[test]
    fn a_logout_token_belongs_to_one_session() {
        let (mine, theirs) =
            (SessionId::generate(&SystemEntropy::default()), SessionId::generate(&SystemEntropy::default()));
        let token = token(mine, &keyring());
        let text = token.expose_secret();
        assert_eq!(text.len(), 39);
        assert!(text.strip_prefix(PREFIX).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric())));
        assert!(is_token_of(mine, text, &keyring()));
        assert!(!is_token_of(theirs, text, &keyring()), "somebody else's token");
        for wrong in ["", "ory_lo_", &text[..38], &format!("{text}x"), &mine.to_string()] {
            assert!(!is_token_of(mine, wrong, &keyring()), "{wrong}");
        }
    }

    #[test]
    fn links_survive_a_rotation_of_secrets() {
        let session = SessionId::generate(&SystemEntropy::default());
        let old = token(session, &keyring());
        let secrets = ["a newer secret for tests", "a secret for tests only"].map(SecretString::from);
        let rotated = Keyring::new(&secrets).expect("long enough");
        assert!(is_token_of(session, old.expose_secret(), &rotated));
        let stranger = Keyring::new(&secrets[..1]).expect("long enough");
        assert!(!is_token_of(session, old.expose_secret(), &stranger));
    }
}
