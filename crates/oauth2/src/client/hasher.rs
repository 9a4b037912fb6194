//! Hashing client secrets that somebody chose.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::{ErrorCode, OAuth2Error};

/// Hashes and checks chosen secrets. Slow on purpose, so that it runs on a bounded pool: the server connects it to the
/// one that hashes passwords.
#[async_trait]
pub trait SecretHasher: Send + Sync {
    /// The hash of a secret, in its usual text form.
    ///
    /// # Errors
    /// When too much is waiting.
    async fn hash(&self, secret: SecretString) -> Result<String, HasherBusy>;

    /// Whether `hash` was made of this secret. A text that is no hash of an accepted kind was made of none.
    ///
    /// # Errors
    /// When too much is waiting.
    async fn verify(&self, hash: &str, secret: SecretString) -> Result<bool, HasherBusy>;

    /// Whether `hash`, which was made of this secret, is of another kind than new ones.
    fn is_outdated(&self, hash: &str, secret: &SecretString) -> bool;
}

/// More hashes are waiting than the pool takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many secrets are waiting to be hashed")]
pub struct HasherBusy;

/// Seconds after which the pool has room again.
const RETRY_AFTER: u32 = 2;

impl From<HasherBusy> for OAuth2Error {
    fn from(busy: HasherBusy) -> Self {
        let description = "Too many secrets are waiting to be checked. Try again in a moment.";
        Self {
            retry_after: Some(RETRY_AFTER),
            source: Some(busy.into()),
            ..Self::new(ErrorCode::TemporarilyUnavailable, description)
        }
    }
}
