//! What can go wrong when an administrator changes an identity, and the loop that makes a change stick.

use std::collections::BTreeSet;

use orrery_core::id::IdentityId;
use orrery_core::{RequestContext, StoreError};

use super::Identity;
use crate::IdentityService;
use crate::credentials::CredentialKind;
use crate::schema::TraitError;
use crate::store::Updated;

/// How often a change is computed anew because somebody else changed the identity in between.
const TRIES: usize = 4;

/// Why an identity was not created or changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// No schema has this id.
    #[error("there is no schema with this id")]
    UnknownSchema(String),
    /// The schema refuses the traits.
    #[error("the schema refuses the traits")]
    Traits(Vec<TraitError>),
    /// A member of the request cannot be accepted.
    #[error("{field}: {reason}")]
    Invalid {
        /// The member.
        field: String,
        /// Why not.
        reason: String,
    },
    /// There is no such identity.
    #[error("there is no such identity")]
    Unknown,
    /// Others kept changing the identity at the same time.
    #[error("the identity was changed by others at the same time")]
    Contended,
    /// More passwords are waiting to be hashed than the queue holds.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// Storage could not do its work, or a unique value is taken.
    #[error("storage failed")]
    Store(#[from] StoreError),
}

impl ChangeError {
    /// A member of the request that cannot be accepted.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), reason: reason.into() }
    }
}

/// Every kind of credential: what a change has to load, so that it never mistakes "not loaded" for "not there".
#[must_use]
pub fn every_credential() -> BTreeSet<CredentialKind> {
    CredentialKind::ALL.into()
}

/// Reads the identity, computes the change and stores it, again when somebody else was faster.
pub(super) async fn change<F>(
    service: &IdentityService,
    context: &RequestContext,
    id: IdentityId,
    apply: F,
) -> Result<Identity, ChangeError>
where
    F: AsyncFn(&mut Identity) -> Result<(), ChangeError>,
{
    for _ in 0..TRIES {
        let found = service.identities.identity_by_id(context.project, id, &every_credential()).await?;
        let before = found.ok_or(ChangeError::Unknown)?;
        let mut identity = before.clone();
        apply(&mut identity).await?;
        if identity.state != before.state {
            identity.state_changed_at = context.now;
        }
        identity.updated_at = context.now;
        let kept: BTreeSet<_> = identity.credentials.keys().copied().collect();
        let removed = before.credentials.keys().copied().filter(|kind| !kept.contains(kind)).collect();
        match service.identities.identity_update(context.project, &identity, &removed).await? {
            Updated::Done => {
                identity.version += 1;
                return Ok(identity);
            }
            Updated::Stale => {}
            Updated::Unknown => return Err(ChangeError::Unknown),
        }
    }
    Err(ChangeError::Contended)
}

/// An `external_id` as it is stored: none for an empty one.
pub(super) fn external_id(given: Option<String>) -> Result<Option<String>, ChangeError> {
    let Some(id) = given.filter(|id| !id.is_empty()) else { return Ok(None) };
    if id.chars().count() > 255 || id.chars().any(char::is_control) {
        return Err(ChangeError::invalid("external_id", "use at most 255 characters and no control characters"));
    }
    Ok(Some(id))
}
