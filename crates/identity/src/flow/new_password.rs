//! A password that somebody chooses: refused with the message that says what to change.

use orrery_core::RequestContext;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{FlowError, Message, PlacedMessage, catalogue};
use crate::IdentityService;
use crate::config::Config;
use crate::credentials::password::{PolicyViolation, check};

/// Longer passwords only cost time.
const MAX_BYTES: usize = 4096;

/// The node that messages about it stand at.
const NODE: &str = "password";

/// The password, if an identity with these sign-in names may use it; else what to correct: at the password's node or, when
/// there is no sign-in name at all, on the form.
///
/// # Errors
/// [`FlowError::Breaches`] when it has to be known whether the password is breached, and is not.
pub async fn acceptable(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    identifiers: &[String],
    password: Option<SecretString>,
) -> Result<Result<SecretString, PlacedMessage>, FlowError> {
    let password = match within_policy(config, identifiers, password) {
        Ok(password) => password,
        Err(message) => return Ok(Err(message)),
    };
    let found = service.breaches.found(&password, &config.breaches, context.now).await;
    Ok(match found.map_err(FlowError::Breaches)? {
        None => Ok(password),
        Some(breaches) => Err(catalogue::PASSWORD_BREACHED.with([("breaches", json!(breaches))]).on_node(NODE)),
    })
}

fn within_policy(
    config: &Config,
    identifiers: &[String],
    password: Option<SecretString>,
) -> Result<SecretString, PlacedMessage> {
    if identifiers.is_empty() {
        return Err(catalogue::NO_IDENTIFIER.message().on_form());
    }
    let Some(password) = password else { return Err(super::steps::required(NODE)) };
    let length = password.expose_secret().len();
    if length > MAX_BYTES {
        let violation = PolicyViolation::TooLong { max_length: MAX_BYTES, actual_length: length };
        return Err(broken_rule(violation).on_node(NODE));
    }
    match check(&config.password, config.hasher.algorithm, &password, identifiers) {
        Ok(()) => Ok(password),
        Err(violation) => Err(broken_rule(violation).on_node(NODE)),
    }
}

fn broken_rule(violation: PolicyViolation) -> Message {
    match violation {
        PolicyViolation::TooShort { min_length, actual_length } => catalogue::PASSWORD_TOO_SHORT
            .with([("min_length", json!(min_length)), ("actual_length", json!(actual_length))]),
        PolicyViolation::TooLong { max_length, actual_length } => catalogue::PASSWORD_TOO_LONG
            .with([("max_length", json!(max_length)), ("actual_length", json!(actual_length))]),
        PolicyViolation::TooSimilar => catalogue::PASSWORD_SIMILAR.message(),
    }
}
