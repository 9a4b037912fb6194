//! A password in clear, hashed elsewhere, or known to another server.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{CredentialKind, Import, refused};
use crate::config::HashAlgorithm;
use crate::credentials::password::PasswordHash;
use crate::identity::ChangeError;

/// Longest password in clear, in bytes: hashing more would only waste time.
const MAX_PASSWORD: usize = 4096;
/// Where bcrypt stops reading.
const MAX_BCRYPT: usize = 72;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ImportedPassword {
    password: Option<SecretString>,
    hashed_password: Option<SecretString>,
    use_password_migration_hook: bool,
}

impl ImportedPassword {
    /// Whether it has to be hashed.
    pub(super) const fn is_clear(&self) -> bool {
        self.hashed_password.is_none() && self.password.is_some()
    }

    pub(super) async fn apply(&self, import: &mut Import<'_>) -> Result<(), ChangeError> {
        let Some(hash) = self.hash(import).await? else { return Ok(()) };
        let config = json!({"hashed_password": hash.encode()});
        import.identity.set_credential(CredentialKind::Password, config, import.context.now, &*import.service.entropy);
        Ok(())
    }

    async fn hash(&self, import: &Import<'_>) -> Result<Option<PasswordHash>, ChangeError> {
        let (service, refused) =
            (import.service, |member, reason: &str| refused(CredentialKind::Password, member, reason));
        if self.use_password_migration_hook {
            return Err(refused("use_password_migration_hook", "no password migration hook is configured"));
        }
        if let Some(hashed) = self.hashed_password.as_ref().filter(|hashed| !hashed.expose_secret().is_empty()) {
            let hash = hashed.expose_secret().parse();
            return hash.map(Some).map_err(|_| {
                let reason = "not a password hash of an accepted format, or one that is too costly to check";
                refused("hashed_password", reason)
            });
        }
        let Some(password) = self.password.as_ref().filter(|password| !password.expose_secret().is_empty()) else {
            return Ok(None);
        };
        let algorithm = service.config.load().hasher.algorithm;
        let limit = match algorithm {
            HashAlgorithm::Argon2id { .. } => MAX_PASSWORD,
            HashAlgorithm::Bcrypt { .. } => MAX_BCRYPT,
        };
        if password.expose_secret().len() > limit {
            return Err(refused("password", &format!("longer than {limit} bytes")));
        }
        let hash = service.hasher.hash(algorithm, password.clone(), &*service.entropy).await;
        hash.map(Some).map_err(|_| ChangeError::Overloaded)
    }
}
