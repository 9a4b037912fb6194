//! Signing tokens.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orrery_core::{ProjectId, Timestamp};

use super::KeyManager;
use super::cache::{LoadedKey, LoadedSet};
use crate::algorithm::SigningAlgorithm;
use crate::error::KeyError;
use crate::jwt::{self, Claims};
use crate::rotation;
use crate::store::KeyOrigin;

const DAY_SECONDS: i64 = 24 * 3600;

/// A token that is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct TokenToSign<'a> {
    /// The set whose key signs.
    pub set: &'a str,
    /// The algorithm that the recipient asked for; `None` for the set's own. A managed set that has no key for it
    /// gets one.
    pub algorithm: Option<SigningAlgorithm>,
    /// `typ` of the header: `JWT`, `at+jwt`, `logout+jwt`, …
    pub typ: &'a str,
    /// The claims, as they are to appear.
    pub claims: &'a Claims,
}

impl KeyManager {
    /// A signed token in compact form.
    ///
    /// The key that signs stays published at least until the token's `exp`.
    ///
    /// # Errors
    /// [`KeyError::NoSigningKey`] when a set of the administrator has no fitting key, [`KeyError::Unreadable`] when
    /// the key cannot be opened, or the failure of storage.
    pub async fn sign_jwt(
        &self,
        project: ProjectId,
        now: Timestamp,
        token: TokenToSign<'_>,
    ) -> Result<String, KeyError> {
        let (set, algorithm) = self.signing_set(project, now, token.set, token.algorithm).await?;
        let key = rotation::signing_key(&set.keys, algorithm, now).ok_or(KeyError::NoSigningKey)?;
        let signer = key.signer.as_ref().ok_or(KeyError::Unreadable)?;
        self.hold(project, now, key, token.claims).await?;
        jwt::encode(signer, token.typ, token.claims)
    }

    /// The algorithm that [`KeyManager::sign_jwt`] uses when none is asked for.
    ///
    /// # Errors
    /// As [`KeyManager::sign_jwt`].
    pub async fn signing_algorithm(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
    ) -> Result<SigningAlgorithm, KeyError> {
        self.signing_set(project, now, set, None).await.map(|(_, algorithm)| algorithm)
    }

    /// `kid` of the key that [`KeyManager::sign_jwt`] uses now, for an algorithm or for the set's own.
    ///
    /// # Errors
    /// As [`KeyManager::sign_jwt`].
    pub async fn signing_key_id(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        algorithm: Option<SigningAlgorithm>,
    ) -> Result<String, KeyError> {
        let (set, algorithm) = self.signing_set(project, now, set, algorithm).await?;
        let key = rotation::signing_key(&set.keys, algorithm, now).ok_or(KeyError::NoSigningKey)?;
        Ok(key.row.kid.clone())
    }

    /// Publishes a key for an algorithm before anything is signed with it: who reads a set of keys keeps it for a while,
    /// and cannot check what a newer key has signed.
    ///
    /// # Errors
    /// As [`KeyManager::sign_jwt`].
    pub async fn publish(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        algorithm: SigningAlgorithm,
    ) -> Result<(), KeyError> {
        self.signing_set(project, now, set, Some(algorithm)).await.map(|_| ())
    }

    /// A set that has a key for the algorithm. A managed set is filled on first use.
    pub(super) async fn signing_set(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        asked: Option<SigningAlgorithm>,
    ) -> Result<(Arc<LoadedSet>, SigningAlgorithm), KeyError> {
        let managed = self.config.managed_set(set);
        let mut loaded = self.set(project, set, now).await?;
        let choose = |loaded: &LoadedSet| asked.or_else(|| rotation::default_algorithm(&loaded.keys, managed));
        let algorithm = choose(&loaded).ok_or(KeyError::NoSigningKey)?;
        if rotation::signing_key(&loaded.keys, algorithm, now).is_none() {
            if managed.is_none() {
                return Err(KeyError::NoSigningKey);
            }
            loaded = self.fill(project, set, rotation::first(algorithm, now), now).await?;
        }
        Ok((loaded, algorithm))
    }

    /// Makes sure that the schedule will not remove the key before the token has expired.
    async fn hold(&self, project: ProjectId, now: Timestamp, key: &LoadedKey, claims: &Claims) -> Result<(), KeyError> {
        if key.row.origin == KeyOrigin::Imported || self.config.managed_set(&key.row.set).is_none() {
            return Ok(());
        }
        let Some(expires_at) = expiry(claims) else { return Ok(()) };
        // Another node may have retired the key as long ago as this node's copy is old.
        let sure_until = now + self.config.rotation.keep_after.saturating_sub(self.config.refresh);
        if expires_at <= sure_until || expires_at.as_micros() <= key.held_until.load(Ordering::Acquire) {
            return Ok(());
        }
        // Whole days: one write per key and day, however many tokens it signs.
        let days = expires_at.as_seconds().div_euclid(DAY_SECONDS).saturating_add(1);
        let until = Timestamp::from_seconds(days.saturating_mul(DAY_SECONDS));
        self.store.hold_key(project, key.row.id, until).await?;
        key.held_until.fetch_max(until.as_micros(), Ordering::AcqRel);
        Ok(())
    }
}

/// The end of a token's life, rounded up to whole seconds.
fn expiry(claims: &Claims) -> Option<Timestamp> {
    let seconds = claims.get("exp")?.as_f64()?;
    let duration = Duration::try_from_secs_f64(seconds.ceil()).ok()?;
    Some(Timestamp::EPOCH + duration)
}
