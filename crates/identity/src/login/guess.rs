//! Getting to the doors in front of an account, whatever somebody then shows there.

use std::collections::BTreeSet;
use std::time::Duration;

use orrery_core::RequestContext;
use orrery_core::id::CredentialId;
use serde_json::{Value, json};

use crate::IdentityService;
use crate::config::Config;
use crate::credentials::code::{self, CodeAddress};
use crate::credentials::{Credential, CredentialKind};
use crate::flow::{FlowError, PlacedMessage, catalogue, one_time};
use crate::identity::{Identity, Via};
use crate::limits::{Door, Early, Entry, Known, Moment, Pass};
use crate::schema::normalize::normalize;
use crate::store::{CredentialLookup, FailedAttempt};

/// One guess at whatever account has this name.
pub(super) struct Guess<'a, 'r> {
    service: &'a IdentityService,
    context: &'r RequestContext,
    config: &'r Config,
    kind: CredentialKind,
    name: String,
    spellings: Vec<String>,
}

/// Whether a guess may be evaluated.
pub(super) enum Admission<'a> {
    /// It may. Without what it is to be compared with, it is wrong.
    Open {
        found: Option<Box<(Identity, Credential)>>,
        /// The `config` of a credential that is compared with in its place, so that this takes as long.
        stand_in: Option<Box<Value>>,
        failure: FailedAttempt,
        passes: Vec<Pass<'a>>,
    },
    /// It may not: there were too many failures.
    Locked { retry_after: Duration },
}

impl<'a, 'r> Guess<'a, 'r> {
    /// A guess at the account with this name among credentials of this kind.
    pub(super) fn new(
        service: &'a IdentityService,
        context: &'r RequestContext,
        config: &'r Config,
        kind: CredentialKind,
        identifier: &str,
    ) -> Self {
        let name = normalize(identifier);
        // Rows of an older normalisation are found under the spelling that was typed.
        let spellings = BTreeSet::from([name.clone(), identifier.to_owned()]).into_iter().collect();
        Self { service, context, config, kind, name, spellings }
    }

    /// Gets to the doors in front of the account.
    ///
    /// # Errors
    /// Storage trouble.
    pub(super) async fn admit(&self, known: Option<Known>) -> Result<Admission<'a>, FlowError> {
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
                stand_in: None,
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
            let CredentialLookup { owner, attempts, account_attempts, stand_in } = found;
            Ok::<_, FlowError>(((as_of, owner, account_attempts, stand_in.map(Box::new)), attempts))
        });
        let attempt = match entry.await? {
            Entry::Admitted(attempt) => attempt,
            Entry::Refused { retry_after } => return Ok(Admission::Locked { retry_after }),
        };
        let (as_of, owner, attempts, stand_in) = attempt.found;
        let Some(found) = owner else {
            let failure = name.failure_of(&Door::nobody(project, &self.name, keyring), limits, now);
            return Ok(Admission::Open { found: None, stand_in, failure, passes: vec![attempt.pass] });
        };
        let own = found.1.config.clone();
        let account = Door::account(project, found.0.id);
        let failure = name.failure_of(&account, limits, now);
        let early = Early { found: Some(found), attempts, as_of };
        let entry = doors.attempt_after(account, limits, now, early, async || {
            let (_, found) = self.look_up(name).await?;
            Ok::<_, FlowError>((found.owner, found.account_attempts))
        });
        Ok(match entry.await? {
            Entry::Admitted(behind) => Admission::Open {
                found: behind.found.map(Box::new),
                stand_in,
                failure,
                passes: vec![attempt.pass, behind.pass],
            },
            // Being locked changes nothing about how long the answer takes.
            Entry::Refused { .. } => {
                Admission::Open { found: None, stand_in: Some(Box::new(own)), failure, passes: vec![attempt.pass] }
            }
        })
    }

    /// The account that has this name, if any does.
    ///
    /// # Errors
    /// Storage trouble.
    pub(super) async fn find(&self) -> Result<Option<(Identity, Credential)>, FlowError> {
        let name = Door::identifier(self.context.project, &self.name, &self.service.keyring);
        Ok(self.look_up(name).await?.1.owner)
    }

    async fn look_up(&self, door: Door) -> Result<(Moment, CredentialLookup), FlowError> {
        let as_of = self.service.doors.moment();
        let (project, identities) = (self.context.project, &self.service.identities);
        let found = identities.credential_by_identifier(project, self.kind, &self.spellings, door.counter()).await?;
        if self.kind == CredentialKind::Code && self.config.code.to_any_address {
            return Ok((as_of, self.look_further(found).await?));
        }
        Ok((as_of, found))
    }

    /// Codes may go to addresses that are no credential. Asked in any case, so that it takes no longer to find nobody.
    async fn look_further(&self, found: CredentialLookup) -> Result<CredentialLookup, FlowError> {
        let (project, service, now) = (self.context.project, self.service, self.context.now);
        let (via, value) = one_time::recognise(&self.name).unwrap_or((Via::Email, self.name.clone()));
        let known = service.flows.verifiable_address(project, via, &value).await?;
        let account = match &known {
            Some((identity, _)) => Door::account(project, identity.id),
            None => Door::nobody(project, &self.name, &service.keyring),
        };
        let account_attempts = service.attempts.attempts(project, account.counter()).await?;
        let Some((identity, address)) = known.filter(|_| found.owner.is_none()) else { return Ok(found) };
        let credential = Credential {
            id: CredentialId::generate(&*service.entropy),
            kind: CredentialKind::Code,
            identifiers: vec![address.value.clone()],
            config: code::config(&[CodeAddress::new(address.via, address.value)]),
            version: 0,
            created_at: now,
            updated_at: now,
        };
        Ok(CredentialLookup { owner: Some((identity, credential)), account_attempts, ..found })
    }
}

/// What somebody at a locked door is told.
pub(super) fn locked(retry_after: Duration) -> PlacedMessage {
    let reason = format!("There were too many attempts. Please try again in {}.", in_words(retry_after));
    catalogue::INVALID.with([("reason", json!(reason))]).on_form()
}

fn in_words(wait: Duration) -> String {
    match wait.as_secs() {
        0..=60 => "1 minute".to_owned(),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}
