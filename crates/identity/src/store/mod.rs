//! The storage that this crate needs. Each method is one atomic step, named for what it means.
//!
//! Every method takes the project first and sees nothing of other projects. "Not found" is a value; a
//! [`StoreError`] means that the storage could not do its work, and callers answer 503 or 500, never "wrong".
//!
//! Token and code hashes are passed as slices, newest secret first, because secrets rotate: a row matches when it
//! carries any of them.

mod import;
mod steps;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use orrery_core::error::Conflict;
use orrery_core::event::NewEvent;
use orrery_core::id::{FlowErrorId, FlowId, IdentityId, OrganizationId, SessionId};
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp, TokenHash};
use serde_json::Value;

use crate::credentials::{Credential, CredentialKind};
use crate::flow::{Flow, FlowKind};
use crate::identity::{Identity, VerifiableAddress, Via};
use crate::session::SessionWithIdentity;

pub use import::{ImportStore, Imported, ImportedMessage, ImportedSession};
pub use steps::{
    CodeSent, CodeTried, Completion, Exchanged, FlowAndSession, LoginDone, NewCode, Recovery, RecoveryDone, Redeemed,
    RegistrationDone, SessionWrite, SettingsDone, SettingsStored, VerifiedChange,
};

/// Which identities a list shows. At most one of the fields is set; none shows all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityFilter {
    /// Only these.
    pub ids: Option<Vec<IdentityId>>,
    /// Only those that sign in with exactly one of these identifiers (raw and normalised spelling).
    pub credentials_identifier: Option<Vec<String>>,
    /// Only those with an identifier that begins so.
    pub identifier_prefix: Option<String>,
    /// Only the one with this `external_id`.
    pub external_id: Option<String>,
    /// Only those whose home is this organisation.
    pub organization: Option<OrganizationId>,
}

/// What happened to a guarded update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updated {
    /// Stored.
    Done,
    /// Somebody else stored a change in the meantime: read again and decide again.
    Stale,
    /// There is no such row.
    Unknown,
}

/// Identities with their credentials and addresses.
#[async_trait]
pub trait IdentityStore: Send + Sync {
    /// Inserts the identity with its credentials and addresses. `Conflict` names what is already taken.
    async fn identity_create(&self, project: ProjectId, identity: &Identity) -> Result<(), StoreError>;

    /// Inserts all identities that can be inserted, in one transaction, and says in their order what became of each: one
    /// that clashes with a stored one, or with one before it, leaves nothing behind and the others alone.
    async fn identity_create_many(
        &self,
        project: ProjectId,
        identities: &[Identity],
    ) -> Result<Vec<Result<(), Conflict>>, StoreError>;

    /// One identity, with the credentials of the given kinds.
    async fn identity_by_id(
        &self,
        project: ProjectId,
        id: IdentityId,
        credentials: &BTreeSet<CredentialKind>,
    ) -> Result<Option<Identity>, StoreError>;

    /// The identity with this `external_id`, with the credentials of the given kinds.
    async fn identity_by_external_id(
        &self,
        project: ProjectId,
        external_id: &str,
        credentials: &BTreeSet<CredentialKind>,
    ) -> Result<Option<Identity>, StoreError>;

    /// A page of identities in ascending id order, each with the credentials of the given kinds. The keyset key is the
    /// last id.
    async fn identity_list(
        &self,
        project: ProjectId,
        filter: &IdentityFilter,
        credentials: &BTreeSet<CredentialKind>,
        page: &PageRequest,
    ) -> Result<Page<Identity>, StoreError>;

    /// Replaces the identity, its addresses and the credentials that it carries, if its stored version is still
    /// `identity.version`; the stored version becomes one more. Credentials of kinds that `identity.credentials` lacks
    /// are left alone unless named in `removed`.
    async fn identity_update(
        &self,
        project: ProjectId,
        identity: &Identity,
        removed: &BTreeSet<CredentialKind>,
    ) -> Result<Updated, StoreError>;

