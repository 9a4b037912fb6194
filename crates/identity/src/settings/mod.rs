//! Changing one's own account: start, submit, complete; one file per method.
//!
//! A settings flow belongs to one identity and may be submitted again and again until it expires. What leads into the
//! account (credentials, addresses) may be changed only shortly after signing in.
//!
//! To add a method: a file that computes the changed [`crate::identity::Identity`] and hands it to [`complete`], a row in
//! [`submit`], and its nodes in [`render`].

pub mod complete;
pub mod password;
pub mod profile;
pub mod render;
pub mod start;
pub mod submit;

use secrecy::SecretString;

use crate::config::Config;
use crate::flow::{ContinueWith, Flow, FlowError, FlowMethod};
use crate::session::{Aal, Session, SessionWithIdentity};

/// What a submit led to.
#[derive(Debug)]
pub enum Outcome {
    /// The change is stored, or will be as soon as its new address is proven: the state of the flow tells which.
    Saved(Box<Saved>),
    /// Nothing is stored, and the form says why, although nothing in it is wrong.
    Shown(Box<Flow>),
}

/// A change that was accepted.
#[derive(Debug)]
pub struct Saved {
    /// The flow, which can be submitted again.
    pub flow: Flow,
    /// How the change was made.
    pub method: FlowMethod,
    /// The session that it was made in, and its token.
    pub session: (Session, SecretString),
    /// What the client should do next, in order.
    pub continue_with: Vec<ContinueWith>,
}

/// Whether a session may change this account at all.
///
/// # Errors
/// [`FlowError::OtherIdentity`] or [`FlowError::SecondFactorNeeded`].
pub fn admit(config: &Config, flow: &Flow, current: &SessionWithIdentity) -> Result<(), FlowError> {
    if flow.identity_id != Some(current.identity.id) {
        return Err(FlowError::OtherIdentity);
    }
    reaches(config, current)
}

/// Whether a session has the level that settings ask for.
///
/// # Errors
/// [`FlowError::SecondFactorNeeded`], or [`FlowError::SessionInactive`] when there is nothing to step up from.
pub fn reaches(config: &Config, current: &SessionWithIdentity) -> Result<(), FlowError> {
    if config.is_enough(config.settings.required_aal, &current.session, &current.identity) {
        Ok(())
    } else if current.session.aal == Aal::Aal0 {
        Err(FlowError::SessionInactive)
    } else {
        Err(FlowError::SecondFactorNeeded)
    }
}
