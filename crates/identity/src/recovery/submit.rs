//! Submitting a recovery: an address that is to get a code or a link, or the code.

use orrery_core::RequestContext;
use serde_json::json;

use super::send::{Recipient, Sender};
use super::{Memory, Outcome, begin_again, choose, enter};
use crate::IdentityService;
use crate::config::Delivery;
use crate::credentials::code::CodeAddress;
use crate::flow::steps::{again, required, succeed};
use crate::flow::{
    Asked, BrowserSecrets, Encoding, Flow, FlowError, FlowMethod, FlowState, Open, Submission, Submitted, catalogue,
    one_time,
};
use crate::identity::Via;

/// Submits a recovery whose sender was found to be the one who began it. `browser` is who it is, unless it is a native
/// client.
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
    let Open { mut flow, current, .. } = open;
    let config = service.config.load();
    if current.is_some() {
        return Err(FlowError::SessionAvailable);
    }
    let csrf = browser.map(|browser| browser.present);
    if flow.completed_at.is_some() {
        let over = catalogue::RECOVERY_COMPLETED.message().on_form();
        return replaced(service, context, begin_again(service, context, &config, &flow, csrf, over)).await;
    }
    if flow.is_expired(context.now) {
        let expired = catalogue::RECOVERY_EXPIRED
            .with([("expired_at", json!(flow.expires_at)), ("expired_at_unix", json!(flow.expires_at.as_seconds()))])
            .on_form();
        let fresh = begin_again(service, context, &config, &flow, csrf, expired);
        return succeed(service, context, flow, fresh).await;
    }
    flow.messages.clear();
    if let Some(payload) = submitted.transient_payload() {
        flow.transient_payload = Some(payload);
    }
    let by_administrator = Memory::of(&flow).by_administrator;
    let method = match (config.recovery.uses, by_administrator) {
        (Delivery::Link, false) => FlowMethod::Link,
        (Delivery::Code, _) | (Delivery::Link, true) => FlowMethod::Code,
    };
    match submitted.asked() {
        Asked::Method(asked) if asked == method && config.enables(method) => {}
        // Old forms leave the method out; its fields say it.
        Asked::Nothing if ["code", "email", "recovery_address"].iter().any(|name| submitted.text(name).is_some()) => {}
        // A second form of a page may hold only the step back.
        Asked::Nothing if submitted.text("screen").is_some() => {}
        Asked::Nothing | Asked::Identifier => {
            let message = catalogue::RECOVERY_NO_METHOD.message().on_form();
            return again(service, context, flow, vec![message], None).await;
        }
        Asked::Method(method) => return Err(FlowError::MethodDisabled(method)),
    }
    flow.active = Some(method);
    let sender = Sender { service, context, config: &config };
    if config.recovery.chooses() && !by_administrator {
        return choose::submit(sender, flow, submitted, browser).await;
    }
    let typed = submitted.text("email").filter(|_| !by_administrator);
    match (submitted.text("code"), typed, flow.state) {
        (Some(code), typed, FlowState::SentEmail)
            if method == FlowMethod::Code && !(submitted.encoding() == Encoding::Form && typed.is_some()) =>
        {
            enter::enter(sender, flow, code, browser).await
        }
        (_, Some(typed), _) => send(sender, flow, typed).await,
        (_, None, FlowState::SentEmail) if method == FlowMethod::Code => {
            again(service, context, flow, vec![required("code")], None).await
        }
        (_, None, _) => again(service, context, flow, vec![required("email")], None).await,
    }
}

async fn send(sender: Sender<'_>, mut flow: Flow, typed: &str) -> Result<Submitted<Outcome>, FlowError> {
    let Sender { service, context, config } = sender;
    // This form asks for mail addresses only.
    let Some((Via::Email, value)) = one_time::recognise(typed) else {
        let shown: String = typed.chars().take(100).collect();
        let message = catalogue::INVALID_EMAIL.with([("value", json!(shown))]).on_node("email");
        return again(service, context, flow, vec![message], None).await;
    };
    let owner = service.flows.recovery_address(context.project, Via::Email, &value).await?;
    let sent = match config.recovery.uses {
        Delivery::Code => &catalogue::RECOVERY_CODE_SENT,
        Delivery::Link => &catalogue::RECOVERY_LINK_SENT,
    };
    flow.values.clear();
    let to = Recipient { to: CodeAddress::new(Via::Email, value), owner: owner.as_ref() };
    sender.send(flow, &to, FlowState::SentEmail, sent.message(), Outcome::Shown).await
}

/// Stores the fresh flow that takes the place of one that is over.
pub(super) async fn replaced(
    service: &IdentityService,
    context: &RequestContext,
    fresh: Flow,
) -> Result<Submitted<Outcome>, FlowError> {
    service.flows.flow_create(context.project, &fresh).await?;
    Ok(Submitted::Done(Box::new(Outcome::Replaced(fresh))))
}
