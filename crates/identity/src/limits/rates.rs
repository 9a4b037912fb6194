//! How often one network address may ask: a token bucket each, refilled continuously.
//!
//! A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm), so that
//! it needs no lock and no background task.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::sync::Cache;
use orrery_core::{ProjectId, RequestContext, Timestamp};

use crate::config::LimitsConfig;

/// Addresses remembered per kind of request. Beyond it those that ask least are forgotten first.
const MAX_SOURCES: u64 = 50_000;
/// Every bucket is full again after a minute.
const PERIOD: Duration = Duration::from_secs(60);

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

/// Too many requests came from this address: answer 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests from this address")]
pub struct TooMany {
    /// When the next one will be allowed.
    pub retry_after: Duration,
}

/// Where requests come from: an IPv4 address, or the /64 network that one IPv6 customer owns whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Source(ProjectId, [u8; 8]);

impl Source {
    fn new(project: ProjectId, address: IpAddr) -> Self {
        let mut network = [0; 8];
        match address.to_canonical() {
            // No IPv6 network begins with these bytes: 0000::/8 is reserved.
            IpAddr::V4(address) => network[4..].copy_from_slice(&address.octets()),
            IpAddr::V6(address) => network.copy_from_slice(&address.octets()[..8]),
        }
        Self(project, network)
    }
}

/// The buckets of every address.
#[derive(Debug)]
pub struct Rates {
    flows: Cache<Source, Arc<Bucket>>,
    submits: Cache<Source, Arc<Bucket>>,
    errors: Cache<Source, Arc<Bucket>>,
}

impl Default for Rates {
    fn default() -> Self {
        let cache = || Cache::builder().max_capacity(MAX_SOURCES).time_to_idle(2 * PERIOD).build();
        Self { flows: cache(), submits: cache(), errors: cache() }
    }
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
        let Some(address) = context.client_ip.filter(|_| per_minute > 0) else { return Ok(()) };
        let source = Source::new(context.project, address);
        buckets.get_with(source, Arc::default).take(per_minute, context.now)
    }
}

/// The moment, in microseconds, at which the bucket will be full again.
#[derive(Debug)]
struct Bucket(AtomicI64);

impl Default for Bucket {
    fn default() -> Self {
        Self(AtomicI64::new(i64::MIN))
    }
}

impl Bucket {
    fn take(&self, per_minute: u32, now: Timestamp) -> Result<(), TooMany> {
        let refill_one = PERIOD / per_minute;
        let taken = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            let full_at = Timestamp::from_micros(full_at).max(now) + refill_one;
            (full_at.since(now) <= PERIOD).then_some(full_at.as_micros())
        });
        taken.map(|_| ()).map_err(|full_at| {
            let retry_after = (Timestamp::from_micros(full_at) + refill_one).since(now).saturating_sub(PERIOD);
            TooMany { retry_after }
        })
    }
}

#[cfg(test)]
mod tests {
    use orrery_core::Clock;
    use orrery_core::time::ManualClock;

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
