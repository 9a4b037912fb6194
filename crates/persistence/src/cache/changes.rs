//! What has changed since, by numbers.

use std::hash::{DefaultHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many numbers there are for all subjects.
const STRIPES: usize = 4096;

/// The changes of one open database: of whom, and whether they are heard at all.
pub(crate) struct Changes {
    /// The number of the newest change.
    newest: AtomicU64,
    /// The newest change in each stripe of subjects.
    changed: Box<[AtomicU64]>,
    /// What was read before this change is void, whoever it belongs to.
    all_changed: AtomicU64,
    begun: Instant,
    /// Until when changes are known to be heard, in microseconds after `begun`.
    heard_until: AtomicU64,
}

/// The number of the newest change at some moment: to be taken before a row is read that is to be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf(u64);

/// Whose changes void an entry: subjects share [`STRIPES`] numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stripe(usize);

impl Stripe {
    /// That of an identity's id or a client's.
    pub(super) fn of(subject: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(subject);
        Self(usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default())
    }
}

impl Changes {
    /// Changes of which none is heard before [`Changes::heard`].
    pub(super) fn new(used: bool) -> Self {
        Self {
            newest: AtomicU64::new(0),
            changed: std::iter::repeat_with(AtomicU64::default).take(if used { STRIPES } else { 0 }).collect(),
            all_changed: AtomicU64::new(0),
            begun: Instant::now(),
            heard_until: AtomicU64::new(0),
        }
    }

    /// Whether there is a cache at all, so that changes have to be heard.
    pub(crate) const fn are_used(&self) -> bool {
        !self.changed.is_empty()
    }

    /// The present state of changes.
    pub(crate) fn as_of(&self) -> AsOf {
        AsOf(self.newest.load(Ordering::SeqCst))
    }

    /// An identity, one of its sessions, or a client has changed: named by the bytes of its id.
    pub(crate) fn changed(&self, subject: &[u8]) {
        let number = self.next();
        if let Some(stripe) = self.changed.get(Stripe::of(subject).0) {
            stripe.fetch_max(number, Ordering::SeqCst);
        }
    }

    /// Anything may have changed.
    pub(crate) fn anything_changed(&self) {
        let number = self.next();
        self.all_changed.fetch_max(number, Ordering::SeqCst);
    }

    /// Every change up to `until` will be heard of, or the hearing be said to have ended.
    pub(crate) fn heard(&self, until: Option<Instant>) {
        let until = until.map_or(u64::MAX, |until| micros(until.saturating_duration_since(self.begun)));
        self.heard_until.store(until, Ordering::SeqCst);
    }

    /// Changes may not be heard any more: nothing is served, and nothing that is known will be.
    pub(crate) fn unheard(&self) {
        self.heard_until.store(0, Ordering::SeqCst);
        self.anything_changed();
    }

    /// Whether changes are heard.
    pub(super) fn hears(&self) -> bool {
        match self.heard_until.load(Ordering::SeqCst) {
            u64::MAX => true,
            0 => false,
            until => micros(self.begun.elapsed()) < until,
        }
    }

    /// Whether what was read as of then is still what is stored.
    pub(super) fn is_current(&self, stripe: Stripe, AsOf(as_of): AsOf) -> bool {
        let changed = self.changed.get(stripe.0);
        self.all_changed.load(Ordering::SeqCst) <= as_of
            && changed.is_some_and(|number| number.load(Ordering::SeqCst) <= as_of)
    }

    fn next(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::SeqCst) + 1
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
