//! From what a caller sent to a client that can be registered, or to the first thing that is wrong with it.

mod addresses;
mod algorithms;
mod bounds;
mod keys;
mod sector;

use orrery_core::Timestamp;
use serde_json::Value;

use super::{AccessTokenStrategy, AuthMethod, Client, ClientId, ClientMetadata, Lifespans, SubjectType};
use crate::OAuth2Service;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::subject;

/// Fewest characters of a secret that somebody chose.
const SHORTEST_SECRET: usize = 6;
/// Most: whoever checks it hashes it whole.
const LONGEST_SECRET: usize = 512;
/// Fewest bytes of a secret that signs with HMAC-SHA-256 (RFC 7518 section 3.2).
const SHORTEST_KEY: usize = 32;

/// Who a client is and since when: what its metadata does not say.
pub(super) struct Origin {
    pub(super) id: ClientId,
    pub(super) self_registered: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// Checks every member, in a fixed order, so that the same request is always answered alike. Fetches the document
/// that names the sector, when there is one.
///
/// # Errors
/// `invalid_client_metadata`, or `invalid_redirect_uri` for redirect addresses (RFC 7591 section 3.2.2), naming the
/// member.
pub(super) async fn validate(
    service: &OAuth2Service,
    who: Origin,
    metadata: &ClientMetadata,
) -> Result<Client, OAuth2Error> {
    let config = service.config.load_full();
    bounds::check(metadata)?;
    let method = auth_method(metadata)?;
    let jwks = keys::check(metadata, method)?;
    addresses::check(metadata)?;
    addresses::reachable(metadata, |url| service.outbound.allows(url))?;
    secret(metadata, method)?;
    let allowed_cors_origins = addresses::origins(metadata)?;
    let redirect_uris = list(&metadata.redirect_uris);
    let sector = text(&metadata.sector_identifier_uri);
    if let Some(sector) = &sector {
        sector::check(&*service.outbound, sector, &redirect_uris).await?;
    }
    let userinfo = algorithms::response("userinfo_signed_response_alg", &metadata.userinfo_signed_response_alg)?;
    let id_token = algorithms::response("id_token_signed_response_alg", &metadata.id_token_signed_response_alg)?;
    let introspection =
        algorithms::response("introspection_signed_response_alg", &metadata.introspection_signed_response_alg)?;
    addresses::redirects(&redirect_uris)?;
    let subject_type = subject_type(metadata, &config, sector.as_deref(), &redirect_uris)?;
    let post_logout_redirect_uris = list(&metadata.post_logout_redirect_uris);
    addresses::after_logout(&post_logout_redirect_uris, &redirect_uris)?;
    Ok(Client {
        id: who.id,
        name: metadata.client_name.clone().unwrap_or_default(),
        redirect_uris,
        grant_types: list(&metadata.grant_types),
        response_types: list(&metadata.response_types),
        scope: scope(metadata, &config),
        audience: list(&metadata.audience),
        owner: metadata.owner.clone().unwrap_or_default(),
        policy_uri: metadata.policy_uri.clone().unwrap_or_default(),
        tos_uri: metadata.tos_uri.clone().unwrap_or_default(),
        client_uri: metadata.client_uri.clone().unwrap_or_default(),
        logo_uri: metadata.logo_uri.clone().unwrap_or_default(),
        allowed_cors_origins,
        contacts: list(&metadata.contacts),
        subject_type,
        sector_identifier_uri: sector,
        jwks_uri: text(&metadata.jwks_uri),
        jwks: jwks.map(Value::Object),
        token_endpoint_auth_method: method,
        token_endpoint_auth_signing_alg: algorithms::assertion(metadata, method)?,
        request_uris: list(&metadata.request_uris),
        request_object_signing_alg: algorithms::request_object(metadata)?,
        userinfo_signed_response_alg: userinfo,
        id_token_signed_response_alg: id_token,
        introspection_signed_response_alg: introspection,
        frontchannel_logout_uri: text(&metadata.frontchannel_logout_uri),
        frontchannel_logout_session_required: metadata.frontchannel_logout_session_required.unwrap_or(false),
        backchannel_logout_uri: text(&metadata.backchannel_logout_uri),
        backchannel_logout_session_required: metadata.backchannel_logout_session_required.unwrap_or(false),
        post_logout_redirect_uris,
        metadata: metadata.metadata.clone().unwrap_or_default(),
        skip_consent: metadata.skip_consent.unwrap_or(false),
        skip_logout_consent: metadata.skip_logout_consent,
        access_token_strategy: strategy(metadata)?,
        require_pushed_authorization_requests: metadata.require_pushed_authorization_requests.unwrap_or(false),
        dpop_bound_access_tokens: metadata.dpop_bound_access_tokens.unwrap_or(false),
        self_registered: who.self_registered,
        lifespans: Lifespans::read(&metadata.others)?,
        created_at: Timestamp::from_seconds(who.created_at.as_seconds()),
        updated_at: Timestamp::from_seconds(who.updated_at.as_seconds()),
    })
}

/// `invalid_client_metadata`.
pub(super) fn wrong(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidClientMetadata, description)
}

