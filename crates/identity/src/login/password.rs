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
use crate::limits::{Door, Early, Entry, Known, Moment, Pass};
use crate::schema::normalize::normalize;
use crate::store::{CredentialLookup, FailedAttempt};

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
    /// The places at the doors, to be kept until the outcome is stored.
    pub passes: Vec<Pass<'a>>,
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
            let guess = Guess::new(service, context, config, identifier);
            match guess.admit(known).await? {
                Admission::Open { found, failure, passes } => guess.check(password, found, (failure, passes)).await,
                Admission::Locked { retry_after } => {
                    let reason =
                        format!("There were too many attempts. Please try again in {}.", in_words(retry_after));
                    Ok(refused([catalogue::INVALID.with([("reason", json!(reason))]).on_form()]))
                }
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

/// One guess at whatever account has this name.
struct Guess<'a, 'r> {
    service: &'a IdentityService,
    context: &'r RequestContext,
    config: &'r Config,
    name: String,
    spellings: Vec<String>,
}

/// Whether a guess may be evaluated.
enum Admission<'a> {
    /// It may. Without what it is to be compared with, it is wrong.
    Open { found: Option<Box<(Identity, Credential)>>, failure: FailedAttempt, passes: Vec<Pass<'a>> },
    /// It may not: there were too many failures.
    Locked { retry_after: Duration },
}

impl<'a, 'r> Guess<'a, 'r> {
    fn new(service: &'a IdentityService, context: &'r RequestContext, config: &'r Config, identifier: &str) -> Self {
        let name = normalize(identifier);
        // Rows of an older normalisation are found under the spelling that was typed.
        let spellings = BTreeSet::from([name.clone(), identifier.to_owned()]).into_iter().collect();
        Self { service, context, config, name, spellings }
    }

    async fn admit(&self, known: Option<Known>) -> Result<Admission<'a>, FlowError> {
        if let Some(known) = known
            && let Some(admission) = self.admit_known(known).await?
        {
            return Ok(admission);
        }
        self.admit_stranger().await
    }

    /// Whoever is known for this account is counted alone: no number of strangers can lock them out.
    async fn admit_known(&self, known: Known) -> Result<Option<Admission<'a>>, FlowError> {
        let (project, keyring) = (self.context.project, &self.service.keyring);
        let door = known.door(project, keyring);
        let limits = &self.config.limits;
        let entry = self.service.doors.attempt(door, limits, self.context.now, async || {
            let (_, found) = self.look_up(door).await?;
            let owner = found.owner.filter(|(identity, _)| known.is_of(project, identity.id, keyring));
            // The door says nothing about other accounts.
            let attempts = found.attempts.filter(|_| owner.is_some());
            Ok::<_, FlowError>((owner, attempts))
        });
        Ok(match entry.await? {
            Entry::Admitted(attempt) => attempt.found.map(|found| Admission::Open {
                found: Some(Box::new(found)),
                failure: door.failure(limits, self.context.now),
                passes: vec![attempt.pass],
            }),
            Entry::Refused { retry_after } => Some(Admission::Locked { retry_after }),
        })
    }

    /// Everybody else is counted at the name that they typed and at the account behind it.
    ///
    /// What is said follows from the name alone: an account that is locked under another name answers "wrong" to
    /// everything, as a name would that nobody has. That two names belong to one account is not to be seen.
    async fn admit_stranger(&self) -> Result<Admission<'a>, FlowError> {
        let (project, now, limits) = (self.context.project, self.context.now, &self.config.limits);
        let (doors, keyring) = (&self.service.doors, &self.service.keyring);
        let name = Door::identifier(project, &self.name, keyring);
        let entry = doors.attempt(name, limits, now, async || {
            let (as_of, found) = self.look_up(name).await?;
            Ok::<_, FlowError>(((as_of, found.owner, found.account_attempts), found.attempts))
        });
        let attempt = match entry.await? {
            Entry::Admitted(attempt) => attempt,
            Entry::Refused { retry_after } => return Ok(Admission::Locked { retry_after }),
        };
        let (as_of, owner, attempts) = attempt.found;
        let Some(found) = owner else {
            let failure = name.failure_of(&Door::nobody(project, &self.name, keyring), limits, now);
            return Ok(Admission::Open { found: None, failure, passes: vec![attempt.pass] });
        };
        let account = Door::account(project, found.0.id);
        let failure = name.failure_of(&account, limits, now);
        let early = Early { found: Some(found), attempts, as_of };
        let entry = doors.attempt_after(account, limits, now, early, async || {
            let (_, found) = self.look_up(name).await?;
            Ok::<_, FlowError>((found.owner, found.account_attempts))
        });
        Ok(match entry.await? {
            Entry::Admitted(behind) => {
                Admission::Open { found: behind.found.map(Box::new), failure, passes: vec![attempt.pass, behind.pass] }
            }
            Entry::Refused { .. } => Admission::Open { found: None, failure, passes: vec![attempt.pass] },
        })
    }

    async fn look_up(&self, door: Door) -> Result<(Moment, CredentialLookup), FlowError> {
        let (project, kind) = (self.context.project, CredentialKind::Password);
        let as_of = self.service.doors.moment();
        let store = &self.service.identities;
        Ok((as_of, store.credential_by_identifier(project, kind, &self.spellings, door.counter()).await?))
    }

    async fn check(
        &self,
        password: SecretString,
        found: Option<Box<(Identity, Credential)>>,
        failed: (FailedAttempt, Vec<Pass<'a>>),
    ) -> Result<Verdict<'a>, FlowError> {
        let (hasher, algorithm) = (&self.service.hasher, self.config.hasher.algorithm);
        let Some((identity, credential, hash)) = found.and_then(|found| with_hash(*found)) else {
            hasher.verify_nobody(algorithm, password).await?;
            return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
        };
        if !hasher.verify(hash.clone(), password.clone()).await? {
            return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
        }
        let upgraded = if hash.needs_rehash(algorithm, &password) {
            let stronger = hasher.hash(algorithm, password, &*self.service.entropy).await?;
            let replaces = credential.updated_at;
            let config = json!({"hashed_password": stronger.encode()});
            Some((Credential { config, updated_at: self.context.now, ..credential }, replaces))
        } else {
            None
        };
        Ok(Verdict::Proven(Box::new(Proven { identity, upgraded, passes: failed.1 })))
    }
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
