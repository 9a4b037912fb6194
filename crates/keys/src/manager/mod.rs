//! The key manager: what the rest of Orrery and the admin API do with keys.

mod admin;
mod cache;
mod jwks;
mod maintain;
mod sealing;
mod sign;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use moka::sync::Cache;
use orrery_core::{Entropy, Keyring, ProjectId};
use tokio::sync::{Mutex, Semaphore};

use crate::algorithm::SigningAlgorithm;
use crate::config::KeysConfig;
use crate::error::KeyError;
use crate::jwk::{self, Jwk};
use crate::store::{KeyStore, KeyUse};
use cache::LoadedSet;
use sealing::Sealing;

pub use admin::NewKey;
pub use jwks::PublicJwks;
pub use maintain::Maintenance;
pub use sign::TokenToSign;
pub use verify::{Lifetime, VerifiedToken, VerifyError};

/// Most sets and key documents that are kept in memory.
const CACHE_CAPACITY: u64 = 10_000;

/// Key sets, their signers and their verifiers. One per process, shared by all surfaces.
pub struct KeyManager {
    store: Arc<dyn KeyStore>,
    sealing: Sealing,
    config: KeysConfig,
    /// Counts the changes made through this manager. What was read before the last one is stale.
    changes: AtomicU64,
    sets: Cache<(ProjectId, String), Arc<LoadedSet>>,
    documents: Cache<ProjectId, Arc<PublicJwks>>,
    /// Fills one gap at a time, so that a burst of first requests makes one key.
    filling: Mutex<()>,
    /// RSA generation takes a core for seconds; two at a time leave the others to requests.
    generators: Arc<Semaphore>,
}

impl KeyManager {
    /// A manager over a store. The keyring seals private keys.
    #[must_use]
    pub fn new(store: Arc<dyn KeyStore>, keyring: Arc<Keyring>, entropy: Arc<dyn Entropy>, config: KeysConfig) -> Self {
        Self {
            store,
            sealing: Sealing { keyring, entropy },
            config,
            changes: AtomicU64::new(0),
            sets: Cache::new(CACHE_CAPACITY),
            documents: Cache::new(CACHE_CAPACITY),
            filling: Mutex::new(()),
            generators: Arc::new(Semaphore::new(2)),
        }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &KeysConfig {
        &self.config
    }

    /// Forgets everything that was read, so that the next use reads storage again. For changes made elsewhere.
    pub fn forget(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes a key on a thread of its own kind: generation never runs where requests are served.
    async fn generate(&self, algorithm: SigningAlgorithm, usage: KeyUse, kid: String) -> Result<Jwk, KeyError> {
        let size = self.config.rsa_size;
        let permit = Arc::clone(&self.generators).acquire_owned().await.map_err(|_| KeyError::Crypto)?;
        let made = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            jwk::generate(algorithm, usage, kid, size)
        });
        made.await.map_err(|_| KeyError::Crypto)?
    }
}

impl std::fmt::Debug for KeyManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyManager").field("config", &self.config).finish_non_exhaustive()
    }
}
