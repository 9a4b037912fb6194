//! Submitting a verification: an address that is to get a code, or the code.

use std::collections::BTreeSet;

use orrery_core::secret::Purpose;
use orrery_core::{RequestContext, TokenHash};
use orrery_courier::compose::ComposeError;
use serde_json::json;

use super::redeem::{Consulted, Entered, consult, redeem};
use super::send::{Recipient, unmarked};
use super::{Memory, address, begin_again, method_of};
use crate::IdentityService;
use crate::config::Config;
use crate::flow::message::Template;
use crate::flow::sending::count;
use crate::flow::steps::{again, invalid, required, succeed};
use crate::flow::{
    Asked, BrowserSecrets, Encoding, Flow, FlowError, FlowMethod, FlowState, Submission, Submitted, catalogue, one_time,
};
use crate::hooks::Caller;
use crate::identity::Via;
use crate::limits::{Door, Entry};
use crate::store::{CodeSent, Redeemed, Updated};

/// What a submit led to.
#[derive(Debug)]
pub enum Outcome {
    /// The flow goes on, or is passed.
    Shown(Flow),
    /// The flow was passed before, or has used up its tries; a fresh one was begun.
    Replaced(Flow),
}

type Answer = Result<Submitted<Outcome>, FlowError>;

/// Whether what was submitted is a code, and not an address to send one to.
///
/// A form with both comes from the button that asks for a new code, beside a field that may hold the old one.
#[must_use]
pub fn is_code_entry(flow: &Flow, submitted: &Submission) -> bool {
    let asks_for_code = submitted.encoding() == Encoding::Form && typed_address(submitted).is_some();
    submitted.text("code").is_some() && flow.state != FlowState::ChooseMethod && !asks_for_code
}

fn typed_address(submitted: &Submission) -> Option<&str> {
    // Phone numbers may come under the name of their channel, too.
    submitted.text("email").or_else(|| submitted.text("sms"))
}

/// Submits a verification whose sender was found to be the one who began it. `browser` is who it is,
/// unless it is a native client.
///
/// # Errors
/// What the flow itself cannot say; see [`FlowError`].
pub async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Answer {
    let config = service.config.load();
    let csrf = browser.map(|browser| browser.present);
    if flow.completed_at.is_some() {
        return replaced(service, context, &config, &flow, csrf, &catalogue::VERIFICATION_COMPLETED).await;
    }
    if flow.is_expired(context.now) {
        let expired = catalogue::VERIFICATION_EXPIRED
            .with([("expired_at", json!(flow.expires_at)), ("expired_at_unix", json!(flow.expires_at.as_seconds()))])
            .on_form();
        let fresh = begin_again(&config, context, &flow, csrf, expired, &*service.entropy);
        return succeed(service, context, flow, fresh).await;
    }
    flow.messages.clear();
    let method = method_of(&config);
    flow.active = Some(method);
    if let Some(payload) = submitted.transient_payload() {
        flow.transient_payload = Some(payload);
    }
    match submitted.asked() {
        Asked::Method(asked) if asked == method && config.enables(method) => {}
        // A phone number cannot open a link: its code is entered here whatever mails carry.
        Asked::Method(FlowMethod::Code) if Memory::of(&flow).via == Some(Via::Sms) => {}
        // Old forms leave the method out; its fields say it.
        Asked::Nothing if submitted.text("code").is_some() || typed_address(submitted).is_some() => {}
        Asked::Nothing | Asked::Identifier => {
            let message = catalogue::VERIFICATION_NO_METHOD.message().on_form();
            return again(service, context, flow, vec![message], None).await;
        }
        Asked::Method(method) => return Err(FlowError::MethodDisabled(method)),
    }
    match (submitted.text("code"), typed_address(submitted)) {
        (Some(code), _) if is_code_entry(&flow, submitted) => enter(service, context, &config, flow, code, csrf).await,
        (_, Some(typed)) => send(service, context, &config, flow, typed, csrf).await,
        (Some(_) | None, None) => {
            let field = match flow.state {
                FlowState::SentEmail if method == FlowMethod::Code => "code",
                FlowState::SentEmail => "email",
                FlowState::ChooseMethod
                | FlowState::PassedChallenge
                | FlowState::ShowForm
                | FlowState::Success
                | FlowState::RecoveryAwaitingAddress
                | FlowState::RecoveryAwaitingAddressChoice
                | FlowState::RecoveryConfirmingAddress
                | FlowState::RecoveryAwaitingCode => "email",
            };
            again(service, context, flow, vec![required(field)], None).await
        }
    }
}

