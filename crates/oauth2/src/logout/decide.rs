//! What the logout application reads and decides (`/admin/oauth2/auth/requests/logout`). A refusal is not recorded.

use orrery_core::RequestContext;

use super::LogoutChallenge;
use crate::authorize::endpoint;
use crate::challenge::ChallengeError;
use crate::challenge::seal::{Kind, Sealer};
use crate::client::Client;
use crate::service::OAuth2Service;

/// The logout request of a challenge, and the client that asks.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn read(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
) -> Result<(LogoutChallenge, Option<Client>), ChallengeError> {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let challenge = LogoutChallenge::open(sealer, Kind::Logout, text).ok_or(ChallengeError::Unknown)?;
    if challenge.requested_at() + service.config.load().ttl.login_consent_request <= context.now {
        return Err(ChallengeError::Expired { restart: None });
    }
    let client = match &challenge.client {
        None => None,
        Some(id) => service.clients.client_by_id(context.project, id).await?.map(|found| found.client.clone()),
    };
    Ok((challenge, client))
}

/// The person wants to be logged out. Says where the browser goes.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn accept(service: &OAuth2Service, context: &RequestContext, text: &str) -> Result<String, ChallengeError> {
    let (challenge, _) = read(service, context, text).await?;
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let verifier = challenge.seal(sealer, Kind::LogoutVerifier, &*service.entropy);
    Ok(format!("{}?logout_verifier={verifier}", endpoint(&service.config.load(), "/oauth2/sessions/logout")))
}
