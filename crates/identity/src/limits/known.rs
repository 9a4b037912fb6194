//! Browsers that somebody signed in with: a stranger's guesses must not lock the owner out.
//!
//! After a sign-in the browser keeps a sealed cookie. Guesses that bring it, at the account that it names, are counted at
//! a door of their own. So whoever has the cookie gets a bounded number of guesses besides those of all strangers, and
//! nothing else: the cookie signs nobody in.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, EntropyExt, Keyring, ProjectId, Timestamp, TokenHash};
use uuid::Uuid;

use super::Door;

/// How long a browser is known after its last sign-in.
pub const KNOWN_FOR: Duration = Duration::from_secs(180 * 24 * 3600);
/// No value of ours is longer, in characters.
const MAX_LENGTH: usize = 256;

/// A browser that signed in to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBrowser {
    id: Uuid,
    account: TokenHash,
    until: Timestamp,
}

impl KnownBrowser {
    /// The browser that has just signed in to `account`: the same as `before`, if that was this account's, so that signing
    /// in brings no fresh guesses.
    #[must_use]
    pub fn signed_in(
        before: Option<Self>,
        project: ProjectId,
        account: IdentityId,
        now: Timestamp,
        keyring: &Keyring,
        entropy: &dyn Entropy,
    ) -> Self {
        let before = before.filter(|before| before.is_of(project, account, keyring));
        Self {
            id: before.map_or_else(|| entropy.uuid(), |before| before.id),
            account: keyring.hash(Purpose::KnownBrowser, &name(project, account)),
            until: now + KNOWN_FOR,
        }
    }

    /// The cookie's value, readable by this project's servers only.
    #[must_use]
    pub fn seal(&self, project: ProjectId, keyring: &Keyring, entropy: &dyn Entropy) -> String {
        let plain = [&self.id.as_bytes()[..], &self.account.0, &self.until.as_micros().to_be_bytes()].concat();
        URL_SAFE_NO_PAD.encode(keyring.seal(Purpose::KnownBrowser, project.as_uuid().as_bytes(), &plain, entropy))
    }

    /// What [`KnownBrowser::seal`] sealed, while it lasts; nothing for any other value.
    #[must_use]
    pub fn open(value: &str, project: ProjectId, now: Timestamp, keyring: &Keyring) -> Option<Self> {
        if value.len() > MAX_LENGTH {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(value).ok()?;
        let plain = keyring.open(Purpose::KnownBrowser, project.as_uuid().as_bytes(), &sealed).ok()?;
        let (id, rest) = plain.split_first_chunk::<16>()?;
        let (account, until) = rest.split_first_chunk::<32>()?;
        let until = Timestamp::from_micros(i64::from_be_bytes(until.try_into().ok()?));
        (until > now).then_some(Self { id: Uuid::from_bytes(*id), account: TokenHash(*account), until })
    }

    fn is_of(&self, project: ProjectId, account: IdentityId, keyring: &Keyring) -> bool {
        keyring.candidates(Purpose::KnownBrowser, &name(project, account)).any(|known| known == self.account)
    }
}

/// By what somebody who signs in was known before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// A browser that signed in to some account.
    Browser(KnownBrowser),
    /// An active session: how a native client is known, which keeps no cookies.
    Session(SessionId, IdentityId),
}

impl Known {
    /// The door of its own.
    #[must_use]
    pub fn door(&self, project: ProjectId, keyring: &Keyring) -> Door {
        match self {
            Self::Browser(browser) => Door::browser(project, browser.id, keyring),
            Self::Session(session, _) => Door::session(project, *session, keyring),
        }
    }

    /// Having codes sent to this address of the account that it is known for.
    #[must_use]
    pub fn sending(&self, project: ProjectId, address: &str, keyring: &Keyring) -> Door {
        let id = match self {
            Self::Browser(browser) => browser.id,
            Self::Session(session, _) => session.as_uuid(),
        };
        Door::sending_by(project, id, address, keyring)
    }

    /// Whether it is known for this account, and not for another.
    #[must_use]
    pub fn is_of(&self, project: ProjectId, account: IdentityId, keyring: &Keyring) -> bool {
        match self {
            Self::Browser(browser) => browser.is_of(project, account, keyring),
            Self::Session(_, owner) => *owner == account,
        }
    }
}

fn name(project: ProjectId, account: IdentityId) -> String {
    format!("{}:{account}", project.as_uuid())
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use orrery_core::entropy::SeededEntropy;
    use secrecy::SecretString;

    use super::*;
    use crate::test_values::{context, keyring};

    const HERE: ProjectId = ProjectId::DEFAULT;

    fn person(seed: u64) -> IdentityId {
        IdentityId::generate(&SeededEntropy::new(seed))
    }

    fn signed_in(before: Option<KnownBrowser>, account: IdentityId) -> KnownBrowser {
        KnownBrowser::signed_in(before, HERE, account, context().now, &keyring(), &SystemEntropy::default())
    }

    fn open(value: &str, now: Timestamp) -> Option<KnownBrowser> {
        KnownBrowser::open(value, HERE, now, &keyring())
    }

    #[test]
    fn a_browser_is_known_for_one_account_and_for_a_while() {
        let (browser, now) = (signed_in(None, person(1)), context().now);
        let value = browser.seal(HERE, &keyring(), &SystemEntropy::default());
        assert_eq!(open(&value, now), Some(browser));
        assert!(browser.is_of(HERE, person(1), &keyring()));
        assert!(!browser.is_of(HERE, person(2), &keyring()), "another account");
        assert_eq!(open(&value, now + KNOWN_FOR), None, "it ends");
    }

    #[test]
    fn nobody_can_make_such_a_cookie() {
        let now = context().now;
        let value = signed_in(None, person(1)).seal(HERE, &keyring(), &SystemEntropy::default());
        let elsewhere = ProjectId::generate(&SeededEntropy::new(5));
        assert_eq!(KnownBrowser::open(&value, elsewhere, now, &keyring()), None);
        let stranger = Keyring::new(&[SecretString::from("another server's secret")]).expect("long enough");
        assert_eq!(KnownBrowser::open(&value, HERE, now, &stranger), None);
        let cut = &value[1..];
        for forged in ["", "AAAA", cut, &format!("{value}A"), &"A".repeat(5000)] {
            assert_eq!(open(forged, now), None, "{forged:.20}");
        }
    }

    #[test]
    fn signing_in_again_brings_no_fresh_guesses() {
        let first = signed_in(None, person(1));
        let door = |browser| Known::Browser(browser).door(HERE, &keyring());
        assert_eq!(door(signed_in(Some(first), person(1))), door(first));
        assert_ne!(door(signed_in(Some(first), person(2))), door(first), "another account, another counter");
    }

    #[test]
    fn a_rotated_secret_keeps_browsers_known() {
        let old = SecretString::from("the secret of last year");
        let before = Keyring::new(std::slice::from_ref(&old)).expect("long enough");
        let after = Keyring::new(&[SecretString::from("the secret of this year"), old]).expect("long enough");
        let (entropy, now) = (SystemEntropy::default(), context().now);
        let value =
            KnownBrowser::signed_in(None, HERE, person(1), now, &before, &entropy).seal(HERE, &before, &entropy);
        let opened = KnownBrowser::open(&value, HERE, now, &after).expect("sealed by a known secret");
        assert!(opened.is_of(HERE, person(1), &after));
    }
}
