//! `/admin/clients/{id}/secrets/rotate`: a new secret beside those so far, and an end to those.

use orrery_core::{RequestContext, Timestamp};

use super::create::Registered;
use super::edit::edit;
use super::secrets::NewSecret;
use super::version::MeantFor;
use super::{ClientId, ClientRecord};
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};

/// Makes a new secret. Those so far, at most five, go on working until [`forget_rotated`].
///
/// # Errors
/// `invalid_request` for a client without secrets; `not_found`, `precondition_failed`, `conflict`, storage.
pub async fn rotate(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
) -> Result<Registered, OAuth2Error> {
    let change = async |mut record: ClientRecord| {
        let method = record.client.token_endpoint_auth_method;
        if !method.uses_secret() {
            let description = "A client with this token_endpoint_auth_method has no secret that could be replaced.";
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, description));
        }
        let secret = NewSecret::generate(service, id, method);
        record.secrets = secret.beside(record.secrets, context.now);
        touch(&mut record, context);
        Ok((record, secret.plain))
    };
    let (record, secret) = edit(service, context.project, id, meant_for, change).await?;
    Ok(Registered { record, secret: Some(secret), registration_token: None })
}

/// Ends all secrets but the present one.
///
/// # Errors
/// `not_found`, `precondition_failed`, `conflict`, storage.
pub async fn forget_rotated(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
) -> Result<ClientRecord, OAuth2Error> {
    let change = async |mut record: ClientRecord| {
        record.secrets.rotated.clear();
        touch(&mut record, context);
        Ok((record, ()))
    };
    Ok(edit(service, context.project, id, meant_for, change).await?.0)
}

fn touch(record: &mut ClientRecord, context: &RequestContext) {
    record.client.updated_at = Timestamp::from_seconds(context.now.as_seconds());
}
