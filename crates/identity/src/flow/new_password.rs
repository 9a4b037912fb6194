//! A password that somebody chooses: refused with the message that says what to change.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{Message, PlacedMessage, catalogue};
use crate::config::Config;
use crate::credentials::password::{PolicyViolation, check};

/// Longer passwords only cost time.
const MAX_BYTES: usize = 4096;

/// The node that messages about it stand at.
const NODE: &str = "password";

/// The password, if an identity with these sign-in names may use it; else what to correct.
///
/// # Errors
/// The message, at the password's node or, when there is no sign-in name at all, on the form.
pub fn acceptable(
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
