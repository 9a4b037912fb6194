//! Submitting a login: is there anything to do, by which method, and what did it find?

use orrery_core::{RequestContext, TokenHash};
use serde_json::Value;

use super::{Login, Memory, Outcome, code, complete, identifier_first, password};
use crate::IdentityService;
use crate::config::{CodeSignIn, LoginStyle};
use crate::flow::steps::{again, invalid, succeed};
use crate::flow::{
    Asked, BrowserSecrets, Flow, FlowError, FlowMethod, FlowState, Open, Submission, Submitted, catalogue,
};
use crate::limits::Known;
use crate::session::Aal;

/// Longest identifier that a flow remembers, in bytes.
pub(super) const MAX_IDENTIFIER: usize = 1024;

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
        // What the flow offers belongs to whoever began it.
        Some((session, _)) if flow.requested_aal > Aal::Aal1 && flow.identity_id != Some(session.identity.id) => {
            return Err(FlowError::OtherIdentity);
        }
        None | Some(_) => {}
    }
    flow.transient_payload = submitted.transient_payload();
    let known = match &current {
        Some((session, _)) => Some(Known::Session(session.session.id, session.identity.id)),
        None => known_browser.map(Known::Browser),
    };
    let (memory, aal) = (Memory::of(&flow), flow.requested_aal);
    let login = Login { service, context, config: &config, submitted, current, known, browser };
    match submitted.asked() {
        Asked::Method(FlowMethod::Password) if config.password.enabled => {
            if !memory.offers_password(&flow, &config) {
                return nothing(&login, flow).await;
            }
            by_password(login, flow).await
        }
        Asked::Method(FlowMethod::Code) if config.code.sign_in != CodeSignIn::Off => {
            if !memory.offers_code(&flow, &config) {
                return nothing(&login, flow).await;
            }
            code::submit(login, flow).await
        }
        Asked::Identifier if config.login.style == LoginStyle::IdentifierFirst && !flow.refresh && aal <= Aal::Aal1 => {
            identifier_first::submit(login, flow).await
        }
        Asked::Nothing | Asked::Identifier => nothing(&login, flow).await,
        Asked::Method(method) => Err(FlowError::MethodDisabled(method)),
    }
}

async fn nothing(login: &Login<'_>, flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let none = vec![catalogue::LOGIN_NO_METHOD.message().on_form()];
    again(login.service, login.context, flow, none, None).await
}

async fn by_password(login: Login<'_>, mut flow: Flow) -> Result<Submitted<Outcome>, FlowError> {
    let Login { service, context, config, submitted, known, .. } = login;
    flow.active = Some(FlowMethod::Password);
    // Whoever asked for a code first and thinks better of it is shown both again.
    flow.state = FlowState::ChooseMethod;
    remember_identifier(&mut flow, submitted);
    match password::authenticate(service, context, config, submitted, known).await? {
        password::Verdict::Proven(proven) => complete::complete(login, flow, *proven).await,
        password::Verdict::Refused(refused) => {
            let failure = refused.failed.as_ref().map(|(failure, _)| failure);
            again(service, context, flow, refused.messages, failure).await
        }
    }
}

/// What was typed is shown again, the password never.
fn remember_identifier(flow: &mut Flow, submitted: &Submission) {
    if let Some(typed) = password::identifier(submitted).filter(|typed| !flow.refresh && typed.len() <= MAX_IDENTIFIER)
    {
        flow.values.insert(code::IDENTIFIER.to_owned(), Value::from(typed));
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
    if let Memory { offer: Some(offer), .. } = Memory::of(&expired) {
        Memory { offer: Some(offer), ..Memory::default() }.store(&mut fresh);
        fresh.values = expired.values.clone();
        fresh.identity_id = expired.identity_id;
        fresh.session_id = expired.session_id;
    }
    succeed(service, context, expired, fresh).await
}
