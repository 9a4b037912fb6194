//! What the steps of flows write, and what becomes of them.

use std::collections::BTreeSet;

use orrery_core::event::NewEvent;
use orrery_core::id::{CodeId, FlowId, IdentityId, SessionId};
use orrery_core::{Timestamp, TokenHash};
use orrery_courier::message::NewMessage;

use crate::credentials::{Credential, CredentialKind};
use crate::flow::Flow;
use crate::identity::{Identity, VerifiableAddress, Via};
use crate::session::{Session, SessionWithIdentity};

/// A flow and the session of the request that submits it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FlowAndSession {
    /// The flow, if there is one of this kind and id.
    pub flow: Option<Flow>,
    /// The session that the request's token belongs to, in whatever state.
    pub session: Option<SessionWithIdentity>,
}

/// A one-time code that was just sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// Chosen by the server.
    pub id: CodeId,
    /// The flow in which it must be entered.
    pub flow_id: FlowId,
    /// Keyed hash of the code and its flow.
    pub code: TokenHash,
    /// Whose it is. None for an unknown address: such a code never matches.
    pub identity: Option<IdentityId>,
    /// The address that entering it proves. None when it went to none, because an administrator hands it over.
    pub address: Option<(Via, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// How a session is written when a flow completes.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionWrite {
    /// A new session with a new token.
    Create {
        /// The session.
        session: Session,
        /// Keyed hash of its token.
        token: TokenHash,
    },
    /// A login in an existing session (refresh or step-up): id and token stay, everything else is replaced, provided the
    /// session is still active.
    Renew(Session),
}

/// Everything that one completed login writes.
#[derive(Debug, Clone, PartialEq)]
pub struct LoginDone {
    /// The flow as it is afterwards (state, `completed_at`).
    pub flow: Flow,
    /// The session it leads to.
    pub session: SessionWrite,
    /// A credential whose hash is to be replaced by a stronger one, if it still is at `updated_at` of the second member.
    pub upgraded: Option<(Credential, Timestamp)>,
    /// The attempt counter to clear, if it had counted anything.
    pub clear_attempts: Vec<TokenHash>,
    /// Sessions of the same identity to revoke.
    pub revoke_others: bool,
    /// Hashes of the code that was found to be right and is used up by this step; it must be the identity's.
    pub code: Option<Vec<TokenHash>>,
    /// The address that the code went to, unless it is proven already.
    pub proven: Option<(Via, String)>,
    /// Messages to send.
    pub messages: Vec<NewMessage>,
    /// What others are to hear of it.
    pub events: Vec<NewEvent>,
}

/// Everything that one completed registration writes.
#[derive(Debug, Clone, PartialEq)]
pub struct RegistrationDone {
    /// The flow as it is afterwards.
    pub flow: Flow,
    /// The new identity with credentials and addresses.
    pub identity: Identity,
    /// The session, when the `session` hook is configured.
    pub session: Option<SessionWrite>,
    /// Hashes of the code that was found to be right and is used up by this step; it must be for the new identity.
    pub code: Option<Vec<TokenHash>>,
    /// The verification flow that begins with it, and its code.
    pub verification: Option<(Flow, NewCode)>,
    /// Messages to send.
    pub messages: Vec<NewMessage>,
    /// What others are to hear of it.
    pub events: Vec<NewEvent>,
}

/// Everything that one stored change of an account writes.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingsDone {
    /// The flow as it is afterwards; it stays open.
    pub flow: Flow,
    /// The identity as it is afterwards, with the version that the change was computed from and every credential.
    pub identity: Identity,
    /// Kinds of credentials that are gone.
    pub removed: BTreeSet<CredentialKind>,
    /// The session that the change was made in, which must still be active.
    pub session: SessionId,
    /// Sessions of the same identity to revoke.
    pub revoke_others: bool,
    /// The verification flows that begin with it, and their codes.
    pub verifications: Vec<(Flow, NewCode)>,
    /// Messages to send.
    pub messages: Vec<NewMessage>,
    /// What others are to hear of it.
    pub events: Vec<NewEvent>,
}

