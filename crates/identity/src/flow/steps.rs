//! What every submit of every flow goes through: opening the flow, refusing one that is over, and storing what is to
//! be corrected.

use orrery_core::id::FlowId;
use orrery_core::{RequestContext, TokenHash};
use secrecy::SecretString;
use serde_json::json;

use super::message::Template;
use super::{Flow, FlowError, FlowKind, PlacedMessage};
use crate::IdentityService;
use crate::limits::KnownBrowser;
use crate::session::{Presented, SessionWithIdentity};
use crate::store::FailedAttempt;

/// A flow as it was found for a submit.
#[derive(Debug)]
pub struct Open {
    /// The flow.
    pub flow: Flow,
    /// The request's session and its token, if the session is active.
    pub current: Option<(SessionWithIdentity, SecretString)>,
    /// What the browser is known by.
    pub browser: Option<KnownBrowser>,
}

/// What became of a submit that was understood.
#[derive(Debug)]
pub enum Submitted<T> {
    /// It led somewhere: the flow's own outcome.
    Done(Box<T>),
    /// Not yet: the flow says what is next, or what to correct.
    Again(Box<Flow>),
    /// The flow was too old; a fresh one exists.
    Expired {
        /// The old one.
        expired: Box<Flow>,
        /// The fresh one.
        fresh: Box<Flow>,
    },
}

/// Hashes of the anti-CSRF secrets of the browser that submits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserSecrets {
    /// The present one.
    pub present: TokenHash,
    /// The one that comes with a new session.
    pub next: TokenHash,
}

/// Loads the flow and the request's session in one lookup.
///
/// # Errors
/// [`FlowError::Unknown`] or storage trouble.
pub async fn open(
    service: &IdentityService,
    context: &RequestContext,
    kind: FlowKind,
    id: FlowId,
    presented: &Presented,
    browser: Option<KnownBrowser>,
) -> Result<Open, FlowError> {
    let hashes = presented.hashes(&service.keyring);
    let found = service.flows.flow_with_session(context.project, kind, id, &hashes).await?;
    let flow = found.flow.ok_or(FlowError::Unknown)?;
    let current = found.session.filter(|session| session.is_active(context.now)).zip(presented.token().cloned());
    Ok(Open { flow, current, browser })
}

impl Flow {
    /// Forgets what earlier submits were told. False, with a message that says so, when the flow was completed before.
    pub fn reopen(&mut self, completed: &Template) -> bool {
        self.messages.clear();
        if self.completed_at.is_some() {
            self.messages.push(completed.message().on_form());
        }
        self.completed_at.is_none()
    }
}

/// The flow with what is next or wrong, stored, and a failure counted in the same step.
///
/// # Errors
/// Storage trouble.
pub async fn again<T>(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    messages: Vec<PlacedMessage>,
    failed: Option<&FailedAttempt>,
) -> Result<Submitted<T>, FlowError> {
    flow.messages = messages;
    flow.updated_at = context.now;
    // If the flow was completed or removed meanwhile, the answer to this submit is still the same.
    service.flows.flow_update(context.project, &flow, failed).await?;
    Ok(Submitted::Again(Box::new(flow)))
}

/// Stores the flow that takes the place of an expired one.
///
/// # Errors
/// Storage trouble.
pub async fn succeed<T>(
    service: &IdentityService,
    context: &RequestContext,
    expired: Flow,
    fresh: Flow,
) -> Result<Submitted<T>, FlowError> {
    service.flows.flow_create(context.project, &fresh).await?;
    Ok(Submitted::Expired { expired: Box::new(expired), fresh: Box::new(fresh) })
}

/// Something that no numbered message says, in words, for the whole form.
#[must_use]
pub fn invalid(reason: impl Into<String>) -> PlacedMessage {
    super::catalogue::INVALID.with([("reason", json!(reason.into()))]).on_form()
}

/// A field that must be filled in.
#[must_use]
pub fn required(field: &str) -> PlacedMessage {
    super::catalogue::REQUIRED.with([("property", json!(field))]).on_node(field)
}
