//! Keys as rows, with their private members sealed.

use std::sync::Arc;

use orrery_core::id::KeyId;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, ProjectId, Timestamp};
use zeroize::Zeroizing;

use crate::error::KeyError;
use crate::jwk::{Jwk, RawJwk};
use crate::store::{KeyOrigin, StoredKey};

/// Turns keys into rows and back.
#[derive(Clone)]
pub(super) struct Sealing {
    pub(super) keyring: Arc<Keyring>,
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Sealing {
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
        let Some(sealed) = &row.sealed_private else { return restore(row, None) };
        let plain = self.open_private(project, row, sealed)?;
        let private = serde_json::from_slice(&plain).map_err(|_| KeyError::Unreadable)?;
        restore(row, Some(private))
    }

    /// The sealed bytes of a row under the newest secret; `None` when they already are.
    pub(super) fn renew(
        &self,
        project: ProjectId,
        row: &StoredKey,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyError> {
        if self.keyring.is_sealed_by_newest(sealed) {
            return Ok(None);
        }
        let plain = self.open_private(project, row, sealed)?;
        let context = context(project, &row.set, &row.kid);
        Ok(Some(self.keyring.seal(Purpose::PrivateKey, &context, &plain, &*self.entropy)))
    }

    fn open_private(&self, project: ProjectId, row: &StoredKey, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let context = context(project, &row.set, &row.kid);
        let plain = self.keyring.open(Purpose::PrivateKey, &context, sealed);
        plain.map(Zeroizing::new).map_err(|_| KeyError::Unreadable)
    }
}

/// A row as a key without its private members.
pub(super) fn open_public(row: &StoredKey) -> Result<Jwk, KeyError> {
    restore(row, None)
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

#[cfg(test)]
mod tests {
    use orrery_core::SystemEntropy;
    use secrecy::SecretString;

    use super::*;
    use crate::algorithm::SigningAlgorithm;
    use crate::config::RsaSize;
    use crate::jwk::generate;
    use crate::store::KeyUse;

    const OLD: &str = "an old secret of some length";
    const NEW: &str = "a new secret of some length";

    fn sealing(secrets: &[&str]) -> Sealing {
        let secrets: Vec<_> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        let keyring = Keyring::new(&secrets).expect("long enough");
        Sealing { keyring: Arc::new(keyring), entropy: Arc::new(SystemEntropy::default()) }
    }

    fn row(sealing: &Sealing) -> (Jwk, StoredKey) {
        let made = generate(SigningAlgorithm::ES256, KeyUse::Signature, "k".to_owned(), RsaSize::Bits2048);
        let jwk = made.expect("made");
        let row = sealing.row(ProjectId::DEFAULT, "set", &jwk, KeyOrigin::Imported, Timestamp::EPOCH).expect("a row");
        (jwk, row)
    }

    #[test]
    fn nothing_private_rests_in_clear() {
        let (jwk, row) = row(&sealing(&[NEW]));
        let value = jwk.to_value().expect("json");
        let d = value["d"].as_str().expect("text");
        let sealed = row.sealed_private.clone().expect("private");
        assert!(!row.public_jwk.to_string().contains(d));
        assert!(!sealed.windows(d.len()).any(|window| window == d.as_bytes()));
        assert!(!format!("{row:?}").contains(d));
    }

    #[test]
    fn a_sealed_key_opens_only_where_it_was_put() {
        let sealing = sealing(&[NEW]);
        let (jwk, row) = row(&sealing);
        let opened = sealing.open(ProjectId::DEFAULT, &row).expect("opened");
        assert_eq!(opened.to_value().expect("json"), jwk.to_value().expect("json"));
        let other = ProjectId::generate(&SystemEntropy::default());
        assert!(sealing.open(other, &row).is_err(), "another project");
        for moved in [
            StoredKey { set: "se".to_owned(), kid: "tk".to_owned(), ..row.clone() },
            StoredKey { kid: "other".to_owned(), ..row.clone() },
        ] {
            assert!(sealing.open(ProjectId::DEFAULT, &moved).is_err());
        }
    }

    #[test]
    fn a_key_is_sealed_again_under_a_new_secret_once() {
        let (jwk, mut row) = row(&sealing(&[OLD]));
        let rotated = sealing(&[NEW, OLD]);
        let renewed = rotated.renew(ProjectId::DEFAULT, &row, row.sealed_private.as_deref().expect("private"));
        row.sealed_private = renewed.expect("opened");
        let alone = sealing(&[NEW]);
        let opened = alone.open(ProjectId::DEFAULT, &row).expect("the old secret is no longer needed");
        assert_eq!(opened.to_value().expect("json"), jwk.to_value().expect("json"));
        let again = alone.renew(ProjectId::DEFAULT, &row, row.sealed_private.as_deref().expect("private"));
        assert_eq!(again.expect("sealed by the newest"), None);
    }
}
