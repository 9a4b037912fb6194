//! What was read of sessions, for as long as nothing has changed it: so that a known session costs no round trip.
//!
//! The cached value is what `session_by_token` reads, and **triggers on its tables** say when it is void: they name the
//! identity of every row that an `UPDATE` or `DELETE` touches, whoever wrote the statement. So a store method takes part by
//! itself; there is nothing to call. Whoever joins a further table to the query of `session_by_token` gives that table its
//! triggers, in a migration for PostgreSQL and in `sqlite/watch.rs`; a test compares the query with the triggers.
//!
//! How the triggers are heard (`docs/decisions/0020-sessions-are-cached-exactly.md`):
//!
//! - SQLite: they call a function of the one connection that writes. The writer passes on what it heard before it
//!   answers any caller of the commit.
//! - PostgreSQL: they `NOTIFY` in the transaction itself. The connection that wrote reads its own notification together
//!   with the answer to its commit, before the caller hears of it; other nodes listen (`postgres/listen.rs`), and a node
//!   that cannot hear serves nothing from here.
//!
//! A read that races with a change must not bring the old value back. Changes are numbered; an entry remembers the number
//! that was current before its row was read, and counts for nothing once its identity has changed since. Identities
//! share [`STRIPES`] numbers: one that is voided for another's sake costs one read.
//!
//! Whether a session has ended is not judged here: callers compare its end with their `now` on every use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use orrery_core::{ProjectId, TokenHash};
use orrery_identity::session::SessionWithIdentity;
use uuid::Uuid;

/// How many numbers there are for all identities.
const STRIPES: usize = 4096;

/// What an entry weighs beside the documents in it, in bytes: ids, times, keys, and what the allocator adds.
const BARE_ENTRY: usize = 1024;

/// A parsed document takes about this many times its length.
const PARSED: usize = 4;

/// The sessions of one open database.
pub(crate) struct SessionCache {
    entries: Option<Cache<(ProjectId, TokenHash), Entry>>,
    /// The number of the newest change.
    newest: AtomicU64,
    /// The newest change in each stripe of identities.
    changed: Box<[AtomicU64]>,
    /// What was read before this change is void, whoever it belongs to.
    all_changed: AtomicU64,
    begun: Instant,
    /// Until when changes are known to be heard, in microseconds after `begun`.
    heard_until: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    session: Arc<SessionWithIdentity>,
    /// Every change up to this one was in the row.
    as_of: u64,
}

/// The number of the newest change at some moment: to be taken before a row is read that is to be kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AsOf(u64);

/// How often the cache was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheUse {
    /// Sessions that were known.
    pub hits: u64,
    /// Sessions that had to be read.
    pub misses: u64,
}

