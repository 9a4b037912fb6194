//! Signing in with a password: says who it is, writes nothing.

use orrery_core::RequestContext;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::complete::Proven;
use super::guess::{Admission, Guess, locked};
use crate::IdentityService;
use crate::config::Config;
use crate::credentials::password::PasswordHash;
use crate::credentials::{Credential, CredentialKind};
use crate::flow::{FlowError, FlowMethod, PlacedMessage, Submission, catalogue};
use crate::identity::Identity;
use crate::limits::{Known, Pass};
use crate::session::{Aal, AuthenticationMethod, UsedMethod};
use crate::store::FailedAttempt;

/// Longer passwords and identifiers are nobody's: hashing and normalising them would only cost time.
const MAX_BYTES: usize = 4096;

/// What a password sign-in found out.
#[derive(Debug)]
pub enum Verdict<'a> {
    /// The password is right.
    Proven(Box<Proven<'a>>),
    /// It is not, or not even looked at.
    Refused(Refused<'a>),
}

/// Somebody who may know it, but did not show it.
#[derive(Debug)]
pub struct Refused<'a> {
    /// What to tell.
    pub messages: Vec<PlacedMessage>,
    /// The failure to count, and the places at the doors, to be kept until it is.
    pub failed: Option<(FailedAttempt, Vec<Pass<'a>>)>,
}

/// Checks identifier and password. An unknown identifier, an account without a password and a wrong password are told
/// apart by nobody: same message, same counter, same work.
///
/// # Errors
/// Storage trouble, or too many passwords waiting.
pub async fn authenticate<'a>(
    service: &'a IdentityService,
    context: &RequestContext,
    config: &Config,
    submitted: &Submission,
    known: Option<Known>,
) -> Result<Verdict<'a>, FlowError> {
    match (identifier(submitted), submitted.secret("password")) {
        (Some(identifier), Some(password)) => {
            if identifier.len() > MAX_BYTES || password.expose_secret().len() > MAX_BYTES {
                return Ok(refused([wrong()]));
            }
            let guess = Guess::new(service, context, config, CredentialKind::Password, identifier);
            match guess.admit(known).await? {
                Admission::Open { found, failure, passes } => {
                    check(service, context, config, password, found, (failure, passes)).await
                }
                Admission::Locked { retry_after } => Ok(refused([locked(retry_after)])),
            }
        }
        (identifier, password) => {
            let fields = [("identifier", identifier.is_none()), ("password", password.is_none())];
            let missing = fields.into_iter().filter(|(_, missing)| *missing);
            Ok(refused(missing.map(|(name, _)| catalogue::REQUIRED.with([("property", json!(name))]).on_node(name))))
        }
    }
}

/// What the person signs in as. The oldest clients name the field `password_identifier`.
pub(super) fn identifier(submitted: &Submission) -> Option<&str> {
    submitted.text("identifier").or_else(|| submitted.text("password_identifier"))
}

async fn check<'a>(
    service: &'a IdentityService,
    context: &RequestContext,
    config: &Config,
    password: SecretString,
    found: Option<Box<(Identity, Credential)>>,
    failed: (FailedAttempt, Vec<Pass<'a>>),
) -> Result<Verdict<'a>, FlowError> {
    let (hasher, algorithm) = (&service.hasher, config.hasher.algorithm);
    let Some((identity, credential, hash)) = found.and_then(|found| with_hash(*found)) else {
        hasher.verify_nobody(algorithm, password).await?;
        return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
    };
    if !hasher.verify(hash.clone(), password.clone()).await? {
        if !hash.is_made_by(algorithm) {
            // A hash of another system may be checked in no time. So that the answer does not come sooner than for a name
            // that nobody has, it costs one of ours on top, as does the right password, whose hash is replaced.
            hasher.verify_nobody(algorithm, password).await?;
        }
        return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
    }
    let upgraded = if hash.needs_rehash(algorithm, &password) {
        let stronger = hasher.hash(algorithm, password, &*service.entropy).await?;
        let replaces = credential.updated_at;
        let config = json!({"hashed_password": stronger.encode()});
        Some((Credential { config, updated_at: context.now, ..credential }, replaces))
    } else {
        None
    };
    Ok(Verdict::Proven(Box::new(Proven {
        identity,
        method: FlowMethod::Password,
        used: UsedMethod::now(AuthenticationMethod::Password, Aal::Aal1, context.now),
        upgraded,
        code: None,
        address: None,
        passes: failed.1,
    })))
}

fn refused<'a>(messages: impl IntoIterator<Item = PlacedMessage>) -> Verdict<'a> {
    Verdict::Refused(Refused { messages: messages.into_iter().collect(), failed: None })
}

fn wrong() -> PlacedMessage {
    catalogue::WRONG_CREDENTIALS.message().on_form()
}

/// The account's hash, unless it has none that can be checked.
fn with_hash((identity, credential): (Identity, Credential)) -> Option<(Identity, Credential, PasswordHash)> {
    let hash = credential.config.get("hashed_password")?.as_str()?.parse().ok()?;
    Some((identity, credential, hash))
}
