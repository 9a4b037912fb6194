//! The storage that keys need: rows and one trait.

use std::fmt;

use async_trait::async_trait;
use orrery_core::id::KeyId;
use orrery_core::{ProjectId, StoreError, Timestamp};

/// What a key may be used for (`use`, RFC 7517 section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// Signing and verifying.
    Signature,
    /// Encrypting and decrypting. Stored and published, never used by Orrery itself.
    Encryption,
}

impl KeyUse {
    /// `sig` or `enc`: the JWK member and the stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signature => "sig",
            Self::Encryption => "enc",
        }
    }

    /// Reads [`KeyUse::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Signature, Self::Encryption].into_iter().find(|usage| usage.as_str() == text)
    }
}

/// Who brought a key into its set, which decides whether the schedule may replace it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOrigin {
    /// The schedule made it.
    Scheduled,
    /// An administrator had it generated, and thereby chose the set's algorithm; or it replaces such a key.
    Generated,
    /// An administrator supplied it. The schedule leaves it alone.
    Imported,
}

impl KeyOrigin {
    /// The stored text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Generated => "generated",
            Self::Imported => "imported",
        }
    }

    /// Reads [`KeyOrigin::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Scheduled, Self::Generated, Self::Imported].into_iter().find(|origin| origin.as_str() == text)
    }
}

/// One key as it rests in storage. `(project, set, kid)` is unique.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The row.
    pub id: KeyId,
    /// Name of the set, 1 to 255 characters.
    pub set: String,
    /// Key id within the set, 1 to 255 characters.
    pub kid: String,
    /// `alg` of the JWK, at most 32 characters.
    pub algorithm: String,
    /// `use` of the JWK.
    pub usage: KeyUse,
    /// Where the key came from.
    pub origin: KeyOrigin,
    /// The JWK with its public members only; for a symmetric key the members that describe it.
    pub public_jwk: serde_json::Value,
    /// The private members, sealed; `None` when only the public half is known.
    pub sealed_private: Option<Vec<u8>>,
    /// For a key that the schedule made: which succession it fills (at most 96 characters). Unique within
    /// `(project, set)` among keys that have one.
    pub succession: Option<String>,
    /// When it was stored, and so published. Lists run from the newest to the oldest.
    pub created_at: Timestamp,
    /// From when on it may sign.
    pub activates_at: Timestamp,
    /// From when on it no longer signs, once a successor is known.
    pub retires_at: Option<Timestamp>,
    /// From when on nobody needs it any more, once a successor is known.
    pub removes_at: Option<Timestamp>,
    /// A token that it signed lives until then: it stays at least that long.
    pub held_until: Option<Timestamp>,
}

impl AsRef<Self> for StoredKey {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl fmt::Debug for StoredKey {
    /// Names the key without its material.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredKey")
            .field("id", &self.id)
            .field("set", &self.set)
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .field("origin", &self.origin)
            .field("created_at", &self.created_at)
            .field("activates_at", &self.activates_at)
            .field("retires_at", &self.retires_at)
            .field("removes_at", &self.removes_at)
            .field("held_until", &self.held_until)
            .finish_non_exhaustive()
    }
}

/// What came of offering a successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Succession {
    /// The key was stored: this node won.
    Added,
    /// Another node had filled the same succession; nothing was stored.
    AlreadyFilled,
}

/// Storage of keys. Every method is one atomic step.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// All keys of a set: `created_at` descending, then `id` descending. Empty when the set does not exist.
    async fn keys(&self, project: ProjectId, set: &str) -> Result<Vec<StoredKey>, StoreError>;

    /// One key of a set.
    async fn key(&self, project: ProjectId, set: &str, kid: &str) -> Result<Option<StoredKey>, StoreError>;

    /// Stores a new key.
    ///
    /// # Errors
    /// `Conflict::Key` when the set already has a key with this `kid`.
    async fn add_key(&self, project: ProjectId, key: &StoredKey) -> Result<(), StoreError>;

    /// Stores `key` unless a key with the same [`StoredKey::succession`] is in the set: of many nodes that offer
    /// a successor at the same moment exactly one succeeds. `key.succession` is always set here.
    ///
    /// # Errors
    /// `Conflict::Key` when the `kid` is taken.
    async fn add_successor(&self, project: ProjectId, key: &StoredKey) -> Result<Succession, StoreError>;

    /// Stores the key in place of the one with the same set and `kid`, if there is one. Every column is replaced.
    async fn put_key(&self, project: ProjectId, key: &StoredKey) -> Result<(), StoreError>;

    /// Makes `keys` the whole content of the set. Their `kid`s are distinct and their `set` is `set`.
    async fn replace_set(&self, project: ProjectId, set: &str, keys: &[StoredKey]) -> Result<(), StoreError>;

    /// Deletes all keys of a set; no difference whether there were any.
    async fn delete_set(&self, project: ProjectId, set: &str) -> Result<(), StoreError>;

    /// Deletes one key; no difference whether there was one.
    async fn delete_key(&self, project: ProjectId, set: &str, kid: &str) -> Result<(), StoreError>;

    /// Writes `retires_at` and `removes_at` of these keys where `removes_at` is not yet set.
    async fn retire_keys(
        &self,
        project: ProjectId,
        keys: &[KeyId],
        retires_at: Timestamp,
        removes_at: Timestamp,
    ) -> Result<(), StoreError>;

    /// Raises `held_until` of a key to `until`; never lowers it.
    async fn hold_key(&self, project: ProjectId, key: KeyId, until: Timestamp) -> Result<(), StoreError>;

    /// Deletes at most `limit` keys whose `removes_at` has come and whose `held_until` is unset or has come.
    /// Returns how many.
    async fn remove_ended_keys(&self, project: ProjectId, now: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// At most `limit` keys of all sets with an id above `after`, by `id` ascending: the walk of the re-sealing.
    async fn keys_after(
        &self,
        project: ProjectId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<StoredKey>, StoreError>;

    /// Replaces the sealed bytes of a key if they still are `old`, so that a newer write is never undone.
    async fn reseal_key(&self, project: ProjectId, key: KeyId, old: &[u8], new: &[u8]) -> Result<(), StoreError>;
}
