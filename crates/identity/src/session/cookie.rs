//! The value of the session cookie: the session token, sealed.
//!
//! Whoever reads the cookie jar of a browser learns nothing from it, and a value that another server, another project
//! or an attacker made does not open.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// No value of ours is longer, in characters.
const MAX_LENGTH: usize = 512;

/// What a cookie holds.
#[derive(Debug, Clone)]
pub struct CookieContent {
    /// The session token.
    pub token: SecretString,
    /// When the session ended at the time the cookie was set. A session that was extended since gets a new cookie;
    /// only the stored session decides whether it is over.
    pub expires_at: Timestamp,
}

impl CookieContent {
    /// The cookie's value, readable by this project's servers only.
    #[must_use]
    pub fn seal(&self, project: ProjectId, keyring: &Keyring, entropy: &dyn Entropy) -> String {
        let mut plain = Zeroizing::new(self.expires_at.as_micros().to_be_bytes().to_vec());
        plain.extend_from_slice(self.token.expose_secret().as_bytes());
        URL_SAFE_NO_PAD.encode(keyring.seal(Purpose::Cookie, &binding(project), &plain, entropy))
    }

    /// What [`CookieContent::seal`] sealed; nothing for any other value.
    #[must_use]
    pub fn open(value: &str, project: ProjectId, keyring: &Keyring) -> Option<Self> {
        if value.len() > MAX_LENGTH {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = Zeroizing::new(keyring.open(Purpose::Cookie, &binding(project), &sealed).ok()?);
        let (expires_at, token) = plain.split_first_chunk()?;
        let token = std::str::from_utf8(token).ok()?;
        let expires_at = Timestamp::from_micros(i64::from_be_bytes(*expires_at));
        Some(Self { token: SecretString::from(token), expires_at })
    }
}

/// What a sealed value belongs to besides its purpose.
fn binding(project: ProjectId) -> Vec<u8> {
    [b"session".as_slice(), project.as_uuid().as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use orrery_core::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;
    use crate::test_values::keyring;

    fn content() -> CookieContent {
        CookieContent {
            token: SecretString::from("ory_st_abcdefghijklmnopqrstuvwxyz012345"),
            expires_at: Timestamp::from_micros(1_795_000_000_123_456),
        }
    }

    fn sealed() -> String {
        content().seal(ProjectId::DEFAULT, &keyring(), &SystemEntropy::default())
    }

    #[test]
    fn a_cookie_opens_again_and_tells_nothing_by_itself() {
        let value = sealed();
        let opened = CookieContent::open(&value, ProjectId::DEFAULT, &keyring()).expect("our own value");
        assert_eq!(opened.token.expose_secret(), content().token.expose_secret());
        assert_eq!(opened.expires_at, content().expires_at);
        assert!(value.len() < 200, "room for other cookies");
        assert!(!value.contains("ory_st_"));
        assert_ne!(value, sealed(), "no two cookies look the same");
    }

    #[test]
    fn the_cookie_of_another_project_or_server_does_not_open() {
        let other = ProjectId::generate(&SeededEntropy::new(5));
        assert!(CookieContent::open(&sealed(), other, &keyring()).is_none());
        let stranger = Keyring::new(&[SecretString::from("another server's secret")]).expect("long enough");
        assert!(CookieContent::open(&sealed(), ProjectId::DEFAULT, &stranger).is_none());
    }

    #[test]
    fn a_value_sealed_for_another_purpose_does_not_open() {
        let plain = [&0_i64.to_be_bytes()[..], b"ory_st_abcdefghijklmnopqrstuvwxyz012345"].concat();
        let page = keyring().seal(Purpose::PageToken, &binding(ProjectId::DEFAULT), &plain, &SystemEntropy::default());
        assert!(CookieContent::open(&URL_SAFE_NO_PAD.encode(page), ProjectId::DEFAULT, &keyring()).is_none());
    }

    proptest! {
        #[test]
        fn a_changed_cookie_does_not_open(position in 0_usize..90, bit in 0_u8..8) {
            let mut bytes = URL_SAFE_NO_PAD.decode(sealed()).expect("our own value");
            let position = position % bytes.len();
            bytes[position] ^= 1 << bit;
            let changed = URL_SAFE_NO_PAD.encode(bytes);
            prop_assert!(CookieContent::open(&changed, ProjectId::DEFAULT, &keyring()).is_none());
        }

        #[test]
        fn invented_cookies_do_not_open(value in ".{0,600}") {
            prop_assert!(CookieContent::open(&value, ProjectId::DEFAULT, &keyring()).is_none());
        }

        #[test]
        fn any_token_and_time_survive(token in "[a-zA-Z0-9_]{1,100}", micros: i64) {
            let content = CookieContent { token: SecretString::from(token.clone()), expires_at: Timestamp::from_micros(micros) };
            let value = content.seal(ProjectId::DEFAULT, &keyring(), &SystemEntropy::default());
            let opened = CookieContent::open(&value, ProjectId::DEFAULT, &keyring()).expect("our own value");
            prop_assert_eq!(opened.token.expose_secret(), &token);
            prop_assert_eq!(opened.expires_at.as_micros(), micros);
        }
    }
}
