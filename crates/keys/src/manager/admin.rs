//! What administrators do with sets and keys.

use std::collections::HashSet;
use std::time::Duration;

use orrery_core::error::Conflict;
use orrery_core::{EntropyExt, ProjectId, StoreError, Timestamp};

use super::KeyManager;
use super::sealing::open_public;
use crate::algorithm::SigningAlgorithm;
use crate::config::PrivateExport;
use crate::error::KeyError;
use crate::jwk::{InvalidJwk, Jwk, RawJwk, check_name};
use crate::store::{KeyOrigin, KeyUse, StoredKey};

/// Most keys of one set.
const MAX_KEYS: usize = 100;

/// A request for a new key.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// `alg`.
    pub algorithm: String,
    /// `use`; `None` means `sig`.
    pub usage: Option<String>,
    /// `kid`; `None` for a random one.
    pub kid: Option<String>,
}

impl KeyManager {
    /// Makes a key, adds it to the set and lets it sign from now on.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] names the member; `Conflict::Key` when the set has a key of that name.
    pub async fn create_key(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        new: NewKey,
    ) -> Result<Jwk, KeyError> {
        check_name("set", set)?;
        let algorithm = SigningAlgorithm::parse(&new.algorithm)
            .ok_or_else(|| InvalidJwk::new("alg", "is not a supported signature algorithm"))?;
        let usage = match new.usage.as_deref() {
            None => KeyUse::Signature,
            Some(usage) => KeyUse::parse(usage).ok_or_else(|| InvalidJwk::new("use", "must be sig or enc"))?,
        };
        let kid = new.kid.unwrap_or_else(|| self.sealing.entropy.uuid().to_string());
        check_name("kid", &kid)?;
        // Before the expensive part; the store still decides.
        let present = self.store.keys(project, set).await?;
        if present.len() >= MAX_KEYS {
            return Err(InvalidJwk::new("set", "is full: delete keys that are no longer needed").into());
        }
        if present.iter().any(|key| key.kid == kid) {
            return Err(StoreError::Conflict(Conflict::Key).into());
        }
        let jwk = self.generate(algorithm, usage, kid).await?;
        let row = self.sealing.row(project, set, &jwk, KeyOrigin::Generated, now)?;
        self.store.add_key(project, &row).await?;
        self.forget();
        self.exported(jwk)
    }

    /// All keys of a set, the newest first.
    ///
    /// # Errors
    /// [`KeyError::NotFound`] when it has none.
    pub async fn read_set(&self, project: ProjectId, set: &str) -> Result<Vec<Jwk>, KeyError> {
        let rows = self.store.keys(project, set).await?;
        if rows.is_empty() {
            return Err(KeyError::NotFound);
        }
        rows.iter().map(|row| self.export(project, row)).collect()
    }

    /// One key.
    ///
    /// # Errors
    /// [`KeyError::NotFound`].
    pub async fn read_key(&self, project: ProjectId, set: &str, kid: &str) -> Result<Jwk, KeyError> {
        let row = self.store.key(project, set, kid).await?.ok_or(KeyError::NotFound)?;
        self.export(project, &row)
    }

    /// Makes the given keys the whole set. The first is the newest, so it signs. The schedule leaves them alone.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] names the first member that is wrong; nothing is stored then.
    pub async fn replace_set(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        keys: Vec<RawJwk>,
    ) -> Result<Vec<Jwk>, KeyError> {
        check_name("set", set)?;
        if keys.is_empty() || keys.len() > MAX_KEYS {
            return Err(InvalidJwk::new("keys", "must have 1 to 100 keys").into());
        }
        // Checking RSA keys takes milliseconds each: not on a thread that serves others.
        let jwks = blocking(move || import_all(keys)).await??;
        let mut rows = Vec::with_capacity(jwks.len());
        for (position, jwk) in (0_u32..).zip(&jwks) {
            // One microsecond apart, so that the order of the request is the order of every answer.
            let created_at = now - Duration::from_micros(1) * position;
            rows.push(self.sealing.row(project, set, jwk, KeyOrigin::Imported, created_at)?);
        }
        self.store.replace_set(project, set, &rows).await?;
        self.forget();
        jwks.into_iter().map(|jwk| self.exported(jwk)).collect()
    }

    /// Stores a key in place of the one of the same name, if there is one. It signs from now on, and the schedule
    /// leaves it alone.
    ///
    /// # Errors
    /// [`KeyError::Invalid`] names the member that is wrong. A `kid` other than that of the path is wrong too.
    pub async fn put_key(
        &self,
        project: ProjectId,
        now: Timestamp,
        set: &str,
        kid: &str,
        mut key: RawJwk,
    ) -> Result<Jwk, KeyError> {
        check_name("set", set)?;
        match key.kid.as_deref() {
            None | Some("") => key.kid = Some(kid.to_owned()),
            Some(named) if named != kid => {
                return Err(InvalidJwk::new("kid", "is not the key id of the path").into());
            }
            Some(_) => {}
        }
        let jwk = blocking(move || Jwk::import(key)).await??;
        let row = self.sealing.row(project, set, &jwk, KeyOrigin::Imported, now)?;
        self.store.put_key(project, &row).await?;
        self.forget();
        self.exported(jwk)
    }

    /// Deletes a set. A managed one starts anew.
    ///
    /// # Errors
    /// The failure of storage.
    pub async fn delete_set(&self, project: ProjectId, set: &str) -> Result<(), KeyError> {
        self.store.delete_set(project, set).await?;
        self.forget();
        Ok(())
    }

    /// Deletes a key. Tokens that it signed no longer verify.
    ///
    /// # Errors
    /// The failure of storage.
    pub async fn delete_key(&self, project: ProjectId, set: &str, kid: &str) -> Result<(), KeyError> {
        self.store.delete_key(project, set, kid).await?;
        self.forget();
        Ok(())
    }

    fn export(&self, project: ProjectId, row: &StoredKey) -> Result<Jwk, KeyError> {
        match self.config.private_export {
            PrivateExport::Allowed => self.sealing.open(project, row),
            PrivateExport::Refused => open_public(row),
        }
    }

    fn exported(&self, jwk: Jwk) -> Result<Jwk, KeyError> {
        match self.config.private_export {
            PrivateExport::Allowed => Ok(jwk),
            PrivateExport::Refused => jwk.without_private().map_err(KeyError::from),
        }
    }
}

fn import_all(keys: Vec<RawJwk>) -> Result<Vec<Jwk>, InvalidJwk> {
    let mut names = HashSet::new();
    let imported = keys.into_iter().enumerate().map(|(position, raw)| {
        let jwk = Jwk::import(raw).map_err(|error| error.in_set(position))?;
        if !names.insert(jwk.kid().to_owned()) {
            return Err(InvalidJwk::new("kid", "appears twice").in_set(position));
        }
        Ok(jwk)
    });
    imported.collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, KeyError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| KeyError::Crypto)
}
