//! The device challenge: a browser has come to approve a device. Nothing is stored of it, so that whoever only looks
//! costs nothing.

use orrery_core::id::ChallengeId;
use orrery_core::{Entropy, Timestamp, TokenHash};
use uuid::Uuid;

use crate::challenge::seal::{Kind, Sealer};

/// A browser in which somebody is about to type a user code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceChallenge {
    /// Names its cookie.
    pub id: ChallengeId,
    /// Keyed hash of that cookie.
    pub browser: TokenHash,
    /// Keyed hash of the network that the browser is in: its wrong codes are counted together, whichever application
    /// passes them on.
    pub network: TokenHash,
    /// When the browser came.
    pub requested_at: Timestamp,
}

impl DeviceChallenge {
    /// As text: `device_challenge`.
    pub(crate) fn seal(&self, sealer: Sealer<'_>, entropy: &dyn Entropy) -> String {
        sealer.seal(Kind::Device, &self.encode(), entropy)
    }

    /// What [`DeviceChallenge::seal`] made.
    pub(crate) fn open(sealer: Sealer<'_>, text: &str) -> Option<Self> {
        let (challenge, rest) = Self::decode(&sealer.open(Kind::Device, text)?)?;
        rest.is_none().then_some(challenge)
    }

    /// With the code that was found right, as text: `device_verifier`.
    pub(crate) fn verifier(&self, sealer: Sealer<'_>, user_code: TokenHash, entropy: &dyn Entropy) -> String {
        sealer.seal(Kind::DeviceVerifier, &[&self.encode()[..], &user_code.0].concat(), entropy)
    }

    /// What [`DeviceChallenge::verifier`] made, with the keyed hash of the code.
    pub(crate) fn verified(sealer: Sealer<'_>, text: &str) -> Option<(Self, TokenHash)> {
        let (challenge, user_code) = Self::decode(&sealer.open(Kind::DeviceVerifier, text)?)?;
        Some((challenge, user_code?))
    }

    fn encode(&self) -> Vec<u8> {
        let requested_at = self.requested_at.as_micros().to_be_bytes();
        [self.id.as_uuid().as_bytes().as_slice(), &self.browser.0, &self.network.0, &requested_at].concat()
    }

    fn decode(bytes: &[u8]) -> Option<(Self, Option<TokenHash>)> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (browser, rest) = rest.split_first_chunk()?;
        let (network, rest) = rest.split_first_chunk()?;
        let (requested_at, rest) = rest.split_first_chunk()?;
        let user_code = if rest.is_empty() { None } else { Some(TokenHash(rest.try_into().ok()?)) };
        let challenge = Self {
            id: ChallengeId::from_uuid(Uuid::from_bytes(*id)),
            browser: TokenHash(*browser),
            network: TokenHash(*network),
            requested_at: Timestamp::from_micros(i64::from_be_bytes(*requested_at)),
        };
        Some((challenge, user_code))
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::{EntropyExt as _, Keyring, ProjectId, SystemEntropy};

    use super::*;

    #[test]
    fn a_challenge_is_no_verifier_and_a_verifier_no_challenge() {
        let (entropy, keyring) = (SystemEntropy::default(), Keyring::new(&["a secret of some length".into()]));
        let keyring = keyring.expect("long enough");
        let sealer = Sealer { keyring: &keyring, project: ProjectId::DEFAULT };
        let challenge = DeviceChallenge {
            id: ChallengeId::generate(&entropy),
            browser: TokenHash(entropy.bytes()),
            network: TokenHash(entropy.bytes()),
            requested_at: Timestamp::from_micros(1_795_000_000_123_456),
        };
        let code = TokenHash(entropy.bytes());
        let text = challenge.seal(sealer, &entropy);
        let verifier = challenge.verifier(sealer, code, &entropy);
        assert_eq!(DeviceChallenge::open(sealer, &text), Some(challenge));
        assert_eq!(DeviceChallenge::verified(sealer, &verifier), Some((challenge, code)));
        assert_eq!(DeviceChallenge::open(sealer, &verifier), None);
        assert_eq!(DeviceChallenge::verified(sealer, &text), None);
        let theirs = Sealer { project: ProjectId::generate(&entropy), ..sealer };
        assert_eq!(DeviceChallenge::open(theirs, &text), None);
        for garbage in ["", "x", &text[1..]] {
            assert_eq!(DeviceChallenge::open(sealer, garbage), None, "{garbage}");
        }
    }
}
