//! Sets with their signers and verifiers, kept in memory for a short time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use orrery_core::{ProjectId, Timestamp};

use super::KeyManager;
use super::sealing::{Sealing, open_public};
use crate::error::KeyError;
use crate::rotation;
use crate::sign::{Signer, Verifier};
use crate::store::StoredKey;

/// A set as it was read at one moment.
pub(super) struct LoadedSet {
    pub(super) keys: Vec<LoadedKey>,
    pub(super) loaded: Loaded,
}

/// When something was read, and how many changes this node had made by then.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loaded {
    pub(super) at: Timestamp,
    changes: u64,
}

/// A key that is ready for use.
pub(super) struct LoadedKey {
    pub(super) row: StoredKey,
    pub(super) signer: Option<Signer>,
    pub(super) verifier: Option<Verifier>,
    /// `held_until` in microseconds, raised when this node raises it in storage.
    pub(super) held_until: AtomicI64,
}

impl AsRef<StoredKey> for LoadedKey {
    fn as_ref(&self) -> &StoredKey {
        &self.row
    }
}

impl Loaded {
    /// The mark of what was made from two parts.
    pub(super) fn oldest(self, other: Self) -> Self {
        Self { at: self.at.min(other.at), changes: self.changes.min(other.changes) }
    }
}

impl KeyManager {
    /// A set, from memory when it was read recently and nothing was changed since.
    pub(super) async fn set(&self, project: ProjectId, set: &str, now: Timestamp) -> Result<Arc<LoadedSet>, KeyError> {
        match self.sets.get(&(project, set.to_owned())) {
            Some(cached) if self.is_fresh(cached.loaded, now) => Ok(cached),
            Some(_) | None => self.reload(project, set, now).await,
        }
    }

    /// A set from storage. Keys that have not changed keep their signers and verifiers.
    pub(super) async fn reload(
        &self,
        project: ProjectId,
        set: &str,
        now: Timestamp,
    ) -> Result<Arc<LoadedSet>, KeyError> {
        // Taken before reading: a change that comes in between makes the result stale, not lost.
        let loaded = self.loading(now);
        let name = (project, set.to_owned());
        let rows = self.store.keys(project, set).await?;
        let known = self.sets.get(&name);
        let sealing = self.sealing.clone();
        let prepare = move || {
            let rows = rows.into_iter().filter(|row| !rotation::has_ended(row, now));
            rows.map(|row| LoadedKey::new(&sealing, project, row, known.as_deref())).collect()
        };
        // Reading an RSA key takes milliseconds: not on a thread that serves others.
        let keys = tokio::task::spawn_blocking(prepare).await.map_err(|_| KeyError::Crypto)?;
        let loaded = Arc::new(LoadedSet { keys, loaded });
        self.sets.insert(name, Arc::clone(&loaded));
        Ok(loaded)
    }

    /// The mark for something that is about to be read.
    pub(super) fn loading(&self, now: Timestamp) -> Loaded {
        Loaded { at: now, changes: self.changes.load(Ordering::Acquire) }
    }

    pub(super) fn is_fresh(&self, loaded: Loaded, now: Timestamp) -> bool {
        loaded.changes == self.changes.load(Ordering::Acquire) && now.since(loaded.at) < self.config.refresh
    }
}

impl LoadedKey {
    /// Builds signer and verifier, or takes them over. A key that cannot be opened still verifies, if it is not
    /// symmetric.
    fn new(sealing: &Sealing, project: ProjectId, row: StoredKey, known: Option<&LoadedSet>) -> Self {
        let held_until = AtomicI64::new(row.held_until.map_or(i64::MIN, Timestamp::as_micros));
        let same = |key: &&Self| key.row.id == row.id && key.row.sealed_private == row.sealed_private;
        if let Some(known) = known.and_then(|set| set.keys.iter().find(same)) {
            return Self { signer: known.signer.clone(), verifier: known.verifier.clone(), row, held_until };
        }
        let opened = sealing.open(project, &row);
        if let Err(error) = &opened {
            tracing::error!(set = row.set, kid = row.kid, %error, "a stored key cannot be used");
        }
        let signer = opened.as_ref().ok().and_then(|jwk| jwk.signer().ok().flatten());
        let verifier = opened.or_else(|_| open_public(&row)).ok().and_then(|jwk| jwk.verifier().ok().flatten());
        Self { row, signer, verifier, held_until }
    }
}
