//! `PUT /admin/clients/{id}`: everything but the id, the moment of registration and what is secret is replaced.

use orrery_core::RequestContext;
use secrecy::SecretString;

use super::create::{Registered, chosen, publish_keys};
use super::edit::edit;
use super::secrets::NewSecret;
use super::validate::{Origin, validate, wrong};
use super::version::MeantFor;
use super::{AuthMethod, Client, ClientId, ClientMetadata, ClientRecord, ClientSecrets};
use crate::OAuth2Service;
use crate::error::OAuth2Error;

/// Replaces the metadata of a client. A secret that is sent replaces all others; without one they stay.
///
/// # Errors
/// `not_found`, `precondition_failed`, what [`validate`] refuses, `conflict`, storage.
pub async fn replace(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
    metadata: &ClientMetadata,
) -> Result<Registered, OAuth2Error> {
    let change = async |before: ClientRecord| replaced(service, context, before, metadata).await;
    let (record, secret) = edit(service, context.project, id, meant_for, change).await?;
    Ok(Registered { record, secret, registration_token: None })
}

/// The client with other metadata, and its secret when that is new.
pub(super) async fn replaced(
    service: &OAuth2Service,
    context: &RequestContext,
    before: ClientRecord,
    metadata: &ClientMetadata,
) -> Result<(ClientRecord, Option<SecretString>), OAuth2Error> {
    let id = before.client.id.clone();
    let Client { self_registered, created_at, .. } = before.client;
    let who = Origin { id, self_registered, created_at, updated_at: context.now };
    let client = validate(service, who, metadata).await?;
    publish_keys(service, context, &client).await?;
    let secret = chosen(service, &client.id, client.token_endpoint_auth_method, metadata).await?;
    let (secrets, secret) = match secret {
        Some(secret) => (secret.alone(), Some(secret.plain)),
        None => kept(service, &client, before.secrets)?,
    };
    Ok((ClientRecord { client, secrets, ..before }, secret))
}

/// The secrets of before as far as the client has a use for them. A client that never had one is given one.
fn kept(
    service: &OAuth2Service,
    client: &Client,
    before: ClientSecrets,
) -> Result<(ClientSecrets, Option<SecretString>), OAuth2Error> {
    let method = client.token_endpoint_auth_method;
    if !method.uses_secret() {
        return Ok((ClientSecrets::default(), None));
    }
    if before.current.is_none() {
        let secret = NewSecret::generate(service, &client.id, method);
        return Ok((secret.alone(), Some(secret.plain)));
    }
    if method != AuthMethod::ClientSecretJwt {
        return Ok((ClientSecrets { sealed: None, ..before }, None));
    }
    if before.sealed.is_none() {
        return Err(wrong(
            "The present secret is stored so that it cannot sign. Send a client_secret to change to client_secret_jwt.",
        ));
    }
    Ok((before, None))
}
