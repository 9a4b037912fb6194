//! When a message is tried again, and when it is given up. Pure.

use std::time::Duration;

use orrery_core::{Entropy, EntropyExt, Timestamp};

use super::FailureKind;

/// The wait after the first failure; each further one is four times as long.
const FIRST_WAIT: Duration = Duration::from_secs(5);
/// No wait is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another attempt, not before this moment.
    Retry(Timestamp),
    /// No other attempt.
    Abandon,
}

/// Decides after the attempt number `send_count` (from one), when `retries` more than the first are allowed.
pub(super) fn after_failure(
    kind: FailureKind,
    send_count: u32,
    retries: u32,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Next {
    match kind {
        FailureKind::Permanent => Next::Abandon,
        FailureKind::Temporary if send_count > retries => Next::Abandon,
        FailureKind::Temporary => Next::Retry(now + wait(send_count, entropy)),
    }
}

/// Exponential, and of that between a half and the whole at random, so that what failed together does not return
/// together.
fn wait(send_count: u32, entropy: &dyn Entropy) -> Duration {
    let whole = FIRST_WAIT.saturating_mul(4_u32.saturating_pow(send_count.saturating_sub(1))).min(LONGEST_WAIT);
    let half = whole / 2;
    let share = f64::from(u32::from_le_bytes(entropy.bytes())) / f64::from(u32::MAX);
    half + half.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use proptest::prelude::*;

    use super::*;

    struct Constant(u8);

    impl Entropy for Constant {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    #[test]
    fn waits_grow_and_jitter_stays_within_a_half() {
        for (send_count, low, high) in
            [(1, 2_500, 5_000), (2, 10_000, 20_000), (3, 40_000, 80_000), (9, 1_800_000, 3_600_000)]
        {
            assert_eq!(wait(send_count, &Constant(0)), Duration::from_millis(low));
            assert_eq!(wait(send_count, &Constant(255)), Duration::from_millis(high));
        }
    }

    #[test]
    fn the_last_retry_is_followed_by_nothing() {
        let entropy = SystemEntropy::default();
        let next = |kind, send_count| after_failure(kind, send_count, 5, Timestamp::EPOCH, &entropy);
        assert!(matches!(next(FailureKind::Temporary, 5), Next::Retry(_)));
        assert_eq!(next(FailureKind::Temporary, 6), Next::Abandon);
        assert_eq!(next(FailureKind::Permanent, 1), Next::Abandon);
    }

    proptest! {
        #[test]
        fn no_count_overflows(send_count in any::<u32>()) {
            prop_assert!(wait(send_count, &Constant(255)) <= LONGEST_WAIT);
        }
    }
}
