//! What was read of sessions and of clients, for as long as nothing has changed it: so that a known one costs no round trip.
//!
//! The cached values are what `session_by_token` and `client_by_id` read, and **triggers on their tables** say when one is
//! void: they name the identity, or the client, of every row that an `UPDATE` or `DELETE` touches, whoever wrote the
//! statement. So a store method takes part by itself; there is nothing to call. Whoever joins a further table to one of these
//! queries gives that table its triggers, in a migration for PostgreSQL and in `sqlite/watch.rs`; a test compares the queries
//! with the triggers.
//!
//! How the triggers are heard (`docs/decisions/0020-sessions-are-cached-exactly.md`):
//!
//! - SQLite: they call a function of the one connection that writes. The writer passes on what it heard before it
//!   answers any caller of the commit.
//! - PostgreSQL: they `NOTIFY` in the transaction itself. The connection that wrote reads its own notification together
//!   with the answer to its commit, before the caller hears of it; other nodes listen (`postgres/listen.rs`), and a node
//!   that cannot hear serves nothing from here.
//!
//! A read that races with a change must not bring the old value back. Changes are numbered (`changes.rs`); an entry remembers
//! the number that was current before its row was read, and counts for nothing once its subject has changed since. Subjects
//! share numbers: one that is voided for another's sake costs one read.
//!
//! Whether a session has ended is not judged here: callers compare its end with their `now` on every use.

use std::sync::Arc;

use orrery_core::{ProjectId, TokenHash};
use orrery_identity::session::SessionWithIdentity;
use orrery_oauth2::client::{ClientId, ClientRecord};

use crate::config::DatabaseConfig;

mod changes;
mod exact;

pub(crate) use changes::Changes;
pub use exact::CacheUse;
use exact::ExactCache;

/// What an entry weighs beside the documents in it, in bytes: ids, times, keys, and what the allocator adds.
const BARE_ENTRY: usize = 1024;

/// A parsed document takes about this many times its length.
const PARSED: usize = 4;

/// What is known of one open database.
pub(crate) struct Caches {
    /// What voids it.
    pub(crate) changes: Arc<Changes>,
    /// Sessions by their tokens' hashes.
    pub(crate) sessions: ExactCache<(ProjectId, TokenHash), SessionWithIdentity>,
    /// OAuth2 clients.
    pub(crate) clients: ExactCache<(ProjectId, ClientId), ClientRecord>,
}

impl Caches {
    /// Caches of the configured sizes.
    pub(crate) fn new(config: &DatabaseConfig) -> Self {
        let changes = Arc::new(Changes::new(config.session_cache > 0 || config.client_cache > 0));
        let sessions = ExactCache::new(config.session_cache, &changes, weight_of_session);
        let clients = ExactCache::new(config.client_cache, &changes, weight_of_client);
        Self { changes, sessions, clients }
    }
}

fn weight_of_client(record: &ClientRecord) -> u32 {
    u32::try_from(BARE_ENTRY + PARSED * length(&(&record.client, &record.secrets))).unwrap_or(u32::MAX)
}

fn weight_of_session(session: &SessionWithIdentity) -> u32 {
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
    use std::time::Instant;

    use orrery_core::Timestamp;
    use orrery_core::id::{IdentityId, SessionId};
    use orrery_identity::identity::{Identity, IdentityState};
    use orrery_identity::session::{Aal, Session};
    use uuid::Uuid;

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
            factors: [].into(),
            credentials: std::collections::BTreeMap::new(),
            verifiable_addresses: Vec::new(),
            recovery_addresses: Vec::new(),
            version: 1,
            created_at: at,
            updated_at: at,
        };
        Arc::new(SessionWithIdentity { session, identity })
    }

    fn caches(session_cache: u64) -> Caches {
        Caches::new(&DatabaseConfig { session_cache, client_cache: 0, ..DatabaseConfig::new("memory") })
    }

    fn hearing() -> Caches {
        let caches = caches(1 << 20);
        caches.changes.heard(None);
        caches
    }

    fn identity_changed(caches: &Caches, owner: u128) {
        caches.changes.changed(Uuid::from_u128(owner).as_bytes());
    }

    fn keep(caches: &Caches, as_of: changes::AsOf, owner: u128) {
        caches.sessions.keep(as_of, (PROJECT, TOKEN), Uuid::from_u128(owner).as_bytes(), &session(owner));
    }

    fn read(caches: &Caches, owner: u128) {
        keep(caches, caches.changes.as_of(), owner);
    }

    fn is_known(caches: &Caches) -> bool {
        caches.sessions.find([(PROJECT, TOKEN)]).is_some()
    }

    #[test]
    fn what_was_read_is_known_until_its_identity_changes() {
        let cache = hearing();
        assert!(!is_known(&cache));
        read(&cache, 1);
        assert!(is_known(&cache));
        assert!(
            cache.sessions.find([(PROJECT, TokenHash([8; 32])), (PROJECT, TOKEN)]).is_some(),
            "under an older secret"
        );
        assert!(
            cache.sessions.find([(ProjectId::from_uuid(Uuid::from_u128(9)), TOKEN)]).is_none(),
            "in another project"
        );
        identity_changed(&cache, 2);
        assert!(is_known(&cache), "somebody else changed");
        identity_changed(&cache, 1);
        assert!(!is_known(&cache));
        read(&cache, 1);
        assert!(is_known(&cache));
        cache.changes.anything_changed();
        assert!(!is_known(&cache));
        assert_eq!(cache.sessions.counts(), CacheUse { hits: 4, misses: 4 });
    }

    /// The row was read, then changed; only then does the reader get to keep what it read.
    #[test]
    fn a_read_that_a_change_overtook_brings_nothing_back() {
        let cache = hearing();
        let as_of = cache.changes.as_of();
        identity_changed(&cache, 1);
        keep(&cache, as_of, 1);
        assert!(!is_known(&cache));
        // The same when the check before keeping was passed already.
        read(&cache, 1);
        identity_changed(&cache, 1);
        assert!(!is_known(&cache));
    }

    #[test]
    fn who_cannot_hear_serves_nothing_and_forgets_what_it_knew() {
        let cache = caches(1 << 20);
        read(&cache, 1);
        assert!(!is_known(&cache), "not before changes are heard");
        cache.changes.heard(None);
        read(&cache, 1);
        let as_of = cache.changes.as_of();
        cache.changes.unheard();
        assert!(!is_known(&cache));
        cache.changes.heard(None);
        assert!(!is_known(&cache), "what was missed meanwhile is not known");
        keep(&cache, as_of, 1);
        assert!(!is_known(&cache), "nor what was read before");
        read(&cache, 1);
        cache.changes.heard(Some(Instant::now()));
        assert!(!is_known(&cache), "the time is up");
    }

    #[test]
    fn the_cache_is_bounded_by_what_documents_weigh() {
        let mut large = SessionWithIdentity::clone(&session(1));
        large.identity.traits.insert("note".to_owned(), "x".repeat(1000).into());
        assert!((weight_of_session(&session(1)), weight_of_session(&large)) > (1024, 5000));
        let cache = caches(10_000);
        cache.changes.heard(None);
        for token in 0..100 {
            let key = (PROJECT, TokenHash([token; 32]));
            cache.sessions.keep(cache.changes.as_of(), key, Uuid::from_u128(1).as_bytes(), &session(1));
        }
        let (entries, weight) = cache.sessions.extent();
        assert!(weight <= 10_000 && entries > 0);
        assert!(!caches(0).changes.are_used());
    }
}
