//! `POST /admin/clients`, and what registering oneself shares with it.

use orrery_core::error::Conflict;
use orrery_core::secret::Purpose;
use orrery_core::{EntropyExt, RequestContext, StoreError, TokenHash};
use orrery_keys::SigningAlgorithm;
use orrery_keys::config::ID_TOKEN_SET;
use secrecy::{ExposeSecret, SecretString};

use super::secrets::NewSecret;
use super::validate::{Origin, validate, wrong};
use super::{AuthMethod, Client, ClientId, ClientMetadata, ClientRecord, ClientSecrets};
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};

/// What a registration access token begins with.
const TOKEN_PREFIX: &str = "ory_rat_";

/// A client, and what only its owner is told, once.
pub struct Registered {
    /// As it is stored.
    pub record: ClientRecord,
    /// A secret that is new.
    pub secret: Option<SecretString>,
    /// A registration access token that is new (RFC 7592).
    pub registration_token: Option<SecretString>,
}

/// Registers a client for an administrator, who may choose its id and secret.
///
/// # Errors
/// What [`validate`] refuses; `conflict` when the id is taken; storage.
pub async fn create(
    service: &OAuth2Service,
    context: &RequestContext,
    metadata: ClientMetadata,
) -> Result<Registered, OAuth2Error> {
    let id = match metadata.client_id.clone().filter(|id| !id.is_empty()) {
        Some(id) => ClientId::try_from(id)
            .map_err(|_| wrong("The member client_id must have 1 to 255 printable ASCII characters."))?,
        None => fresh_id(service)?,
    };
    register(service, context, id, By::Administrator, metadata).await
}

/// Who registers a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// An administrator, who vouches for it.
    Administrator,
    /// The client itself.
    Itself,
}

/// An id that nobody has.
pub(super) fn fresh_id(service: &OAuth2Service) -> Result<ClientId, OAuth2Error> {
    ClientId::try_from(service.entropy.uuid().to_string()).map_err(OAuth2Error::internal)
}

/// Validates, makes secret and registration token, and stores.
pub(super) async fn register(
    service: &OAuth2Service,
    context: &RequestContext,
    id: ClientId,
    by: By,
    metadata: ClientMetadata,
) -> Result<Registered, OAuth2Error> {
    let self_registered = by == By::Itself;
    let who = Origin { id: id.clone(), self_registered, created_at: context.now, updated_at: context.now };
    let client = validate(service, who, &metadata).await?;
    publish_keys(service, context, &client).await?;
    let method = client.token_endpoint_auth_method;
    let secret = match chosen(service, &id, method, &metadata).await? {
        Some(chosen) => Some(chosen),
        None => method.uses_secret().then(|| NewSecret::generate(service, &id, method)),
    };
    let (token, hash) = registration_token(service);
    let record = ClientRecord {
        client,
        secrets: secret.as_ref().map_or_else(ClientSecrets::default, NewSecret::alone),
        registration_token: Some(hash),
        version: 1,
    };
    match service.clients.client_create(context.project, &record).await {
        Ok(()) => {}
        Err(StoreError::Conflict(Conflict::Client)) => {
            let description = "A client with this client_id exists already. Choose another, or change that one.";
            return Err(OAuth2Error::new(ErrorCode::Conflict, description));
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Registered { record, secret: secret.map(|secret| secret.plain), registration_token: Some(token) })
}

/// Publishes keys for the algorithms that the client chose: whoever registers and then reads our keys can check what we sign.
pub(super) async fn publish_keys(
    service: &OAuth2Service,
    context: &RequestContext,
    client: &Client,
) -> Result<(), OAuth2Error> {
    let chosen = [
        &client.id_token_signed_response_alg,
        &client.userinfo_signed_response_alg,
        &client.introspection_signed_response_alg,
    ];
    for algorithm in chosen.into_iter().flatten().filter_map(|name| SigningAlgorithm::parse(name)) {
        service.keys.publish(context.project, context.now, ID_TOKEN_SET, algorithm).await?;
    }
    Ok(())
}

/// The secret that the caller chose, if any.
///
/// # Errors
/// `invalid_client_metadata` for a client that has no use for one.
pub(super) async fn chosen(
    service: &OAuth2Service,
    id: &ClientId,
    method: AuthMethod,
    metadata: &ClientMetadata,
) -> Result<Option<NewSecret>, OAuth2Error> {
    let Some(secret) = metadata.client_secret.clone().filter(|secret| !secret.is_empty()) else { return Ok(None) };
    if !method.uses_secret() {
        return Err(wrong("A client with this token_endpoint_auth_method has no client_secret. Leave it out."));
    }
    NewSecret::chosen(service, id, method, SecretString::from(secret)).await.map(Some)
}

/// A new registration access token and its hash.
pub(super) fn registration_token(service: &OAuth2Service) -> (SecretString, TokenHash) {
    let token = SecretString::from(format!("{TOKEN_PREFIX}{}", service.entropy.alphanumeric(43)));
    let hash = service.keyring.hash(Purpose::RegistrationToken, token.expose_secret());
    (token, hash)
}
