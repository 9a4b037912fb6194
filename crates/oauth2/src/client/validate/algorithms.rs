//! The algorithms that a client chooses.

use orrery_keys::algorithm::SigningAlgorithm;

use super::{text, wrong};
use crate::assertion::ASYMMETRIC;
use crate::client::{AuthMethod, ClientMetadata};
use crate::discovery::SIGNING;
use crate::error::OAuth2Error;

/// The algorithm of a signed answer; `None` for the server's own choice, or for plain JSON.
pub(super) fn response(name: &str, given: &Option<String>) -> Result<Option<String>, OAuth2Error> {
    let Some(given) = text(given).filter(|given| given != "none") else { return Ok(None) };
    if SIGNING.iter().any(|known| known.name() == given) {
        return Ok(Some(given));
    }
    Err(wrong(format!("The member {name} must be none, RS256, PS256, ES256 or EdDSA.")))
}

/// `token_endpoint_auth_signing_alg`. Its default depends on the method and is not written down.
pub(super) fn assertion(metadata: &ClientMetadata, method: AuthMethod) -> Result<Option<String>, OAuth2Error> {
    let Some(given) = text(&metadata.token_endpoint_auth_signing_alg) else { return Ok(None) };
    let known = SigningAlgorithm::parse(&given);
    let symmetric = matches!(known, Some(SigningAlgorithm::HS256 | SigningAlgorithm::HS512));
    let fits = match method {
        AuthMethod::PrivateKeyJwt => known.is_some() && !symmetric,
        AuthMethod::ClientSecretJwt => symmetric,
        // It says nothing about these.
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::None => known.is_some(),
    };
    if fits {
        return Ok(Some(given));
    }
    Err(wrong(match method {
        AuthMethod::ClientSecretJwt => "The member token_endpoint_auth_signing_alg must be HS256 or HS512.",
        AuthMethod::PrivateKeyJwt | AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost | AuthMethod::None => {
            "The member token_endpoint_auth_signing_alg must be RS, PS or ES with 256, 384 or 512, or EdDSA."
        }
    }))
}

/// `request_object_signing_alg`.
pub(super) fn request_object(metadata: &ClientMetadata) -> Result<Option<String>, OAuth2Error> {
    let Some(given) = text(&metadata.request_object_signing_alg) else { return Ok(None) };
    if given == "none" || SigningAlgorithm::parse(&given).is_some_and(|given| ASYMMETRIC.contains(&given)) {
        return Ok(Some(given));
    }
    Err(wrong("The member request_object_signing_alg must be none, RS, PS or ES with 256, 384 or 512, or EdDSA."))
}
