//! Nonces for proofs (RFC 9449 sections 8 and 9): whoever once had the use of a key cannot make proofs for later.
//!
//! A nonce is a keyed hash of the present period. It needs no row, every node makes the same, and it is good in its period
//! and the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, ProjectId, Timestamp, TokenHash};

/// How long one nonce is handed out, in seconds; it is good for as long again.
const PERIOD: i64 = 120;
/// Bytes of the hash in a nonce: nobody gains from guessing one but the right to make a proof now.
const LENGTH: usize = 16;

/// The nonce to make a proof with now (`DPoP-Nonce`).
#[must_use]
pub fn current(keyring: &Keyring, project: ProjectId, now: Timestamp) -> String {
    text(keyring.hash(Purpose::DpopNonce, &period(project, now, 0)))
}

/// Whether a proof with this nonce was made a moment ago. Under any secret, so that rotating them disturbs nobody.
pub(super) fn is_fresh(keyring: &Keyring, project: ProjectId, now: Timestamp, nonce: &str) -> bool {
    (0..=1).any(|ago| {
        let period = period(project, now, ago);
        keyring.candidates(Purpose::DpopNonce, &period).any(|hash| text(hash) == nonce)
    })
}

fn period(project: ProjectId, now: Timestamp, ago: i64) -> String {
    format!("{}\0{}", project.as_uuid(), now.as_seconds().div_euclid(PERIOD) - ago)
}

fn text(hash: TokenHash) -> String {
    URL_SAFE_NO_PAD.encode(&hash.0[..LENGTH])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use secrecy::SecretString;

    use super::*;

    #[test]
    fn a_nonce_is_good_for_two_periods_in_its_project_and_under_older_secrets() {
        let [old, new] = ["an old secret of some length", "a new secret of some length"].map(SecretString::from);
        let before = Keyring::new(std::slice::from_ref(&old)).expect("long enough");
        let after = Keyring::new(&[new, old]).expect("long enough");
        let now = Timestamp::from_seconds(1_767_225_600);
        let nonce = current(&before, ProjectId::DEFAULT, now);
        let later = |seconds| now + Duration::from_secs(seconds);
        for (keyring, at, good) in
            [(&before, 0, true), (&before, 239, true), (&after, 100, true), (&before, 240, false)]
        {
            assert_eq!(is_fresh(keyring, ProjectId::DEFAULT, later(at), &nonce), good, "{at}");
        }
        assert_ne!(current(&after, ProjectId::DEFAULT, now), nonce);
        let other = ProjectId::from_uuid(uuid::Uuid::from_u128(9));
        assert!(!is_fresh(&before, other, now, &nonce) && !is_fresh(&before, ProjectId::DEFAULT, now, ""));
    }
}
