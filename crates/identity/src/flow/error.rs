//! Why a step of a flow cannot go on, where the flow itself cannot say so.

use orrery_core::StoreError;
use orrery_core::outbound::OutboundError;

use super::{Flow, FlowKind, FlowMethod, PlacedMessage, Submission, VerificationFlow};
use crate::credentials::password::Overloaded;
use crate::hooks::HookError;
use crate::limits::TooMany;

/// Why a step of a flow cannot go on. Whatever the person can correct in the form is a message in the flow instead.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    /// There is no flow of this kind and id.
    #[error("no such flow")]
    Unknown,
    /// A usable session exists and neither refresh nor a higher level was asked for.
    #[error("already signed in")]
    SessionAvailable,
    /// A second factor was asked for, but nobody is signed in.
    #[error("a second factor needs a session")]
    FirstFactorNeeded,
    /// There is no active session, or it ended meanwhile.
    #[error("the session is not active")]
    SessionInactive,
    /// The session must reach a higher level first.
    #[error("a second factor is needed")]
    SecondFactorNeeded,
    /// The last sign-in is too long ago for this change, which is kept for afterwards.
    #[error("a fresh sign-in is needed")]
    RefreshNeeded {
        /// The flow that was submitted.
        flow: Box<Flow>,
        /// What was submitted.
        submitted: Submission,
    },
    /// The flow belongs to somebody else than the session.
    #[error("the flow belongs to another identity")]
    OtherIdentity,
    /// The operator has switched this flow off.
    #[error("the {} flow is disabled", .0.as_str())]
    Disabled(FlowKind),
    /// The operator has switched this method off.
    #[error("method {} is disabled", .0.as_str())]
    MethodDisabled(FlowMethod),
    /// The identity schema asked for does not exist or is not offered.
    #[error("no such identity schema")]
    UnknownSchema,
    /// None of the addresses that codes can go to was asked for.
    #[error("no such address")]
    UnknownAddress,
    /// The account has no proven address; a verification flow was begun.
    #[error("an address must be verified first")]
    AddressUnverified(VerificationFlow),
    /// Whether a password is breached has to be known, and is not.
    #[error("passwords cannot be compared with known breaches")]
    Breaches(#[source] OutboundError),
    /// A hook objects to the beginning of a flow, for these reasons.
    #[error("a hook objects")]
    HookRefused(Vec<PlacedMessage>),
    /// A hook that had to be waited for brought no answer.
    #[error(transparent)]
    Hook(#[from] HookError),
    /// Too many requests came from one address.
    #[error(transparent)]
    TooMany(#[from] TooMany),
    /// Too many passwords are waiting to be hashed.
    #[error(transparent)]
    Overloaded(#[from] Overloaded),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}
