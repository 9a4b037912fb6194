//! Client authentication (RFC 6749 section 2.3, OpenID Connect Core section 9): who is calling, and is it so?

mod assertion;
mod keys;
mod presented;
mod upgrade;

use std::sync::Arc;

use orrery_core::{RequestContext, StoreError};

use crate::client::{AuthMethod, ClientId, ClientRecord, matching_secret};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

pub use keys::ClientKeys;
pub(crate) use keys::{KeyFailure, why};
pub use presented::Presented;

/// The type of a client assertion (RFC 7523 section 2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Finds out who calls an endpoint.
///
/// # Errors
/// `invalid_client`, in the same words whether the client is unknown or its proof is wrong; `invalid_request` when the
/// request contradicts itself; `jti_known` for an assertion that was used before; `too_many_requests` for a client that
/// was guessed at from the same network address.
pub async fn authenticate(
    service: &OAuth2Service,
    context: &RequestContext,
    presented: &Presented,
) -> Result<Arc<ClientRecord>, OAuth2Error> {
    let id = presented.client_id().ok_or_else(refused)?;
    let id: ClientId = id.parse().map_err(|_| refused())?;
    let bound = service.config.load().limits.failed_authentications;
    service.failed_authentications.check(context, id.clone(), bound)?;
    match prove(service, context, &id, presented).await {
        Ok(record) => Ok(record),
        Err(Refusal::Guess(error)) => {
            service.failed_authentications.take(context, id, bound)?;
            Err(error)
        }
        Err(Refusal::Other(error)) => Err(error),
    }
}

/// Why a client was not authenticated.
#[derive(Debug)]
enum Refusal {
    /// Its secret or signature is wrong, or there is no such client: somebody may be guessing, and that is counted.
    Guess(OAuth2Error),
    /// It is set up in another way, its keys cannot be fetched, or we have trouble. Whoever repeats that learns nothing.
    Other(OAuth2Error),
}

impl From<OAuth2Error> for Refusal {
    fn from(error: OAuth2Error) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

async fn prove(
    service: &OAuth2Service,
    &RequestContext { project, now, .. }: &RequestContext,
    id: &ClientId,
    presented: &Presented,
) -> Result<Arc<ClientRecord>, Refusal> {
    let guess = || Refusal::Guess(refused());
    let record = service.clients.client_by_id(project, id).await?.ok_or_else(guess)?;
    use AuthMethod::{ClientSecretBasic, ClientSecretJwt, ClientSecretPost, None as Public, PrivateKeyJwt};
    match (presented, record.client.token_endpoint_auth_method) {
        (Presented::Basic { secret, .. }, ClientSecretBasic) | (Presented::Post { secret, .. }, ClientSecretPost) => {
            let stored = matching_secret(service, &record.secrets, secret).await?.ok_or_else(guess)?;
            upgrade::upgrade(service, project, &record, stored, secret).await;
        }
        (Presented::Assertion { token, .. }, ClientSecretJwt | PrivateKeyJwt) => {
            assertion::check(service, project, now, &record, token).await?;
        }
        (Presented::Nothing { .. }, Public) => {}
        (Presented::Basic { .. }, Public | ClientSecretPost | ClientSecretJwt | PrivateKeyJwt)
        | (Presented::Post { .. }, Public | ClientSecretBasic | ClientSecretJwt | PrivateKeyJwt)
        | (Presented::Assertion { .. }, Public | ClientSecretBasic | ClientSecretPost)
        | (Presented::Nothing { .. }, ClientSecretBasic | ClientSecretPost | ClientSecretJwt | PrivateKeyJwt) => {
            return Err(wrong_method(&record).into());
        }
    }
    Ok(record)
}

/// The one refusal for everything that a stranger could try.
fn refused() -> OAuth2Error {
    OAuth2Error::new(
        ErrorCode::InvalidClient,
        "The client could not be authenticated: it is unknown, or its secret or assertion is wrong. \
         Check both, and how the client is registered.",
    )
}

/// The client is known and used another method than the one it is registered with. Which one that is, its owner has to look
/// up: the answer goes to whoever asks.
fn wrong_method(record: &ClientRecord) -> OAuth2Error {
    let mut error = OAuth2Error::new(
        ErrorCode::InvalidClient,
        "The client could not be authenticated: it is registered with another token_endpoint_auth_method than the \
         one it used. Use that, or register this one.",
    );
    error.source = Some(format!("registered for {:?}", record.client.token_endpoint_auth_method).into());
    error
}