/// An empty text counts as missing.
fn text(given: &Option<String>) -> Option<String> {
    given.clone().filter(|text| !text.is_empty())
}

fn list(given: &Option<Vec<String>>) -> Vec<String> {
    given.clone().unwrap_or_default()
}

/// `token_endpoint_auth_method`.
fn auth_method(metadata: &ClientMetadata) -> Result<AuthMethod, OAuth2Error> {
    match metadata.token_endpoint_auth_method.as_deref() {
        None | Some("" | "client_secret_basic") => Ok(AuthMethod::ClientSecretBasic),
        Some("client_secret_post") => Ok(AuthMethod::ClientSecretPost),
        Some("client_secret_jwt") => Ok(AuthMethod::ClientSecretJwt),
        Some("private_key_jwt") => Ok(AuthMethod::PrivateKeyJwt),
        Some("none") => Ok(AuthMethod::None),
        Some(_) => Err(wrong(
            "The member token_endpoint_auth_method must be client_secret_basic, client_secret_post, \
             client_secret_jwt, private_key_jwt or none.",
        )),
    }
}

fn secret(metadata: &ClientMetadata, method: AuthMethod) -> Result<(), OAuth2Error> {
    let Some(secret) = text(&metadata.client_secret) else { return Ok(()) };
    if !(SHORTEST_SECRET..=LONGEST_SECRET).contains(&secret.chars().count()) {
        return Err(wrong(format!(
            "The member client_secret must have {SHORTEST_SECRET} to {LONGEST_SECRET} characters."
        )));
    }
    if method == AuthMethod::ClientSecretJwt && secret.len() < SHORTEST_KEY {
        return Err(wrong(format!(
            "The member client_secret must have at least {SHORTEST_KEY} bytes for client_secret_jwt."
        )));
    }
    Ok(())
}

/// A client that names no scope gets those of the configuration.
fn scope(metadata: &ClientMetadata, config: &Config) -> Vec<String> {
    let named: Vec<String> =
        metadata.scope.iter().flat_map(|scope| scope.split_ascii_whitespace()).map(str::to_owned).collect();
    if named.is_empty() { config.registration.default_scope.clone() } else { named }
}

/// `subject_type`. A sector must follow from the redirect addresses, where no document names it (OpenID Connect Core
/// section 8.1).
fn subject_type(
    metadata: &ClientMetadata,
    config: &Config,
    sector: Option<&str>,
    redirect_uris: &[String],
) -> Result<SubjectType, OAuth2Error> {
    let subject_type = match metadata.subject_type.as_deref() {
        None | Some("") => config.subject_types.first().copied(),
        Some("public") => Some(SubjectType::Public),
        Some("pairwise") => Some(SubjectType::Pairwise),
        Some(_) => None,
    };
    let Some(subject_type) = subject_type.filter(|kind| config.subject_types.contains(kind)) else {
        let names: Vec<_> = config.subject_types.iter().map(|kind| super::document::subject_name(*kind)).collect();
        return Err(wrong(format!("The member subject_type must be {}.", names.join(" or "))));
    };
    // A machine has no redirect addresses, and knows nobody.
    let knows_people = !redirect_uris.is_empty();
    if subject_type == SubjectType::Pairwise && knows_people && subject::sector(sector, redirect_uris).is_none() {
        return Err(wrong(
            "A pairwise client whose redirect_uris have several hosts, or none, needs a sector_identifier_uri.",
        ));
    }
    Ok(subject_type)
}

fn strategy(metadata: &ClientMetadata) -> Result<Option<AccessTokenStrategy>, OAuth2Error> {
    match metadata.access_token_strategy.as_deref() {
        None | Some("") => Ok(None),
        Some("opaque") => Ok(Some(AccessTokenStrategy::Opaque)),
        Some("jwt") => Ok(Some(AccessTokenStrategy::Jwt)),
        Some("stateless_jwt") => Ok(Some(AccessTokenStrategy::StatelessJwt)),
        Some(_) => Err(wrong("The member access_token_strategy must be opaque, jwt or stateless_jwt.")),
    }
}
