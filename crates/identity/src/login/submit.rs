//! Submitting a login: is there anything to do, by which method, and what did it find?

use orrery_core::{RequestContext, TokenHash};
use serde_json::Value;

use super::render::Offer;
use super::{Outcome, complete, password};
use crate::IdentityService;
use crate::flow::steps::{again, invalid, succeed};
use crate::flow::{Asked, BrowserSecrets, Flow, FlowError, FlowMethod, Open, Submission, Submitted, catalogue};
use crate::limits::Known;
use crate::session::Aal;

/// Submits a login whose sender was found to be the one who began it. `browser` is who it is,
/// unless it is a native client.
///
/// # Errors
/// What the flow itself cannot say; see [`FlowError`].
pub async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    open: Open,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Outcome>, FlowError> {
    let Open { mut flow, current, browser: known_browser } = open;
    let config = service.config.load();
    if flow.is_expired(context.now) {
        return expired(service, context, flow, browser.map(|browser| browser.present)).await;
    }
    if !flow.reopen(&catalogue::LOGIN_COMPLETED) {
        return Ok(Submitted::Again(Box::new(flow)));
    }
    match &current {
        None if flow.requested_aal > Aal::Aal1 => return Err(FlowError::FirstFactorNeeded),
        Some((session, _)) if !flow.refresh && flow.requested_aal <= session.session.aal => {
            flow.messages.push(invalid("You are signed in already. To sign in again, begin with refresh=true."));
            return Ok(Submitted::Done(Box::new(Outcome::AlreadySignedIn(Box::new(flow)))));
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
            let known = match &current {
                Some((session, _)) => Some(Known::Session(session.session.id, session.identity.id)),
                None => known_browser.map(Known::Browser),
            };
            match password::authenticate(service, context, &config, submitted, known).await? {
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

async fn expired(
    service: &IdentityService,
    context: &RequestContext,
    expired: Flow,
    csrf: Option<TokenHash>,
) -> Result<Submitted<Outcome>, FlowError> {
    let lifespan = service.config.load().lifespans.login;
    let mut fresh = expired.successor(csrf, lifespan, &catalogue::LOGIN_EXPIRED, context.now, &*service.entropy);
    fresh.refresh = expired.refresh;
    if expired.refresh {
        fresh.context = expired.context.clone();
        fresh.values = expired.values.clone();
        fresh.identity_id = expired.identity_id;
        fresh.session_id = expired.session_id;
    }
    succeed(service, context, expired, fresh).await
}
