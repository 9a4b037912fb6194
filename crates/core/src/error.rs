//! Storage failures. "Not found" is a value; only a store that could not do its work is an error.

use std::error::Error as StdError;

/// Storage could not do what it was asked to.
///
/// `Display` never includes the source: whoever logs walks the chain, and no client ever sees it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, answers too slowly or the queue before it is full. Callers answer 503.
    #[error("storage is unavailable")]
    Unavailable(#[source] Option<Box<dyn StdError + Send + Sync>>),
    /// The row would break a uniqueness rule. Names what clashed, never the value. Callers answer 409 or a flow message.
    #[error("already taken: {0}")]
    Conflict(Conflict),
    /// A row or statement that should not exist: a defect. Callers answer 500.
    #[error("storage is inconsistent")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

/// What a uniqueness rule protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// A sign-in identifier of the same credential type.
    CredentialIdentifier,
    /// A verifiable address.
    VerifiableAddress,
    /// A recovery address.
    RecoveryAddress,
    /// An identity's `external_id`.
    ExternalId,
    /// An identity's id: it exists already.
    Identity,
    /// A primary key or version: somebody else was first.
    Version,
    /// A JSON Web Key with the same `kid` in the same set.
    Key,
    /// An OAuth2 client with the same `client_id`.
    Client,
    /// A trusted issuer with the same issuer, subject and key.
    TrustedIssuer,
    /// Any other unique rule.
    Other,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::CredentialIdentifier => "credential identifier",
            Self::VerifiableAddress => "verifiable address",
            Self::RecoveryAddress => "recovery address",
            Self::ExternalId => "external_id",
            Self::Identity => "identity id",
            Self::Version => "version",
            Self::Key => "key id",
            Self::Client => "client id",
            Self::TrustedIssuer => "trusted issuer",
            Self::Other => "unique value",
        })
    }
}

impl StoreError {
    /// The database cannot be used just now, and why.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(Some(source.into()))
    }

    /// Something that should be impossible, and what.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}