/// Remembers the code of a link that was followed, for the form to show. If it is the right one, the flow is handed to the
/// browser that followed the link: mail is often read on another device than the one that asked. A wrong one is a guess
/// like any other, is counted as one, and changes nothing.
///
/// # Errors
/// Storage trouble.
pub async fn prefill(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    code: &str,
    csrf: Option<TokenHash>,
) -> Result<(), FlowError> {
    if flow.state != FlowState::SentEmail || flow.is_expired(context.now) || !one_time::is_plausible(code) {
        return Ok(());
    }
    if !fits(service, context, &flow, code).await? {
        return Ok(());
    }
    let mut memory = Memory::of(&flow);
    memory.prefill(&flow, code, &service.keyring, &*service.entropy);
    memory.store(&mut flow);
    flow.csrf = flow.csrf.and(csrf);
    flow.updated_at = context.now;
    service.flows.flow_update(context.project, &flow, None).await?;
    Ok(())
}

/// Whether this is the flow's code; counted where codes that are entered are.
async fn fits(service: &IdentityService, context: &RequestContext, flow: &Flow, code: &str) -> Result<bool, FlowError> {
    let (config, project) = (service.config.load(), context.project);
    let door = Door::code(project, address(flow).unwrap_or_default(), &service.keyring);
    let name = one_time::name(flow, code);
    let hashes: Vec<_> = service.keyring.candidates(Purpose::OneTimeCode, &name).collect();
    let lookup = || async { Ok::<_, FlowError>(((), service.attempts.attempts(project, door.counter()).await?)) };
    let Entry::Admitted(attempt) = service.doors.attempt(door, &config.limits, context.now, lookup).await? else {
        return Ok(false);
    };
    let fits = service.flows.verification_code_fits(project, flow.id, &hashes, context.now).await?;
    if !fits {
        service.attempts.attempt_failed(project, &door.failure(&config.limits, context.now)).await?;
    }
    drop(attempt);
    Ok(fits)
}

/// Longest text that is looked at as a token, in bytes.
const MAX_TOKEN: usize = 128;

/// Opens the link with this token: in any browser, because all that it does is to prove the address. `csrf` is the
/// cookie of the browser that opens it.
///
/// # Errors
/// Storage trouble.
pub async fn follow(
    service: &IdentityService,
    context: &RequestContext,
    flow: &Flow,
    token: &str,
    csrf: Option<TokenHash>,
) -> Result<Flow, FlowError> {
    let config = service.config.load();
    let over = async |why: &Template| {
        let fresh = begin_again(&config, context, flow, csrf, why.message().on_form(), &*service.entropy);
        service.flows.flow_create(context.project, &fresh).await?;
        Ok(fresh)
    };
    if flow.is_expired(context.now) || flow.active != Some(FlowMethod::Link) || token.len() > MAX_TOKEN {
        return over(&catalogue::VERIFICATION_TOKEN_INVALID).await;
    }
    let mut passed = passed(flow.clone(), context);
    // Whoever opened it is shown that it worked.
    passed.csrf = flow.csrf.and(csrf);
    let hashes: Vec<_> = service.keyring.candidates(Purpose::OneTimeCode, &one_time::name(flow, token)).collect();
    // A token cannot be guessed, so wrong ones need no count.
    let entry = Entered { flow, passed: &passed, codes: &hashes, max_submissions: u32::MAX };
    let caller = Caller { service, context, config: &config };
    let events = match consult(caller, &entry).await? {
        Consulted::Agreed(events) => events,
        Consulted::Objected(messages) => {
            let mut flow = flow.clone();
            flow.messages = messages;
            flow.updated_at = context.now;
            service.flows.flow_update(context.project, &flow, None).await?;
            return Ok(flow);
        }
    };
    match redeem(caller, &entry, events).await? {
        Redeemed::Done { .. } => Ok(passed),
        Redeemed::Wrong | Redeemed::TooMany | Redeemed::FlowClosed => {
            over(&catalogue::VERIFICATION_TOKEN_INVALID).await
        }
    }
}

