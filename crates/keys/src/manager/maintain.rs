//! The schedule: filling, rotating, retiring, removing, and sealing again.

use std::sync::Arc;

use orrery_core::{EntropyExt, ProjectId, Timestamp};

use super::KeyManager;
use super::cache::LoadedSet;
use crate::config::ManagedSet;
use crate::error::KeyError;
use crate::rotation::{self, Step, Successor};
use crate::store::{KeyUse, Succession};

/// Rows per step of removal and re-sealing.
const BATCH: u32 = 100;

/// What one round of maintenance did on this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Keys that this node made and that entered storage.
    pub created: u64,
    /// Keys that nobody needed any more.
    pub removed: u64,
}

impl KeyManager {
    /// One round over the managed sets of a project: the server calls it when it starts and then every minute, on
    /// every node. Any number of nodes may do so at once; each gap is filled exactly once.
    ///
    /// # Errors
    /// The first failure; what was done before it stays done, and the next round continues.
    pub async fn maintain(&self, project: ProjectId, now: Timestamp) -> Result<Maintenance, KeyError> {
        let mut done = Maintenance::default();
        for set in &self.config.managed {
            done.created += self.maintain_set(project, set, now).await?;
        }
        loop {
            let removed = self.store.remove_ended_keys(project, now, BATCH).await?;
            done.removed += removed;
            if removed < u64::from(BATCH) {
                break;
            }
        }
        if done.removed > 0 {
            self.forget();
        }
        Ok(done)
    }

    /// Seals every private key of a project under the newest secret, so that an old secret can be taken out of the
    /// configuration. The server calls it once when it starts. Returns how many were sealed again.
    ///
    /// # Errors
    /// The failure of storage. Keys that no secret opens are reported in the log and left as they are.
    pub async fn reseal(&self, project: ProjectId) -> Result<u64, KeyError> {
        let mut after = None;
        let mut sealed = 0;
        loop {
            let rows = self.store.keys_after(project, after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(sealed) };
            after = Some(last.id);
            for row in &rows {
                let Some(old) = row.sealed_private.as_deref() else { continue };
                match self.sealing.renew(project, row, old) {
                    Ok(Some(new)) => {
                        self.store.reseal_key(project, row.id, old, &new).await?;
                        sealed += 1;
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::error!(set = row.set, kid = row.kid, %error, "a key stays under an old secret");
                    }
                }
            }
        }
    }

    async fn maintain_set(&self, project: ProjectId, set: &ManagedSet, now: Timestamp) -> Result<u64, KeyError> {
        let mut created = 0;
        let _one_at_a_time = self.filling.lock().await;
        let rows = self.store.keys(project, &set.name).await?;
        for step in rotation::plan(&rows, set, &self.config.rotation, now) {
            match step {
                Step::Create(successor) => {
                    if self.create_successor(project, &set.name, successor, now).await? == Succession::Added {
                        created += 1;
                    }
                }
                Step::Retire { key, retires_at, removes_at } => {
                    self.store.retire_keys(project, &[key], retires_at, removes_at).await?;
                    self.forget();
                }
            }
        }
        Ok(created)
    }

    /// Gives a managed set a key that it lacks, unless somebody else just did.
    pub(super) async fn fill(
        &self,
        project: ProjectId,
        set: &str,
        successor: Successor,
        now: Timestamp,
    ) -> Result<Arc<LoadedSet>, KeyError> {
        let _one_at_a_time = self.filling.lock().await;
        let loaded = self.reload(project, set, now).await?;
        if rotation::signing_key(&loaded.keys, successor.algorithm, now).is_some() {
            return Ok(loaded);
        }
        self.create_successor(project, set, successor, now).await?;
        self.reload(project, set, now).await
    }

    async fn create_successor(
        &self,
        project: ProjectId,
        set: &str,
        successor: Successor,
        now: Timestamp,
    ) -> Result<Succession, KeyError> {
        let kid = self.sealing.entropy.uuid().to_string();
        let jwk = self.generate(successor.algorithm, KeyUse::Signature, kid).await?;
        let mut row = self.sealing.row(project, set, &jwk, successor.origin, now)?;
        row.activates_at = successor.activates_at;
        row.succession = Some(successor.succession);
        let outcome = self.store.add_successor(project, &row).await?;
        self.forget();
        if outcome == Succession::Added {
            tracing::info!(set, kid = row.kid, algorithm = row.algorithm, activates_at = %row.activates_at, "key created");
        }
        Ok(outcome)
    }
}