impl SessionCache {
    /// A cache that grows to about `bytes`, none when that is 0. It serves nothing before [`SessionCache::heard`].
    pub(crate) fn new(bytes: u64) -> Self {
        let entries = (bytes > 0)
            .then(|| Cache::builder().max_capacity(bytes).weigher(|_, entry: &Entry| weight(&entry.session)).build());
        Self {
            entries,
            newest: AtomicU64::new(0),
            changed: std::iter::repeat_with(AtomicU64::default).take(STRIPES).collect(),
            all_changed: AtomicU64::new(0),
            begun: Instant::now(),
            heard_until: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Whether there is a cache at all, so that changes have to be heard.
    pub(crate) const fn is_used(&self) -> bool {
        self.entries.is_some()
    }

    /// The session of any of these tokens, if it is known and nothing has changed it.
    pub(crate) fn find(&self, project: ProjectId, tokens: &[TokenHash]) -> Option<Arc<SessionWithIdentity>> {
        let entries = self.entries.as_ref()?;
        let mut known = tokens.iter().filter_map(|token| entries.get(&(project, *token)));
        let found = if self.hears() { known.find(|entry| self.is_current(entry)) } else { None };
        let counter = if found.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        found.map(|entry| entry.session)
    }

    /// The present state of changes.
    pub(crate) fn as_of(&self) -> AsOf {
        AsOf(self.newest.load(Ordering::SeqCst))
    }

    /// Keeps what was read after `as_of` was taken.
    pub(crate) fn keep(
        &self,
        AsOf(as_of): AsOf,
        project: ProjectId,
        token: TokenHash,
        session: &Arc<SessionWithIdentity>,
    ) {
        let Some(entries) = self.entries.as_ref().filter(|_| self.hears()) else { return };
        let entry = Entry { session: Arc::clone(session), as_of };
        if self.is_current(&entry) {
            entries.insert((project, token), entry);
        }
    }

    /// The identity or one of its sessions has changed.
    pub(crate) fn identity_changed(&self, identity: Uuid) {
        let number = self.next();
        if let Some(stripe) = self.changed.get(stripe(identity)) {
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

    /// How often it was asked.
    pub(crate) fn counts(&self) -> CacheUse {
        CacheUse { hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }

    fn next(&self) -> u64 {
        self.newest.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn hears(&self) -> bool {
        match self.heard_until.load(Ordering::SeqCst) {
            u64::MAX => true,
            0 => false,
            until => micros(self.begun.elapsed()) < until,
        }
    }

    fn is_current(&self, entry: &Entry) -> bool {
        let changed = self.changed.get(stripe(entry.session.identity.id.as_uuid()));
        self.all_changed.load(Ordering::SeqCst) <= entry.as_of
            && changed.is_some_and(|number| number.load(Ordering::SeqCst) <= entry.as_of)
    }
}

/// Ids are random, so that any of their bits will do.
fn stripe(identity: Uuid) -> usize {
    let (high, _) = identity.as_u64_pair();
    usize::try_from(high >> 32).unwrap_or_default() % STRIPES
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn weight(session: &SessionWithIdentity) -> u32 {
    let SessionWithIdentity { session, identity } = session;
    let documents = length(&identity.traits)
        + length(&(&identity.metadata_public, &identity.metadata_admin))
        + length(&(&session.methods, &session.devices))
        + identity.verifiable_addresses.len() * 128
        + identity.recovery_addresses.len() * 128;
    u32::try_from(BARE_ENTRY + PARSED * documents).unwrap_or(u32::MAX)
}

/// How long the value is as JSON.
fn length(value: &impl serde::Serialize) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    // What cannot be written does not occur in what was read.
    let _: Result<(), _> = serde_json::to_writer(&mut length, value);
    length.0
}

#[cfg(test)]
mod tests {
    use orrery_core::Timestamp;
    use orrery_core::id::{IdentityId, SessionId};
    use orrery_identity::identity::{Identity, IdentityState};
    use orrery_identity::session::{Aal, Session};

    use super::*;

    const PROJECT: ProjectId = ProjectId::DEFAULT;
    const TOKEN: TokenHash = TokenHash([7; 32]);

    fn session(owner: u128) -> Arc<SessionWithIdentity> {
        let (at, owner) = (Timestamp::EPOCH, IdentityId::from_uuid(Uuid::from_u128(owner)));
        let session = Session {
            id: SessionId::from_uuid(Uuid::from_u128(1)),
            identity_id: owner,
            active: true,
            aal: Aal::Aal1,
            methods: Vec::new(),
            devices: Vec::new(),
            authenticated_at: at,
            issued_at: at,
            expires_at: at,
        };
        let identity = Identity {
            id: owner,
            external_id: None,
            schema_id: "person".to_owned(),
            state: IdentityState::Active,
            state_changed_at: at,
            traits: serde_json::Map::new(),
            metadata_public: None,
            metadata_admin: None,
            organization_id: None,
            available_aal: Aal::Aal1,
            available_aal_mfa: Aal::Aal1,
            credentials: std::collections::BTreeMap::new(),
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            version: 1,
            created_at: at,
            updated_at: at,
        };
        Arc::new(SessionWithIdentity { session, identity })
    }

    fn hearing() -> SessionCache {
        let cache = SessionCache::new(1 << 20);
        cache.heard(None);
        cache
    }

    fn read(cache: &SessionCache, owner: u128) {
        cache.keep(cache.as_of(), PROJECT, TOKEN, &session(owner));
    }

    fn is_known(cache: &SessionCache) -> bool {
        cache.find(PROJECT, &[TOKEN]).is_some()
    }

    #[test]
    fn what_was_read_is_known_until_its_identity_changes() {
        let cache = hearing();
        assert!(!is_known(&cache));
        read(&cache, 1 << 96);
        assert!(is_known(&cache));
        assert!(cache.find(PROJECT, &[TokenHash([8; 32]), TOKEN]).is_some(), "under an older secret");
        assert!(cache.find(ProjectId::from_uuid(Uuid::from_u128(9)), &[TOKEN]).is_none(), "in another project");
        cache.identity_changed(Uuid::from_u128(2 << 96));
        assert!(is_known(&cache), "somebody else changed");
        cache.identity_changed(Uuid::from_u128(1 << 96));
        assert!(!is_known(&cache));
        read(&cache, 1 << 96);
        assert!(is_known(&cache));
        cache.anything_changed();
        assert!(!is_known(&cache));
        assert_eq!(cache.counts(), CacheUse { hits: 4, misses: 4 });
    }

    /// The row was read, then changed; only then does the reader get to keep what it read.
    #[test]
    fn a_read_that_a_change_overtook_brings_nothing_back() {
        let cache = hearing();
        let as_of = cache.as_of();
        cache.identity_changed(Uuid::from_u128(1 << 96));
        cache.keep(as_of, PROJECT, TOKEN, &session(1 << 96));
        assert!(!is_known(&cache));
        // The same when the check before keeping was passed already.
        read(&cache, 1 << 96);
        cache.identity_changed(Uuid::from_u128(1 << 96));
        assert!(!is_known(&cache));
    }

    #[test]
    fn who_cannot_hear_serves_nothing_and_forgets_what_it_knew() {
        let cache = SessionCache::new(1 << 20);
        read(&cache, 1);
        assert!(!is_known(&cache), "not before changes are heard");
        cache.heard(None);
        read(&cache, 1);
        let as_of = cache.as_of();
        cache.unheard();
        assert!(!is_known(&cache));
        cache.heard(None);
        assert!(!is_known(&cache), "what was missed meanwhile is not known");
        cache.keep(as_of, PROJECT, TOKEN, &session(1));
        assert!(!is_known(&cache), "nor what was read before");
        read(&cache, 1);
        cache.heard(Some(Instant::now()));
        assert!(!is_known(&cache), "the time is up");
    }

    #[test]
    fn the_cache_is_bounded_by_what_documents_weigh() {
        let mut large = SessionWithIdentity::clone(&session(1));
        large.identity.traits.insert("note".to_owned(), "x".repeat(1000).into());
        assert!((weight(&session(1)), weight(&large)) > (1024, 5000));
        let cache = SessionCache::new(10_000);
        cache.heard(None);
        for token in 0..100 {
            cache.keep(cache.as_of(), PROJECT, TokenHash([token; 32]), &session(1));
        }
        let entries = cache.entries.as_ref().expect("is used");
        entries.run_pending_tasks();
        assert!(entries.weighted_size() <= 10_000 && entries.entry_count() > 0);
        assert!(!SessionCache::new(0).is_used());
    }
}
