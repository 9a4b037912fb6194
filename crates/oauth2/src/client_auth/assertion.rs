//! `private_key_jwt` and `client_secret_jwt` (RFC 7523 section 3, OpenID Connect Core section 9).

use orrery_core::secret::Purpose;
use orrery_core::{ProjectId, Timestamp};
use orrery_keys::foreign::{self, ForeignError};
use orrery_keys::{Claims, SigningAlgorithm};
use secrecy::{ExposeSecret as _, SecretString};

use super::keys::{KeyFailure, why};
use super::{Refusal, refused};
use crate::assertion::{self, ASYMMETRIC, Rules};
use crate::client::{AuthMethod, ClientRecord, readable_secret};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

/// What a client that names no algorithm may sign with under its secret.
const SYMMETRIC: [SigningAlgorithm; 2] = [SigningAlgorithm::HS256, SigningAlgorithm::HS512];

/// Checks the assertion of a client.
///
/// Cheap checks come before those that leave a trace: a `jti` is used up only by an assertion that is good in every other
/// way, and counts for its client alone.
///
/// # Errors
/// `invalid_client`; `jti_known` when the assertion was used before.
pub(super) async fn check(
    service: &OAuth2Service,
    project: ProjectId,
    now: Timestamp,
    record: &ClientRecord,
    token: &SecretString,
) -> Result<(), Refusal> {
    let claims = verified(service, now, record, token.expose_secret()).await?;
    let config = service.config.load();
    let id = record.client.id.as_str();
    let text = |name: &str| claims.get(name).and_then(|value| value.as_str());
    if text("iss") != Some(id) || text("sub") != Some(id) {
        return Err(invalid("'iss' and 'sub' must both be the client_id").into());
    }
    let rules = Rules { audiences: &assertion::own_addresses(&config), ..Rules::CLIENT };
    let used = assertion::check(&claims, now, &rules).map_err(invalid)?;
    let jti = used.id.ok_or_else(|| invalid("'jti' is missing"))?;
    let key = service.keyring.hash(Purpose::AssertionId, &format!("client\0{id}\0{jti}"));
    if service.tokens.assertion_use(project, key, used.remember_until).await? {
        return Ok(());
    }
    let reason = "The assertion was used before. Make a new one, with another 'jti'.";
    Err(OAuth2Error::new(ErrorCode::JtiKnown, reason).into())
}

/// The claims, once the signature is known to be the client's.
async fn verified(
    service: &OAuth2Service,
    now: Timestamp,
    record: &ClientRecord,
    token: &str,
) -> Result<Claims, Refusal> {
    let client = &record.client;
    let named = client.token_endpoint_auth_signing_alg.as_deref().and_then(SigningAlgorithm::parse);
    if client.token_endpoint_auth_method == AuthMethod::ClientSecretJwt {
        let secret = readable_secret(service, record).ok_or_else(refused)?;
        let accepted = named.map_or(SYMMETRIC.to_vec(), |named| vec![named]);
        return foreign::verify_with_secret(token, secret.expose_secret(), &accepted).map_err(wrong);
    }
    let accepted = named.map_or(ASYMMETRIC.to_vec(), |named| vec![named]);
    service.client_keys.verify(client, now, token, &accepted).await.map_err(|failure| match failure {
        KeyFailure::Keys(error) => error.into(),
        KeyFailure::Token(error) => wrong(error),
    })
}

/// Only a wrong signature is a guess: nothing else depends on the key.
fn wrong(error: ForeignError) -> Refusal {
    let refusal = invalid(why(error));
    match error {
        ForeignError::Invalid => Refusal::Guess(refusal),
        ForeignError::Unacceptable | ForeignError::UnknownKey => Refusal::Other(refusal),
    }
}

fn invalid(why: &'static str) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidClient, format!("The client assertion is not accepted: {why}."))
}
