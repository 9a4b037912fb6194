//! `DELETE /admin/clients/{id}`.

use orrery_core::RequestContext;

use super::ClientId;
use super::edit::unknown;
use super::version::{MeantFor, changed};
use crate::OAuth2Service;
use crate::error::OAuth2Error;
use crate::store::Updated;

/// Deletes a client with everything that it was given.
///
/// # Errors
/// `not_found`; `precondition_failed` when it is another version than was meant; storage.
pub async fn delete(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
) -> Result<(), OAuth2Error> {
    let version = match meant_for {
        MeantFor::Any => None,
        MeantFor::Only(_) => {
            let found = service.clients.client_by_id(context.project, id).await?.ok_or_else(unknown)?;
            meant_for.check(&found)?;
            Some(found.version)
        }
    };
    match service.clients.client_delete(context.project, id, version).await? {
        Updated::Done => Ok(()),
        Updated::Stale => Err(changed()),
        Updated::Unknown => Err(unknown()),
    }
}
