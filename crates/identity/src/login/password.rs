//! Signing in with a password: says who it is, writes nothing.

use orrery_core::RequestContext;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::complete::Proven;
use super::guess::{Admission, Guess, locked};
use crate::IdentityService;
use crate::config::{Config, HashAlgorithm};
use crate::credentials::password::{Overloaded, PasswordHash, PasswordHasher};
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
                Admission::Open { found, stand_in, failure, passes } => {
                    check(service, context, config, password, found, stand_in, (failure, passes)).await
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
    stand_in: Option<Box<Value>>,
    failed: (FailedAttempt, Vec<Pass<'a>>),
) -> Result<Verdict<'a>, FlowError> {
    let (hasher, algorithm) = (&service.hasher, config.hasher.algorithm);
    let own = found.and_then(|found| with_hash(*found));
    let held = match &own {
        Some((_, _, hash)) => Held::Own(hash),
        None => Held::StandIn(stand_in.as_deref().and_then(hash_in)),
    };
    let right = is_right(hasher, algorithm, held, &password).await?;
    let Some((identity, credential, hash)) = own.filter(|_| right) else {
        return Ok(Verdict::Refused(Refused { messages: vec![wrong()], failed: Some(failed) }));
    };
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
    let hash = hash_in(&credential.config)?;
    Some((identity, credential, hash))
}

/// The hash in the `config` of a credential.
fn hash_in(config: &Value) -> Option<PasswordHash> {
    config.get("hashed_password")?.as_str()?.parse().ok()
}

/// What a password is held against.
enum Held<'h> {
    /// The hash of the account that has the name.
    Own(&'h PasswordHash),
    /// The hash of another account, if any has one: nobody signs in by it.
    StandIn(Option<PasswordHash>),
}

/// Whether the password is right. Finding it wrong takes work that depends on the hash alone, and not on whose it is.
async fn is_right(
    hasher: &PasswordHasher,
    algorithm: HashAlgorithm,
    held: Held<'_>,
    password: &SecretString,
) -> Result<bool, Overloaded> {
    let (hash, is_own) = match held {
        Held::Own(hash) => (Some(hash.clone()), true),
        Held::StandIn(hash) => (hash, false),
    };
    let is_ours = hash.as_ref().is_some_and(|hash| hash.is_made_by(algorithm));
    if let Some(hash) = hash
        && hasher.verify(hash, password.clone()).await?
        && is_own
    {
        return Ok(true);
    }
    if !is_ours {
        // A hash of another system may be checked in no time. So that the answer does not come sooner than that of an
        // account with a hash of ours, it costs one of ours on top, as does the right password, whose hash is replaced.
        hasher.verify_nobody(algorithm, password.clone()).await?;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Made by other implementations; see `tests/password-hashes/generate.py`.
    const VECTORS: &str = include_str!("../../tests/password-hashes/hashes.json");
    const OURS: HashAlgorithm = HashAlgorithm::Argon2id { memory_kib: 64, iterations: 1, parallelism: 1 };

    #[derive(Deserialize)]
    struct Vector {
        password: String,
        hash: String,
    }

    /// What is found out, and the work that it takes.
    async fn held(held: Held<'_>, password: &str) -> (bool, Vec<String>) {
        let (hasher, work) = PasswordHasher::watched();
        let right = is_right(&hasher, OURS, held, &password.into()).await.expect("room in the queue");
        (right, work.drain().collect())
    }

    /// Counted for every scheme: for the clock this is `a_wrong_password_takes_as_long_for_nobody…` of the server's tests.
    #[tokio::test]
    async fn a_wrong_password_takes_the_same_work_whoever_has_the_name() {
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("vectors");
        let mut schemes = std::collections::BTreeSet::new();
        for Vector { password, hash } in vectors {
            let scheme = hash.split(['$', '}']).find(|part| !part.is_empty()).unwrap_or_default().to_owned();
            if !schemes.insert(scheme) {
                continue;
            }
            let parsed: PasswordHash = hash.parse().expect("an accepted hash");
            let check = format!("check {}", parsed.encode());
            let known = held(Held::Own(&parsed), "a guess").await;
            assert_eq!(known, (false, vec![check.clone(), "create".to_owned()]));
            assert_eq!(held(Held::StandIn(Some(parsed.clone())), "a guess").await, known);
            // Somebody else's password opens nothing, and costs what a wrong one does.
            assert_eq!(held(Held::Own(&parsed), &password).await, (true, vec![check]));
            assert_eq!(held(Held::StandIn(Some(parsed)), &password).await, known);
        }
        assert!(schemes.len() >= 30, "{schemes:?}");
    }

    #[tokio::test]
    async fn a_hash_of_ours_is_all_the_work_there_is() {
        let (hasher, _) = PasswordHasher::watched();
        let ours = hasher.hash(OURS, "right".into(), &orrery_core::SystemEntropy::default()).await.expect("room");
        let known = held(Held::Own(&ours), "a guess").await;
        assert_eq!(known, (false, vec![format!("check {}", ours.encode())]));
        assert_eq!(held(Held::StandIn(Some(ours)), "a guess").await, known);
        // Where nobody has a password at all, there is nothing to be like.
        assert_eq!(held(Held::StandIn(None), "a guess").await, (false, vec!["create".to_owned()]));
    }
}
