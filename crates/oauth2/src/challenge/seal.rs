//! What challenges and verifiers look like: sealed, so that nobody can make one up, and short.
//!
//! A login challenge is the authorization request itself, as long as that stays below [`MAX_INLINE`]; nothing is
//! stored. All others name a row by its id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::id::ChallengeId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use uuid::Uuid;

/// Longest challenge that carries its request, in characters. Proxies and browsers take far longer addresses, but it is
/// repeated in several, each with other parameters beside it.
pub(crate) const MAX_INLINE: usize = 512;
/// Nothing that we seal is longer, in characters.
const MAX: usize = 16 * 1024;

/// What a sealed text is for. One kind never opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `login_challenge` that carries its request.
    Login,
    /// `login_challenge` whose request is stored.
    StoredLogin,
    /// `login_verifier`.
    LoginVerifier,
    /// `consent_challenge`.
    Consent,
    /// `consent_verifier`.
    ConsentVerifier,
    /// `logout_challenge`.
    Logout,
    /// `logout_verifier`.
    LogoutVerifier,
    /// `device_challenge`.
    Device,
    /// `device_verifier`.
    DeviceVerifier,
    /// What is wrong, for the built-in error page.
    Error,
}

impl Kind {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Login => b"login",
            Self::StoredLogin => b"stored-login",
            Self::LoginVerifier => b"login-verifier",
            Self::Consent => b"consent",
            Self::ConsentVerifier => b"consent-verifier",
            Self::Logout => b"logout",
            Self::LogoutVerifier => b"logout-verifier",
            Self::Device => b"device",
            Self::DeviceVerifier => b"device-verifier",
            Self::Error => b"error",
        }
    }
}

/// Seals and opens for one project.
#[derive(Clone, Copy)]
pub(crate) struct Sealer<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) project: ProjectId,
}

impl Sealer<'_> {
    /// Seals bytes.
    pub(crate) fn seal(&self, kind: Kind, plain: &[u8], entropy: &dyn Entropy) -> String {
        URL_SAFE_NO_PAD.encode(self.keyring.seal(Purpose::Challenge, &self.context(kind), plain, entropy))
    }

    /// Opens what [`Sealer::seal`] made of the same kind. `None` for everything else.
    pub(crate) fn open(&self, kind: Kind, text: &str) -> Option<Vec<u8>> {
        // Some clients pad what they pass on.
        let text = text.trim_end_matches('=');
        if text.len() > MAX {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
        self.keyring.open(Purpose::Challenge, &self.context(kind), &sealed).ok()
    }

    /// Seals the id of a row that is good until `expires_at`.
    pub(crate) fn name(&self, kind: Kind, id: ChallengeId, expires_at: Timestamp, entropy: &dyn Entropy) -> String {
        let end = u32::try_from(expires_at.as_seconds()).unwrap_or(u32::MAX);
        self.seal(kind, &[id.as_uuid().as_bytes().as_slice(), &end.to_be_bytes()].concat(), entropy)
    }

    /// The id in what [`Sealer::name`] made, and when it is over, to the second.
    pub(crate) fn named(&self, kind: Kind, text: &str) -> Option<(ChallengeId, Timestamp)> {
        let plain = self.open(kind, text)?;
        let (id, end) = plain.split_first_chunk::<16>()?;
        let end = u32::from_be_bytes(end.try_into().ok()?);
        Some((ChallengeId::from_uuid(Uuid::from_bytes(*id)), Timestamp::from_seconds(i64::from(end))))
    }

    fn context(&self, kind: Kind) -> Vec<u8> {
        [self.project.as_uuid().as_bytes().as_slice(), kind.label()].concat()
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;

    use super::*;

    #[test]
    fn one_kind_never_opens_as_another_nor_in_another_project() {
        let keyring = Keyring::new(&["a secret of some length".into()]).expect("long enough");
        let entropy = SystemEntropy::default();
        let sealer = Sealer { keyring: &keyring, project: ProjectId::DEFAULT };
        let id = ChallengeId::generate(&entropy);
        let end = Timestamp::from_seconds(1_800_000_000);
        let text = sealer.name(Kind::Consent, id, end, &entropy);
        assert!(text.len() <= 72, "{}", text.len());
        assert_eq!(sealer.named(Kind::Consent, &text), Some((id, end)));
        assert_eq!(sealer.named(Kind::Consent, &format!("{text}==")), Some((id, end)));
        for other in [Kind::Login, Kind::StoredLogin, Kind::LoginVerifier, Kind::ConsentVerifier, Kind::Logout] {
            assert_eq!(sealer.named(other, &text), None, "{other:?}");
        }
        let theirs = Sealer { keyring: &keyring, project: ProjectId::generate(&entropy) };
        assert_eq!(theirs.named(Kind::Consent, &text), None);
        for garbage in ["", "x", "ä", &"A".repeat(5000)] {
            assert_eq!(sealer.named(Kind::Consent, garbage), None);
        }
    }
}
