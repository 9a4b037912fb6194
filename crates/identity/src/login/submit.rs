//! Submitting a login: is there anything to do, by which method, and what did it find?

use orrery_core::id::FlowId;
use orrery_core::{RequestContext, TokenHash};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::render::Offer;
use super::{Submitted, complete, password};
use crate::IdentityService;
use crate::flow::{Asked, Flow, FlowError, FlowKind, FlowMethod, PlacedMessage, Submission, catalogue};
use crate::session::{Aal, Presented, SessionWithIdentity};
use crate::store::FailedAttempt;

/// A flow as it was found for a submit.
#[derive(Debug)]
pub struct Open {
    /// The flow.
    pub flow: Flow,
    /// The request's session and its token, if the session is active.
    pub current: Option<(SessionWithIdentity, SecretString)>,
}

/// Loads the flow and the request's session in one lookup.
///
/// # Errors
/// [`FlowError::Unknown`] or storage trouble.
pub async fn open(
    service: &IdentityService,
    context: &RequestContext,
    id: FlowId,
    presented: &Presented,
) -> Result<Open, FlowError> {
    let hashes = presented.hashes(&service.keyring);
    let found = service.flows.flow_with_session(context.project, FlowKind::Login, id, &hashes).await?;
    let flow = found.flow.ok_or(FlowError::Unknown)?;
    let current = found.session.filter(|session| session.is_active(context.now)).zip(presented.token().cloned());
    Ok(Open { flow, current })
}

/// Submits a login whose sender was found to be the one who began it. `csrf` is the browser's cookie, for a successor.
///
/// # Errors
/// What the flow itself cannot say; see [`FlowError`].
pub async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    open: Open,
    submitted: &Submission,
    csrf: Option<TokenHash>,
) -> Result<Submitted, FlowError> {
    let Open { mut flow, current } = open;
    let config = service.config.load();
    if flow.is_expired(context.now) {
        return expired(service, context, flow, csrf).await;
    }
    flow.messages.clear();
    if flow.completed_at.is_some() {
        flow.messages.push(catalogue::LOGIN_COMPLETED.message().on_form());
        return Ok(Submitted::Again(Box::new(flow)));
    }
    match &current {
        None if flow.requested_aal > Aal::Aal1 => return Err(FlowError::FirstFactorNeeded),
        Some((session, _)) if !flow.refresh && flow.requested_aal <= session.session.aal => {
            let reason = "You are signed in already. To sign in again, begin with refresh=true.";
            flow.messages.push(catalogue::INVALID.with([("reason", json!(reason))]).on_form());
            return Ok(Submitted::AlreadySignedIn(Box::new(flow)));
        }
        None | Some(_) => {}
    }
    flow.transient_payload = submitted.transient_payload();
    match submitted.asked() {
        Asked::Nothing => {
            again(service, context, flow, vec![catalogue::LOGIN_NO_METHOD.message().on_form()], None).await
        }
        Asked::Method(FlowMethod::Password) if config.password.enabled => {
            if !Offer::of(&flow, &config).password {
                let none = vec![catalogue::LOGIN_NO_METHOD.message().on_form()];
                return again(service, context, flow, none, None).await;
            }
            flow.active = Some(FlowMethod::Password);
            remember_identifier(&mut flow, submitted);
            match password::authenticate(service, context, &config, submitted).await? {
                password::Verdict::Proven(proven) => complete::complete(service, context, flow, *proven, current).await,
                password::Verdict::Refused(refused) => {
                    let failure = refused.failed.as_ref().map(|(failure, _)| failure);
                    again(service, context, flow, refused.messages, failure).await
                }
            }
        }
        Asked::Method(method) => Err(FlowError::MethodDisabled(method)),
    }
}

/// What was typed is shown again, the password never.
fn remember_identifier(flow: &mut Flow, submitted: &Submission) {
    if let Some(typed) = password::identifier(submitted).filter(|typed| !flow.refresh && typed.len() <= 1024) {
        flow.values.insert("identifier".to_owned(), Value::from(typed));
    }
}

/// The flow with what is wrong, stored, and the failure counted in the same step.
pub(super) async fn again(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    messages: Vec<PlacedMessage>,
    failed: Option<&FailedAttempt>,
) -> Result<Submitted, FlowError> {
    flow.messages = messages;
    flow.updated_at = context.now;
    // If the flow was completed or removed meanwhile, the answer to this submit is still the same.
    service.flows.flow_update(context.project, &flow, failed).await?;
    Ok(Submitted::Again(Box::new(flow)))
}

async fn expired(
    service: &IdentityService,
    context: &RequestContext,
    expired: Flow,
    csrf: Option<TokenHash>,
) -> Result<Submitted, FlowError> {
    let lifespan = service.config.load().lifespans.login;
    let mut fresh = expired.successor(csrf, lifespan, &catalogue::LOGIN_EXPIRED, context.now, &*service.entropy);
    fresh.refresh = expired.refresh;
    if expired.refresh {
        fresh.context = expired.context.clone();
        fresh.values = expired.values.clone();
        fresh.identity_id = expired.identity_id;
        fresh.session_id = expired.session_id;
    }
    service.flows.flow_create(context.project, &fresh).await?;
    Ok(Submitted::Expired { expired: Box::new(expired), fresh: Box::new(fresh) })
}
