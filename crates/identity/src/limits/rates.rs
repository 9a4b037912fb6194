//! How often one network address may ask.

use orrery_core::RequestContext;
use orrery_core::rate::{Buckets, TooMany};

use crate::config::LimitsConfig;

/// What is being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Beginning a flow.
    Flow,
    /// Submitting to one.
    Submit,
    /// Being sent to the error page, for which the error is stored.
    Error,
}

/// The buckets of every address.
#[derive(Debug, Default)]
pub struct Rates {
    flows: Buckets,
    submits: Buckets,
    errors: Buckets,
}

impl Rates {
    /// Takes one from the bucket of the request's address. A request without one, through a Unix socket, is free.
    ///
    /// # Errors
    /// When the bucket is empty.
    pub fn take(&self, rate: Rate, context: &RequestContext, limits: &LimitsConfig) -> Result<(), TooMany> {
        let (buckets, per_minute) = match rate {
            Rate::Flow => (&self.flows, limits.flows_per_minute),
            Rate::Submit => (&self.submits, limits.submits_per_minute),
            // Whoever may begin so many flows may fail to begin as many.
            Rate::Error => (&self.errors, limits.flows_per_minute),
        };
        buckets.take(context, (), per_minute)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use orrery_core::time::ManualClock;
    use orrery_core::{Clock, ProjectId, Timestamp};

    use super::*;
    use crate::test_values;

    fn limits(per_minute: u32) -> LimitsConfig {
        LimitsConfig { submits_per_minute: per_minute, flows_per_minute: per_minute, ..test_values::limits() }
    }

    fn from(address: &str, now: Timestamp) -> RequestContext {
        RequestContext { client_ip: Some(address.parse().expect("an address")), now, ..test_values::context() }
    }

    fn allowed(rates: &Rates, address: &str, now: Timestamp, limits: &LimitsConfig) -> usize {
        (0..1000).filter(|_| rates.take(Rate::Submit, &from(address, now), limits).is_ok()).count()
    }

    #[test]
    fn a_burst_is_bounded_and_then_refilled_evenly() {
        let (rates, limits) = (Rates::default(), limits(30));
        let clock = ManualClock::at(test_values::context().now);
        assert_eq!(allowed(&rates, "192.0.2.1", clock.now(), &limits), 30);
        let refused = rates.take(Rate::Submit, &from("192.0.2.1", clock.now()), &limits);
        assert_eq!(refused, Err(TooMany { retry_after: Duration::from_secs(2) }));
        clock.advance(Duration::from_secs(2));
        assert_eq!(allowed(&rates, "192.0.2.1", clock.now(), &limits), 1);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(allowed(&rates, "192.0.2.1", clock.now(), &limits), 30, "never more than a minute's worth");
    }

    #[test]
    fn an_address_does_not_spend_what_belongs_to_others() {
        let (rates, limits, now) = (Rates::default(), limits(5), test_values::context().now);
        assert_eq!(allowed(&rates, "192.0.2.1", now, &limits), 5);
        assert_eq!(allowed(&rates, "192.0.2.2", now, &limits), 5);
        assert_eq!(rates.take(Rate::Flow, &from("192.0.2.1", now), &limits), Ok(()), "another kind of request");
        let project = ProjectId::generate(&orrery_core::entropy::SeededEntropy::new(9));
        let elsewhere = RequestContext { project, ..from("192.0.2.1", now) };
        assert_eq!(rates.take(Rate::Submit, &elsewhere, &limits), Ok(()), "another project");
    }

    #[test]
    fn a_customer_cannot_walk_through_their_own_ipv6_network() {
        let (rates, limits, now) = (Rates::default(), limits(5), test_values::context().now);
        assert_eq!(allowed(&rates, "2001:db8:0:1::1", now, &limits), 5);
        assert_eq!(allowed(&rates, "2001:db8:0:1:ffff::2", now, &limits), 0);
        assert_eq!(allowed(&rates, "2001:db8:0:2::1", now, &limits), 5);
        assert_eq!(allowed(&rates, "::ffff:192.0.2.9", now, &limits), 5);
        assert_eq!(allowed(&rates, "192.0.2.9", now, &limits), 0, "the same address, mapped");
    }

    #[test]
    fn zero_means_no_limit() {
        let (rates, now) = (Rates::default(), test_values::context().now);
        assert_eq!(allowed(&rates, "192.0.2.1", now, &limits(0)), 1000);
    }

    #[test]
    fn parallel_requests_share_one_bucket() {
        let (rates, limits, now) = (Rates::default(), limits(50), test_values::context().now);
        let allowed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| allowed(&rates, "192.0.2.1", now, &limits))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
        });
        assert_eq!(allowed, 50);
    }
}
