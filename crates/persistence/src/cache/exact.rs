//! A bounded cache that never serves what has changed since it was read.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;

use super::changes::{AsOf, Changes, Stripe};

/// What was read under each key, while nothing has changed it.
pub(crate) struct ExactCache<K, V> {
    entries: Option<Cache<K, Entry<V>>>,
    changes: Arc<Changes>,
    hits: AtomicU64,
    misses: AtomicU64,
}

struct Entry<V> {
    value: Arc<V>,
    stripe: Stripe,
    /// Every change up to this one was in the row.
    as_of: AsOf,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), ..*self }
    }
}

/// How often a cache was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUse {
    /// What was known.
    pub hits: u64,
    /// What had to be read.
    pub misses: u64,
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Send + Sync + 'static> ExactCache<K, V> {
    /// A cache that grows to about `bytes` as `weight` counts them, none when that is 0.
    pub(super) fn new(bytes: u64, changes: &Arc<Changes>, weight: fn(&V) -> u32) -> Self {
        let entries = (bytes > 0).then(|| {
            Cache::builder().max_capacity(bytes).weigher(move |_, entry: &Entry<V>| weight(&entry.value)).build()
        });
        Self { entries, changes: Arc::clone(changes), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    /// What is known under any of these keys and unchanged.
    pub(crate) fn find(&self, keys: impl IntoIterator<Item = K>) -> Option<Arc<V>> {
        let entries = self.entries.as_ref()?;
        let mut known = keys.into_iter().filter_map(|key| entries.get(&key));
        let is_current = |entry: &Entry<V>| self.changes.is_current(entry.stripe, entry.as_of);
        let found = if self.changes.hears() { known.find(is_current) } else { None };
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found.map(|entry| entry.value)
    }

    /// Keeps what was read after `as_of` was taken, until `subject` changes.
    pub(crate) fn keep(&self, as_of: AsOf, key: K, subject: &[u8], value: &Arc<V>) {
        let Some(entries) = self.entries.as_ref().filter(|_| self.changes.hears()) else { return };
        let stripe = Stripe::of(subject);
        if self.changes.is_current(stripe, as_of) {
            entries.insert(key, Entry { value: Arc::clone(value), stripe, as_of });
        }
    }

    /// How often it was asked.
    pub(crate) fn counts(&self) -> CacheUse {
        CacheUse { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }

    /// How much is kept: entries, and what they weigh.
    #[cfg(test)]
    pub(super) fn extent(&self) -> (u64, u64) {
        self.entries.as_ref().map_or((0, 0), |entries| {
            entries.run_pending_tasks();
            (entries.entry_count(), entries.weighted_size())
        })
    }
}
