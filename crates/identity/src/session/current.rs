//! Whose session a request carries, and whether it is enough.

use std::sync::Arc;

use orrery_core::{RequestContext, StoreError};

use super::{Presented, SessionWithIdentity};
use crate::config::RequiredAal;
use crate::service::IdentityService;

/// Why a request has no usable session.
#[derive(Debug, thiserror::Error)]
pub enum NoSession {
    /// There is none, or it is over. Callers answer 401 `session_inactive`.
    #[error("no active session")]
    Inactive,
    /// There is one, but this needs a second factor. Callers answer 403 `session_aal2_required`.
    #[error("a second factor is needed")]
    SecondFactorNeeded,
    /// Storage could not say. Never to be mistaken for [`NoSession::Inactive`]: callers answer 503.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The active session of a request, if it has one. One store call, none without a token; see
/// [`SessionStore::session_by_token`](crate::store::SessionStore::session_by_token).
///
/// # Errors
/// When storage fails.
pub async fn current(
    service: &IdentityService,
    context: &RequestContext,
    presented: &Presented,
) -> Result<Option<Arc<SessionWithIdentity>>, StoreError> {
    let hashes = presented.hashes(&service.keyring);
    if hashes.is_empty() {
        return Ok(None);
    }
    let session = service.sessions.session_by_token(context.project, &hashes).await?;
    Ok(session.filter(|session| session.is_active(context.now)))
}

/// The active session of a request at the level that the policy demands.
///
/// # Errors
/// When there is none, it is not enough, or storage fails.
pub async fn whoami(
    service: &IdentityService,
    context: &RequestContext,
    presented: &Presented,
    required: RequiredAal,
) -> Result<Arc<SessionWithIdentity>, NoSession> {
    let session = current(service, context, presented).await?.ok_or(NoSession::Inactive)?;
    if service.config.load().is_enough(required, &session.session, &session.identity) {
        Ok(session)
    } else if session.session.aal == super::Aal::Aal0 {
        // No first factor was ever completed: nothing to step up from.
        Err(NoSession::Inactive)
    } else {
        Err(NoSession::SecondFactorNeeded)
    }
}