/// What became of storing a change of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsStored {
    /// Everything is stored.
    Done,
    /// Somebody else changed the identity first. Nothing is stored; compute the change again.
    Stale,
    /// The flow is gone. Nothing is stored.
    FlowClosed,
    /// The session has ended meanwhile, or the identity is gone. Nothing is stored.
    SignedOut,
}

/// A change of an account that takes effect with the proof of its new address.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedChange {
    /// The verification flow as it is afterwards.
    pub flow: Flow,
    /// Hashes of what was entered.
    pub codes: Vec<TokenHash>,
    /// How many codes can be tried in one flow.
    pub max_submissions: u32,
    /// The identity as it is afterwards, its new address proven.
    pub identity: Identity,
    /// Kinds of credentials that are gone.
    pub removed: BTreeSet<CredentialKind>,
    /// The session that the change was made in.
    pub session: SessionId,
    /// Whether the other sessions of the identity are revoked.
    pub revoke_others: bool,
    /// What others are to hear of it.
    pub events: Vec<NewEvent>,
}

/// A code or link on its way, or a dummy for an address of nobody.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeSent {
    /// The flow as it is afterwards.
    pub flow: Flow,
    /// The code.
    pub code: NewCode,
    /// The message that carries it, if there is anybody to get it.
    pub message: Option<NewMessage>,
    /// The address of the code's identity that is to be marked as sent to, unless it is already.
    pub marks: Option<(Via, String)>,
}

/// Everything that the right recovery code writes.
#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryDone {
    /// The flow as it is afterwards (state, `completed_at`), and the identity that it is about.
    pub flow: Flow,
    /// Hashes of what was entered.
    pub codes: Vec<TokenHash>,
    /// How many codes can be tried in one flow.
    pub max_submissions: u32,
    /// The session it leads to.
    pub session: SessionWrite,
    /// The settings flow that begins with it.
    pub settings: Flow,
    /// Sessions of the same identity to revoke.
    pub revoke_others: bool,
    /// What others are to hear of it.
    pub events: Vec<NewEvent>,
}

/// What became of entering a recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Everything is stored, the code used and its address verified.
    Done,
    /// Wrong, used or expired. Counted.
    Wrong,
    /// It was right, but the account is disabled. The code is used.
    Inactive,
    /// The flow has used up its tries; the code was not compared.
    TooMany,
    /// The flow was passed before, or is gone.
    FlowClosed,
}

/// What became of completing a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completion {
    /// Everything is stored.
    Done,
    /// The flow was completed by somebody else first, or is gone. Nothing is stored.
    FlowClosed,
    /// The identity (or the session to renew) is no longer active or no longer there. Nothing is stored.
    Inactive,
    /// The code was used, replaced or expired since it was tried. Nothing is stored.
    CodeUsed,
}

/// What became of trying a code that a later step uses up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeTried {
    /// It is the right one.
    Right {
        /// Whose it is.
        identity: IdentityId,
        /// The address that it went to.
        address: Option<(Via, String)>,
    },
    /// Wrong, used or expired. Counted.
    Wrong,
    /// The flow has used up its tries; the code was not compared.
    TooMany,
    /// The flow was passed before, or is gone.
    FlowClosed,
}

/// What became of entering a one-time code.
#[derive(Debug, Clone, PartialEq)]
pub enum Redeemed {
    /// The address is verified now, the code used and the flow passed.
    Done {
        /// Whose it is.
        identity: IdentityId,
        /// The proven address.
        address: VerifiableAddress,
    },
    /// Wrong, used or expired. Counted.
    Wrong,
    /// The flow has used up its tries; the code was not compared.
    TooMany,
    /// The flow was passed before, or is gone.
    FlowClosed,
}

/// What became of exchanging codes for a session token.
#[derive(Debug, Clone, PartialEq)]
pub enum Exchanged {
    /// The session, which has the new token.
    Session(Box<SessionWithIdentity>),
    /// There is no such flow, it led to no session, or the session has ended.
    NotReady,
}
