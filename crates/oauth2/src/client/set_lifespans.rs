//! `PUT /admin/clients/{id}/lifespans`: all lifetimes at once.

use orrery_core::{RequestContext, Timestamp};
use serde_json::{Map, Value};

use super::edit::edit;
use super::version::MeantFor;
use super::{ClientId, ClientRecord, Lifespans};
use crate::OAuth2Service;
use crate::error::OAuth2Error;

/// Replaces every lifetime; one that is not sent is no longer set.
///
/// # Errors
/// `invalid_client_metadata`, naming the member; `not_found`, `precondition_failed`, `conflict`, storage.
pub async fn set_lifespans(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
    members: &Map<String, Value>,
) -> Result<ClientRecord, OAuth2Error> {
    let lifespans = Lifespans::read(members)?;
    let change = async |mut record: ClientRecord| {
        record.client.lifespans = lifespans;
        record.client.updated_at = Timestamp::from_seconds(context.now.as_seconds());
        Ok((record, ()))
    };
    Ok(edit(service, context.project, id, meant_for, change).await?.0)
}
