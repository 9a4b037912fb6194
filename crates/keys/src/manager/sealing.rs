//! Private members at rest.

use orrery_core::id::KeyId;
use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp};
use zeroize::Zeroizing;

use super::KeyManager;
use crate::error::KeyError;
use crate::jwk::{Jwk, RawJwk};
use crate::store::{KeyOrigin, StoredKey};

impl KeyManager {
    /// A key as a row that is published and signs from `now` on.
    pub(super) fn row(
        &self,
        project: ProjectId,
        set: &str,
        jwk: &Jwk,
        origin: KeyOrigin,
        now: Timestamp,
    ) -> Result<StoredKey, KeyError> {
        let private = jwk.private_bytes().map_err(|_| KeyError::Crypto)?;
        let context = context(project, set, jwk.kid());
        Ok(StoredKey {
            id: KeyId::generate(&*self.entropy),
            set: set.to_owned(),
            kid: jwk.kid().to_owned(),
            algorithm: jwk.algorithm().to_owned(),
            usage: jwk.usage(),
            origin,
            public_jwk: jwk.public_value().map_err(|_| KeyError::Crypto)?,
            sealed_private: private
                .map(|plain| self.keyring.seal(Purpose::PrivateKey, &context, &plain, &*self.entropy)),
            succession: None,
            created_at: now,
            activates_at: now,
            retires_at: None,
            removes_at: None,
            held_until: None,
        })
    }

    /// A row as a key, private members included when there are any.
    pub(super) fn open(&self, project: ProjectId, row: &StoredKey) -> Result<Jwk, KeyError> {
        let private = match &row.sealed_private {
            Some(sealed) => Some(self.open_private(project, row, sealed)?),
            None => None,
        };
        let private = private.map(|plain| serde_json::from_slice(&plain).map_err(|_| KeyError::Unreadable));
        restore(row, private.transpose()?)
    }

    /// A row as a key without its private members.
    pub(super) fn open_public(row: &StoredKey) -> Result<Jwk, KeyError> {
        restore(row, None)
    }

    /// The sealed members of a row in clear.
    pub(super) fn open_private(
        &self,
        project: ProjectId,
        row: &StoredKey,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let context = context(project, &row.set, &row.kid);
        let plain = self.keyring.open(Purpose::PrivateKey, &context, sealed);
        plain.map(Zeroizing::new).map_err(|_| KeyError::Unreadable)
    }

    /// Seals members of a row again, under the newest secret.
    pub(super) fn seal_again(&self, project: ProjectId, row: &StoredKey, plain: &[u8]) -> Vec<u8> {
        self.keyring.seal(Purpose::PrivateKey, &context(project, &row.set, &row.kid), plain, &*self.entropy)
    }
}

fn restore(row: &StoredKey, private: Option<RawJwk>) -> Result<Jwk, KeyError> {
    let public = serde_json::from_value(row.public_jwk.clone()).map_err(|_| KeyError::Unreadable)?;
    Jwk::restore(public, private).map_err(|_| KeyError::Unreadable)
}

/// Binds sealed bytes to their place: moved to another project, set or `kid` they do not open. The lengths keep
/// `("a", "bc")` apart from `("ab", "c")`.
fn context(project: ProjectId, set: &str, kid: &str) -> Vec<u8> {
    format!("{project}/{}/{set}/{}/{kid}", set.len(), kid.len()).into_bytes()
}