    /// Deletes the identity with everything that belongs to it. False when there was none.
    async fn identity_delete(&self, project: ProjectId, id: IdentityId) -> Result<bool, StoreError>;

    /// The identity that owns this identifier among credentials of the given kind, with that credential, the attempt
    /// counters of the door and of the account, and what stands in for a credential that is not there. `identifiers` holds the
    /// normalised and the raw spelling.
    async fn credential_by_identifier(
        &self,
        project: ProjectId,
        kind: CredentialKind,
        identifiers: &[String],
        counter: TokenHash,
    ) -> Result<CredentialLookup, StoreError>;
}

/// What a sign-in attempt needs to know about an identifier.
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialLookup {
    /// The identity and its credential of the asked kind.
    pub owner: Option<(Identity, Credential)>,
    /// Failed attempts at this door.
    pub attempts: Option<Attempts>,
    /// Failed attempts at the account, under all its names.
    pub account_attempts: Option<Attempts>,
    /// The `config` of the credential of the asked kind whose id comes next after the counter's first bytes, or else of the
    /// first one: each is as likely to be met as any other, and the same counter meets the same one. None when nobody has a
    /// credential of this kind.
    pub stand_in: Option<Value>,
}

/// Which sessions an administrator's list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SessionFilter {
    /// Only (in)active ones, as of the given moment.
    pub active: Option<(bool, Timestamp)>,
    /// Only those of one identity.
    pub identity: Option<IdentityId>,
    /// Not this one.
    pub except: Option<SessionId>,
}

/// Which sessions are ended together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionSelection {
    /// These.
    Sessions(Vec<SessionId>),
    /// All of these identities.
    OfIdentities(Vec<IdentityId>),
    /// Everybody's, as many as one step ends at most.
    Everybodys {
        /// At least one.
        at_most: u32,
    },
}

/// How sessions are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnding {
    /// They stay in lists and are not active any more.
    Disable,
    /// Nothing of them stays.
    Delete,
}

/// What became of a request to extend a session.
#[derive(Debug, Clone, PartialEq)]
pub enum Extended {
    /// The new end is stored, or it was too early to extend, or too late: the session as it is now.
    Session(Box<SessionWithIdentity>),
    /// There is no such session.
    Unknown,
}

/// Sessions. They are created by the step that completes a flow; see [`FlowStore`].
#[async_trait]
pub trait SessionStore: Send + Sync {
    /// The session that a token belongs to, with its identity: one statement, or none when it is known and has not changed
    /// since. Revoked and expired ones are returned too; the caller decides.
    async fn session_by_token(
        &self,
        project: ProjectId,
        token: &[TokenHash],
    ) -> Result<Option<Arc<SessionWithIdentity>>, StoreError>;

    /// One session with its identity.
    async fn session_by_id(&self, project: ProjectId, id: SessionId)
    -> Result<Option<SessionWithIdentity>, StoreError>;

    /// A page of sessions, newest first. Those of one identity are counted on every page, because they are few.
    async fn session_list(
        &self,
        project: ProjectId,
        filter: &SessionFilter,
        page: &PageRequest,
    ) -> Result<Page<SessionWithIdentity>, StoreError>;

    /// Deactivates one session. False when it was not active or does not exist.
    async fn session_revoke(&self, project: ProjectId, id: SessionId) -> Result<bool, StoreError>;

    /// Deactivates one session if it belongs to `owner`.
    async fn session_revoke_own(
        &self,
        project: ProjectId,
        owner: IdentityId,
        id: SessionId,
    ) -> Result<bool, StoreError>;

    /// Deactivates every active session of `owner` except `keep`, and says how many.
    async fn session_revoke_others(
        &self,
        project: ProjectId,
        owner: IdentityId,
        keep: Option<SessionId>,
    ) -> Result<u64, StoreError>;

    /// Deletes every session of `owner`, and says how many.
    async fn session_delete_all(&self, project: ProjectId, owner: IdentityId) -> Result<u64, StoreError>;

