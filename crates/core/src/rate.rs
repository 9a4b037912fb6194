//! How often one network address may do something: a token bucket each, refilled continuously.
//!
//! A bucket is one number, the moment at which it will be full again (the generic cell rate algorithm), so that
//! it needs no lock and no background task.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use moka::sync::Cache;

use crate::network::Network;
use crate::{ProjectId, RequestContext, Timestamp};

/// Buckets that are remembered. Beyond it those that are used least are forgotten first.
const MAX_BUCKETS: u64 = 50_000;
/// Every bucket is full again after a minute.
const PERIOD: Duration = Duration::from_secs(60);

/// This address has done it too often: answer 429.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests from this address")]
pub struct TooMany {
    /// When the next one will be allowed.
    pub retry_after: Duration,
}

/// A bucket for each address and, where an address has several, each `K`.
pub struct Buckets<K = ()>(Cache<(ProjectId, Network, K), Arc<Bucket>>);

impl<K> fmt::Debug for Buckets<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buckets")
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Default for Buckets<K> {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MAX_BUCKETS).time_to_idle(2 * PERIOD).build())
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> Buckets<K> {
    /// Takes one from the bucket of the request's address, which holds `per_minute`; 0 for no bound. A request without an
    /// address, through a Unix socket, is free.
    ///
    /// # Errors
    /// When the bucket is empty.
    pub fn take(&self, context: &RequestContext, key: K, per_minute: u32) -> Result<(), TooMany> {
        let Some(network) = context.network().filter(|_| per_minute > 0) else { return Ok(()) };
        self.0.get_with((context.project, network, key), Arc::default).take(per_minute, context.now)
    }

    /// Whether there is anything left to take, without taking it.
    ///
    /// # Errors
    /// When the bucket is empty.
    pub fn check(&self, context: &RequestContext, key: K, per_minute: u32) -> Result<(), TooMany> {
        let Some(network) = context.network().filter(|_| per_minute > 0) else { return Ok(()) };
        let bucket = self.0.get(&(context.project, network, key));
        bucket.map_or(Ok(()), |bucket| bucket.after(per_minute, context.now).map(|_| ()))
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
        let taken = self.0.try_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
            one_less(full_at, per_minute, now).ok().map(Timestamp::as_micros)
        });
        taken.map(|_| ()).or_else(|full_at| one_less(full_at, per_minute, now).map(|_| ()))
    }

    fn after(&self, per_minute: u32, now: Timestamp) -> Result<Timestamp, TooMany> {
        one_less(self.0.load(Ordering::Relaxed), per_minute, now)
    }
}

/// When a bucket that will be full at `full_at` will be so after one more was taken.
fn one_less(full_at: i64, per_minute: u32, now: Timestamp) -> Result<Timestamp, TooMany> {
    let full_at = Timestamp::from_micros(full_at).max(now) + PERIOD / per_minute;
    let ahead = full_at.since(now);
    if ahead <= PERIOD { Ok(full_at) } else { Err(TooMany { retry_after: ahead.saturating_sub(PERIOD) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> RequestContext {
        RequestContext {
            project: ProjectId::DEFAULT,
            now: Timestamp::from_seconds(1_767_225_600),
            request_id: String::new(),
            client_ip: Some(address.parse().expect("an address")),
            user_agent: None,
            location: None,
            accept_language: None,
            caused_by: None,
        }
    }

    #[test]
    fn looking_takes_nothing_and_each_key_has_a_bucket() {
        let (buckets, context) = (Buckets::<&str>::default(), from("192.0.2.1"));
        for _ in 0..10 {
            assert_eq!(buckets.check(&context, "a", 2), Ok(()));
        }
        assert_eq!((buckets.take(&context, "a", 2), buckets.take(&context, "a", 2)), (Ok(()), Ok(())));
        let empty = Err(TooMany { retry_after: Duration::from_secs(30) });
        assert_eq!((buckets.check(&context, "a", 2), buckets.take(&context, "a", 2)), (empty, empty));
        assert_eq!((buckets.check(&context, "b", 2), buckets.check(&from("192.0.2.2"), "a", 2)), (Ok(()), Ok(())));
        let later = RequestContext { now: context.now + Duration::from_secs(30), ..context };
        assert_eq!((buckets.check(&later, "a", 2), buckets.check(&later, "a", 0)), (Ok(()), Ok(())));
    }
}
