//! Clients that register themselves (RFC 7591) and look after themselves (RFC 7592).

use std::sync::Arc;

use orrery_core::RequestContext;
use orrery_core::secret::Purpose;

use super::change::replaced;
use super::create::{self, By, Registered, fresh_id, registration_token};
use super::edit::edit;
use super::secrets::same;
use super::validate::wrong;
use super::version::MeantFor;
use super::{ClientId, ClientMetadata, ClientRecord, Lifespans};
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};

/// Registers the caller. Its id is ours to choose, its secret too.
///
/// # Errors
/// `not_found` where it is switched off; `too_many_requests`; `invalid_client_metadata` for what only administrators set; otherwise as
/// [`create`](create::create).
pub async fn register(
    service: &OAuth2Service,
    context: &RequestContext,
    metadata: ClientMetadata,
) -> Result<Registered, OAuth2Error> {
    enabled(service)?;
    service.registrations.take(context, (), service.config.load().limits.registrations)?;
    if metadata.client_secret.as_ref().is_some_and(|secret| !secret.is_empty()) {
        return Err(wrong("The member client_secret cannot be chosen; the server makes it."));
    }
    closed(&metadata)?;
    create::register(service, context, fresh_id(service)?, By::Itself, metadata).await
}

/// The caller's own registration.
///
/// # Errors
/// `not_found` where it is switched off; `request_unauthorized` without the client's token; storage.
pub async fn read(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &str,
    token: Option<&str>,
) -> Result<ClientRecord, OAuth2Error> {
    enabled(service)?;
    let id = id.parse::<ClientId>().map_err(|_| unauthorized())?;
    let record = service.clients.client_by_id(context.project, &id).await?.ok_or_else(unauthorized)?;
    admit(service, &record, token)?;
    Ok(Arc::unwrap_or_clone(record))
}

/// Replaces the caller's own registration and its token. What only administrators set stays as it is.
///
/// # Errors
/// As [`read`] and [`register`]; `request_forbidden` when a secret is sent.
pub async fn replace(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &str,
    token: Option<&str>,
    metadata: &ClientMetadata,
) -> Result<Registered, OAuth2Error> {
    let id = read(service, context, id, token).await?.client.id;
    if metadata.client_secret.as_ref().is_some_and(|secret| !secret.is_empty()) {
        let description = "A client cannot choose its client_secret. Leave it out; the present one stays.";
        return Err(OAuth2Error::new(ErrorCode::RequestForbidden, description));
    }
    if metadata.client_id.as_ref().is_some_and(|named| !named.is_empty() && named != id.as_str()) {
        return Err(wrong("The member client_id is not the one in the path. A client_id never changes."));
    }
    closed(metadata)?;
    // Judged again inside: of two callers with the same token one is first, and the other's token is then an old one.
    let change = async |before: ClientRecord| {
        admit(service, &before, token)?;
        let kept = before.client.clone();
        let (mut record, secret) = replaced(service, context, before, metadata).await?;
        record.client.owner = kept.owner;
        record.client.metadata = kept.metadata;
        record.client.skip_consent = kept.skip_consent;
        record.client.skip_logout_consent = kept.skip_logout_consent;
        record.client.access_token_strategy = kept.access_token_strategy;
        record.client.lifespans = kept.lifespans;
        let (fresh, hash) = registration_token(service);
        record.registration_token = Some(hash);
        Ok((record, (secret, fresh)))
    };
    let (record, (secret, fresh)) = match edit(service, context.project, &id, &MeantFor::Any, change).await {
        Err(error) if error.code == ErrorCode::NotFound => return Err(unauthorized()),
        edited => edited?,
    };
    Ok(Registered { record, secret, registration_token: Some(fresh) })
}

/// Deletes the caller's own registration.
///
/// # Errors
/// As [`read`].
pub async fn delete(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &str,
    token: Option<&str>,
) -> Result<(), OAuth2Error> {
    let id = read(service, context, id, token).await?.client.id;
    // Whoever was faster has done what was asked for.
    service.clients.client_delete(context.project, &id, None).await?;
    Ok(())
}

/// Off unless an operator wants it: anybody may call.
///
/// # Errors
/// `not_found` where it is switched off.
pub fn enabled(service: &OAuth2Service) -> Result<(), OAuth2Error> {
    if service.config.load().registration.enabled {
        return Ok(());
    }
    let description = "Clients cannot register themselves here: dynamic client registration is switched off.";
    Err(OAuth2Error::new(ErrorCode::NotFound, description))
}

/// What concerns people's consent, or what tokens are worth, is for administrators.
fn closed(metadata: &ClientMetadata) -> Result<(), OAuth2Error> {
    let filled = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let closed = [
        ("metadata", metadata.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty())),
        ("access_token_strategy", filled(&metadata.access_token_strategy)),
        ("skip_consent", metadata.skip_consent == Some(true)),
        ("skip_logout_consent", metadata.skip_logout_consent.is_some()),
        ("owner", filled(&metadata.owner)),
    ];
    if let Some((name, _)) = closed.into_iter().find(|(_, set)| *set) {
        return Err(wrong(format!("The member {name} cannot be set by the client itself.")));
    }
    if let Some((name, _)) = Lifespans::read(&metadata.others)?.entries().next() {
        return Err(wrong(format!("The member {name} cannot be set by the client itself.")));
    }
    Ok(())
}

/// Unknown client, wrong token and no token are answered alike.
fn admit(service: &OAuth2Service, record: &ClientRecord, token: Option<&str>) -> Result<(), OAuth2Error> {
    let stored = record.registration_token.as_ref();
    let fits = |given: &str, stored| {
        service.keyring.candidates(Purpose::RegistrationToken, given).any(|candidate| same(&candidate, stored))
    };
    match (token, stored) {
        (Some(given), Some(stored)) if fits(given, stored) => Ok(()),
        (_, _) => Err(unauthorized()),
    }
}

fn unauthorized() -> OAuth2Error {
    let description = "Send the registration_access_token of this client as a bearer token.";
    OAuth2Error::new(ErrorCode::RequestUnauthorized, description)
}