    /// Ends the selected sessions and says how many: those that were active when they are disabled, those that there were
    /// when they are deleted. Which of everybody's come first is not said.
    async fn sessions_end(
        &self,
        project: ProjectId,
        selection: &SessionSelection,
        ending: SessionEnding,
    ) -> Result<u64, StoreError>;

    /// Moves the end of an active session to `expires_at` if it now ends before `extendable_before`. One that had ended
    /// by `now` stays ended.
    async fn session_extend(
        &self,
        project: ProjectId,
        id: SessionId,
        expires_at: Timestamp,
        extendable_before: Timestamp,
        now: Timestamp,
    ) -> Result<Extended, StoreError>;
}

/// Self-service flows and the steps that complete them.
#[async_trait]
pub trait FlowStore: Send + Sync {
    /// Stores a new flow.
    async fn flow_create(&self, project: ProjectId, flow: &Flow) -> Result<(), StoreError>;

    /// Stores a new flow together with the events that it causes.
    async fn flow_begin(&self, project: ProjectId, flow: &Flow, events: &[NewEvent]) -> Result<(), StoreError>;

    /// Takes a completed flow away and gives the session that it led to this token instead of its own, if the session is still
    /// active. Once: there is no flow afterwards.
    async fn flow_exchange(
        &self,
        project: ProjectId,
        flow: (FlowKind, FlowId),
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Exchanged, StoreError>;

    /// One flow of the given kind.
    async fn flow_by_id(&self, project: ProjectId, kind: FlowKind, id: FlowId) -> Result<Option<Flow>, StoreError>;

    /// One flow of the given kind and the session that a token belongs to: what every submit begins with.
    async fn flow_with_session(
        &self,
        project: ProjectId,
        kind: FlowKind,
        id: FlowId,
        token: &[TokenHash],
    ) -> Result<FlowAndSession, StoreError>;

    /// Stores what a submit changed, if the flow is not completed, and counts a failed attempt at a door when one is
    /// given. `submissions` is only ever changed by trying a code.
    async fn flow_update(
        &self,
        project: ProjectId,
        flow: &Flow,
        failed: Option<&FailedAttempt>,
    ) -> Result<Updated, StoreError>;

    /// Sends (or sends again) a code or link: stores the flow if it is not completed, removes its earlier codes, inserts the
    /// new one, queues the message. As many statements for an address of nobody as for any other, once it is marked as
    /// sent to. Inserts the flow when it does not exist yet.
    async fn code_send(&self, project: ProjectId, sent: &CodeSent) -> Result<Updated, StoreError>;

    /// Tries a code: counts the try if the flow has fewer than `max_submissions`, and says whether the code is unused,
    /// unexpired and equal to one of `code`. The step that completes the flow uses it up.
    async fn code_try(
        &self,
        project: ProjectId,
        flow: (FlowKind, FlowId),
        code: &[TokenHash],
        max_submissions: u32,
        now: Timestamp,
    ) -> Result<CodeTried, StoreError>;

    /// Completes a login: closes the flow if it is still open, uses up its code, writes the session, upgrades a hash,
    /// proves the code's address, queues messages.
    async fn login_complete(&self, project: ProjectId, done: &LoginDone) -> Result<Completion, StoreError>;

    /// Completes a registration: closes the flow if it is still open, uses up its code and inserts everything. `Conflict`
    /// when an identifier or address is taken; the flow then stays open and the code unused.
    async fn registration_complete(
        &self,
        project: ProjectId,
        done: &RegistrationDone,
    ) -> Result<Completion, StoreError>;

    /// Enters a verification code: counts the try if the flow has fewer than `max_submissions`, consumes the code if it
    /// is unused, unexpired and equal to one of `code`, verifies its address, stores `passed` as the flow, and then the
    /// events.
    async fn verification_redeem(
        &self,
        project: ProjectId,
        passed: &Flow,
        code: &[TokenHash],
        max_submissions: u32,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Redeemed, StoreError>;

    /// Whether one of `code` would be accepted in this verification or recovery flow now. Uses nothing up and counts nothing: whoever
    /// asks counts.
    async fn verification_code_fits(
        &self,
        project: ProjectId,
        flow: FlowId,
        code: &[TokenHash],
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The identity and address that can be verified under this address, if anybody has it.
    async fn verifiable_address(
        &self,
        project: ProjectId,
        via: Via,
        value: &str,
    ) -> Result<Option<(Identity, VerifiableAddress)>, StoreError>;

    /// Stores a change that somebody made to their own account, if the flow is open, the session still active and the
    /// identity's version still the one that the change was computed from. `Conflict` when a name or address is taken.
    async fn settings_complete(&self, project: ProjectId, done: &SettingsDone) -> Result<SettingsStored, StoreError>;

    /// Enters a verification code that a change of the account waits for: as [`FlowStore::verification_redeem`], and stores the
    /// change if the session that it was made in is still active and the identity's version still the one that it was
    /// computed from; else the code was a wrong one. `Conflict` when a name or address is taken; nothing is stored.
    async fn verified_change(&self, project: ProjectId, change: &VerifiedChange) -> Result<Redeemed, StoreError>;

    /// The identity that can be recovered with this address. One statement, found or not.
    async fn recovery_address(&self, project: ProjectId, via: Via, value: &str)
    -> Result<Option<Identity>, StoreError>;

    /// The identity that has any of these as recovery address, else as sign-in name. Two statements, found or not.
    async fn recoverable(&self, project: ProjectId, spellings: &[String]) -> Result<Option<Identity>, StoreError>;

    /// Enters a recovery code: counts the try if the flow has fewer than `max_submissions`, consumes the code if it is
    /// unused, unexpired, right and of the flow's identity, and stores everything that follows.
    async fn recovery_complete(&self, project: ProjectId, done: &RecoveryDone) -> Result<Recovery, StoreError>;

    /// Stores an error for a browser to be shown.
    async fn flow_error_create(
        &self,
        project: ProjectId,
        id: FlowErrorId,
        error: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// A stored error and when it was stored.
    async fn flow_error_by_id(
        &self,
        project: ProjectId,
        id: FlowErrorId,
    ) -> Result<Option<(Value, Timestamp)>, StoreError>;
}

/// Failed attempts at one door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// Failures within the window.
    pub failures: u32,
    /// When the window began.
    pub since: Timestamp,
    /// No attempt is evaluated before this moment.
    pub locked_until: Option<Timestamp>,
}

/// One failed attempt to be counted, with the policy that it is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedAttempt {
    /// Keyed hash of the door: an account's identifier, so that the table reveals none.
    pub counter: TokenHash,
    /// The account that the door leads to, or what stands for it: counted in the same step, under the same policy.
    pub account: Option<AccountCounter>,
    /// When.
    pub at: Timestamp,
    /// After this long without reaching the limit, counting starts again.
    pub window: Duration,
    /// The failure that locks the door.
    pub limit: u32,
    /// How long the door then stays locked.
    pub lock: Duration,
}

/// The counter of an account with all its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountCounter {
    /// Its key.
    pub counter: TokenHash,
    /// Whose account it is; none for a name that nobody has.
    pub owner: Option<IdentityId>,
}

/// Counters of failed attempts: one for every door to an account.
#[async_trait]
pub trait AttemptStore: Send + Sync {
    /// How often the door was tried in vain.
    async fn attempts(&self, project: ProjectId, counter: TokenHash) -> Result<Option<Attempts>, StoreError>;

    /// Counts one failure atomically and returns the new state.
    async fn attempt_failed(&self, project: ProjectId, failed: &FailedAttempt) -> Result<Attempts, StoreError>;

    /// Forgets the failures of a door.
    async fn attempts_clear(&self, project: ProjectId, counter: TokenHash) -> Result<(), StoreError>;
}
