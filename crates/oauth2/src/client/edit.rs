//! The loop that makes a change of a client stick.

use std::sync::Arc;

use orrery_core::ProjectId;

use super::version::MeantFor;
use super::{ClientId, ClientRecord};
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};
use crate::store::Updated;

/// How often a change is computed anew because somebody else changed the client in between.
const TRIES: usize = 4;

/// Reads the client, computes the change and stores it, again when somebody else was faster. `change` returns the
/// client as it shall be, and whatever the answer needs besides.
///
/// # Errors
/// `not_found`; `precondition_failed` when it is another version than was meant; `conflict` when others kept changing the
/// client; what `change` refuses; storage.
pub(super) async fn edit<T, F>(
    service: &OAuth2Service,
    project: ProjectId,
    id: &ClientId,
    meant_for: &MeantFor,
    change: F,
) -> Result<(ClientRecord, T), OAuth2Error>
where
    F: AsyncFn(ClientRecord) -> Result<(ClientRecord, T), OAuth2Error>,
{
    for _ in 0..TRIES {
        let before = service.clients.client_by_id(project, id).await?.ok_or_else(unknown)?;
        meant_for.check(&before)?;
        let version = before.version;
        let (mut after, more) = change(Arc::unwrap_or_clone(before)).await?;
        after.version = version;
        match service.clients.client_update(project, &after).await? {
            Updated::Done => {
                after.version += 1;
                return Ok((after, more));
            }
            Updated::Stale => {}
            Updated::Unknown => return Err(unknown()),
        }
    }
    let description = "The client was changed by others at the same time. Read it again and repeat the change.";
    Err(OAuth2Error::new(ErrorCode::Conflict, description))
}

/// There is no such client.
pub(crate) fn unknown() -> OAuth2Error {
    OAuth2Error::new(ErrorCode::NotFound, "There is no client with this client_id.")
}
