//! Nonces that cost nothing: a keyed hash of the present period and of what they are bound to. They need no row, every node makes
//! the same, and each is good in its period and the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, Timestamp, TokenHash};

/// Bytes of the hash in a nonce: nobody gains from guessing one but the right to make a proof now.
const LENGTH: usize = 16;

/// A kind of nonce.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nonces {
    /// What they are for.
    pub(crate) purpose: Purpose,
    /// How long one is handed out, in seconds; it is good for as long again.
    pub(crate) period: i64,
}

impl Nonces {
    /// The nonce to hand out now.
    pub(crate) fn current(self, keyring: &Keyring, now: Timestamp, bound_to: &str) -> String {
        text(keyring.hash(self.purpose, &self.input(now, bound_to, 0)))
    }

    /// Whether this one was handed out a moment ago. Under any secret, so that rotating them disturbs nobody.
    pub(crate) fn is_fresh(self, keyring: &Keyring, now: Timestamp, bound_to: &str, nonce: &str) -> bool {
        (0..=1).any(|ago| {
            let input = self.input(now, bound_to, ago);
            keyring.candidates(self.purpose, &input).any(|hash| text(hash) == nonce)
        })
    }

    fn input(self, now: Timestamp, bound_to: &str, ago: i64) -> String {
        format!("{}\0{bound_to}", now.as_seconds().div_euclid(self.period) - ago)
    }
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
    fn a_nonce_is_good_for_two_periods_for_what_it_is_bound_to_and_under_older_secrets() {
        const NONCES: Nonces = Nonces { purpose: Purpose::DpopNonce, period: 120 };
        let [old, new] = ["an old secret of some length", "a new secret of some length"].map(SecretString::from);
        let before = Keyring::new(std::slice::from_ref(&old)).expect("long enough");
        let after = Keyring::new(&[new, old]).expect("long enough");
        let now = Timestamp::from_seconds(1_767_225_600);
        let nonce = NONCES.current(&before, now, "this");
        let later = |seconds| now + Duration::from_secs(seconds);
        for (keyring, at, good) in
            [(&before, 0, true), (&before, 239, true), (&after, 100, true), (&before, 240, false)]
        {
            assert_eq!(NONCES.is_fresh(keyring, later(at), "this", &nonce), good, "{at}");
        }
        assert_ne!(NONCES.current(&after, now, "this"), nonce);
        assert!(!NONCES.is_fresh(&before, now, "that", &nonce) && !NONCES.is_fresh(&before, now, "this", ""));
        let others = Nonces { purpose: Purpose::CredentialNonce, ..NONCES };
        assert!(!others.is_fresh(&before, now, "this", &nonce), "of another kind");
    }
}
