//! Signing in with a password: says who it is, writes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::{RequestContext, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::IdentityService;
use crate::config::Config;
use crate::credentials::password::PasswordHash;
use crate::credentials::{Credential, CredentialKind};
use crate::flow::{FlowError, PlacedMessage, Submission, catalogue};
use crate::identity::Identity;
use crate::limits::{Door, Entry, Pass};
use crate::schema::normalize::normalize;
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

/// Somebody who knows the password of an account.
#[derive(Debug)]
pub struct Proven<'a> {
    /// Whose account it is.
    pub identity: Identity,
    /// The credential with a stronger hash, and the `updated_at` that it replaces.
    pub upgraded: Option<(Credential, Timestamp)>,
    /// The place at the door, to be kept until the outcome is stored.
    pub pass: Pass<'a>,
}

/// Somebody who may know it, but did not show it.
#[derive(Debug)]
pub struct Refused<'a> {
    /// What to tell.
    pub messages: Vec<PlacedMessage>,
    /// The failure to count, and the place at the door, to be kept until it is.
    pub failed: Option<(FailedAttempt, Pass<'a>)>,
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
) -> Result<Verdict<'a>, FlowError> {
    match (identifier(submitted), submitted.secret("password")) {
        (Some(identifier), Some(password)) => check(service, context, config, identifier, password).await,
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
    identifier: &str,
    password: SecretString,
) -> Result<Verdict<'a>, FlowError> {
    if identifier.len() > MAX_BYTES || password.expose_secret().len() > MAX_BYTES {
        return Ok(refused([wrong()]));
    }
    let normalized = normalize(identifier);
    let door = Door::identifier(context.project, &normalized, &service.keyring);
    // Rows of an older normalisation are found under the spelling that was typed.
    let spellings: Vec<_> = BTreeSet::from([normalized, identifier.to_owned()]).into_iter().collect();
    let entry = service.doors.attempt(door, &config.limits, context.now, async || {
        let (project, kind) = (context.project, CredentialKind::Password);
        let found = service.identities.credential_by_identifier(project, kind, &spellings, door.counter()).await?;
        Ok::<_, FlowError>((found.owner, found.attempts))
    });
    let attempt = match entry.await? {
        Entry::Admitted(attempt) => attempt,
        Entry::Refused { retry_after } => {
            let reason = format!("There were too many attempts. Please try again in {}.", in_words(retry_after));
            return Ok(refused([catalogue::INVALID.with([("reason", json!(reason))]).on_form()]));
        }
    };
    let failed = (door.failure(&config.limits, context.now), attempt.pass);
    let Some((identity, credential, hash)) = attempt.found.and_then(with_hash) else {
        service.hasher.verify_nobody(config.hasher.algorithm, password).await?;
        return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
    };
    if !service.hasher.verify(hash.clone(), password.clone()).await? {
        return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
    }
    let upgraded = if hash.needs_rehash(config.hasher.algorithm, &password) {
        let stronger = service.hasher.hash(config.hasher.algorithm, password, &*service.entropy).await?;
        let replaces = credential.updated_at;
        let config = json!({"hashed_password": stronger.encode()});
        Some((Credential { config, updated_at: context.now, ..credential }, replaces))
    } else {
        None
    };
    Ok(Verdict::Proven(Box::new(Proven { identity, upgraded, pass: failed.1 })))
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

fn in_words(wait: Duration) -> String {
    match wait.as_secs() {
        0..=59 => "a minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
