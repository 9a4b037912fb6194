//! What can go wrong with keys, by what a caller can do about it.

use orrery_core::StoreError;

use crate::jwk::InvalidJwk;

/// A key operation did not happen.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The request is wrong; names the member.
    #[error(transparent)]
    Invalid(#[from] InvalidJwk),
    /// There is no such set or key.
    #[error("the key or key set does not exist")]
    NotFound,
    /// The set has no key that may sign (with this algorithm, if one was asked for).
    #[error("the key set has no key to sign with")]
    NoSigningKey,
    /// The configured secrets do not open the private key.
    #[error("the private key cannot be opened with the configured secrets")]
    Unreadable,
    /// The cryptographic library refused to make or use a key.
    #[error("the cryptographic library failed")]
    Crypto,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