async fn send(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    mut flow: Flow,
    typed: &str,
    csrf: Option<TokenHash>,
) -> Answer {
    let Some((via, value)) = one_time::recognise(typed) else {
        let shown: String = typed.chars().take(100).collect();
        let message = catalogue::INVALID_EMAIL.with([("value", json!(shown))]).on_node("email");
        return again(service, context, flow, vec![message], None).await;
    };
    match count(service, context, config, &value, None).await {
        Ok(()) => {}
        Err(FlowError::TooMany(_)) => {
            let reason = "Too many codes were sent to this address. Please try again later.";
            return again(service, context, flow, vec![invalid(reason)], None).await;
        }
        Err(error) => return Err(error),
    }
    let known = service.flows.verifiable_address(context.project, via, &value).await?.map(|(identity, _)| identity);
    // An address that waits to become somebody's is nobody's yet.
    let known = match Memory::of(&flow).pending.filter(|pending| pending.address == value).and(flow.identity_id) {
        Some(id) => service.identities.identity_by_id(context.project, id, &BTreeSet::new()).await?,
        None => {
            Memory { pending: None, ..Memory::of(&flow) }.store(&mut flow);
            known
        }
    };
    let owner = known.as_ref();
    flow.identity_id = owner.map(|identity| identity.id);
    let prepared = Recipient { via, value: &value, owner }.prepare(service, context, config, &mut flow);
    let (code, message) = match prepared {
        Ok(prepared) => prepared,
        Err(ComposeError::InvalidRecipient | ComposeError::TooLarge) => {
            let message = catalogue::INVALID_EMAIL.with([("value", json!(value))]).on_node("email");
            return again(service, context, flow, vec![message], None).await;
        }
        Err(error) => return Err(orrery_core::StoreError::internal(error).into()),
    };
    let marks = owner.and_then(|owner| unmarked(owner, via, &value));
    let sent = CodeSent { flow, code, message, marks };
    match service.flows.code_send(context.project, &sent).await? {
        Updated::Done => {
            service.wake.enqueued(usize::from(sent.message.is_some()));
            Ok(shown(sent.flow))
        }
        Updated::Stale | Updated::Unknown => {
            replaced(service, context, config, &sent.flow, csrf, &catalogue::VERIFICATION_COMPLETED).await
        }
    }
}

async fn enter(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    flow: Flow,
    code: &str,
    csrf: Option<TokenHash>,
) -> Answer {
    let (project, code) = (context.project, one_time::compact(code));
    let door = Door::code(project, address(&flow).unwrap_or_default(), &service.keyring);
    let lookup = || async {
        let attempts = service.attempts.attempts(project, door.counter()).await?;
        Ok::<_, FlowError>(((), attempts))
    };
    let pass = match service.doors.attempt(door, &config.limits, context.now, lookup).await? {
        Entry::Admitted(attempt) => attempt.pass,
        Entry::Refused { .. } => {
            let reason = "Too many wrong codes were entered for this address. Please try again later.";
            return again(service, context, flow, vec![invalid(reason)], None).await;
        }
    };
    let passed = passed(flow.clone(), context);
    let name = one_time::name(&flow, if one_time::is_plausible(&code) { &code } else { "" });
    let hashes: Vec<_> = service.keyring.candidates(Purpose::OneTimeCode, &name).collect();
    let limit = config.code.max_submissions;
    let entry = Entered { flow: &flow, passed: &passed, codes: &hashes, max_submissions: limit };
    let caller = Caller { service, context, config };
    let events = match consult(caller, &entry).await? {
        Consulted::Agreed(events) => events,
        Consulted::Objected(messages) => return again(service, context, flow, messages, None).await,
    };
    match redeem(caller, &entry, events).await? {
        Redeemed::Done { .. } => {
            if let Some(counter) = pass.counter_to_clear() {
                service.attempts.attempts_clear(project, counter).await?;
            }
            Ok(shown(passed))
        }
        Redeemed::Wrong => {
            let mut flow = flow;
            flow.messages = vec![catalogue::VERIFICATION_CODE_INVALID.message().on_form()];
            flow.updated_at = context.now;
            let failure = door.failure(&config.limits, context.now);
            service.flows.flow_update(project, &flow, Some(&failure)).await?;
            drop(pass);
            Ok(shown(flow))
        }
        Redeemed::TooMany => {
            replaced(service, context, config, &flow, csrf, &catalogue::VERIFICATION_CODE_INVALID).await
        }
        Redeemed::FlowClosed => {
            replaced(service, context, config, &flow, csrf, &catalogue::VERIFICATION_COMPLETED).await
        }
    }
}

fn shown(flow: Flow) -> Submitted<Outcome> {
    Submitted::Done(Box::new(Outcome::Shown(flow)))
}

/// The flow as it is once its code was entered.
fn passed(mut flow: Flow, context: &RequestContext) -> Flow {
    let done = match Memory::of(&flow).via {
        Some(Via::Sms) => &catalogue::VERIFICATION_PHONE_DONE,
        Some(Via::Email) | None => &catalogue::VERIFICATION_EMAIL_DONE,
    };
    flow.state = FlowState::PassedChallenge;
    Memory { pending: None, ..Memory::of(&flow) }.store(&mut flow);
    flow.messages = vec![done.message().on_form()];
    flow.completed_at = Some(context.now);
    flow.updated_at = context.now;
    flow
}

async fn replaced(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    over: &Flow,
    csrf: Option<TokenHash>,
    why: &Template,
) -> Answer {
    let fresh = begin_again(config, context, over, csrf, why.message().on_form(), &*service.entropy);
    service.flows.flow_create(context.project, &fresh).await?;
    Ok(Submitted::Done(Box::new(Outcome::Replaced(fresh))))
}
