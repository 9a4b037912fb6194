//! Opening the link of a message. It works in any browser, because mail is often read in another one; but it never
//! takes the place of somebody else's session.

use orrery_core::RequestContext;
use serde_json::json;

use super::enter::prepare;
use super::send::Sender;
use super::submit::replaced;
use super::{Outcome, begin_again};
use crate::IdentityService;
use crate::flow::message::Message;
use crate::flow::steps::again;
use crate::flow::{BrowserSecrets, Flow, FlowError, FlowMethod, FlowType, Open, Submitted, catalogue};
use crate::store::Recovery;

/// Longest text that is looked at as a token, in bytes.
const MAX_BYTES: usize = 128;

/// Opens the link with this token. `browser` is the one that opens it.
///
/// # Errors
/// [`FlowError::SessionAvailable`] for a browser in which somebody else is signed in, and storage trouble.
pub async fn follow(
    service: &IdentityService,
    context: &RequestContext,
    open: &Open,
    token: &str,
    browser: BrowserSecrets,
) -> Result<Submitted<Outcome>, FlowError> {
    // Whoever asked for it, a browser has it now: what follows belongs to that.
    let flow = &Flow { flow_type: FlowType::Browser, ..open.flow.clone() };
    let config = service.config.load();
    if open.current.as_ref().is_some_and(|(session, _)| flow.identity_id != Some(session.identity.id)) {
        return Err(FlowError::SessionAvailable);
    }
    let over = async |why: Message| {
        let fresh = begin_again(service, context, &config, flow, Some(browser.present), why.on_form());
        replaced(service, context, fresh).await
    };
    if flow.is_expired(context.now) {
        let told = [("expired_at", json!(flow.expires_at)), ("expired_at_unix", json!(flow.expires_at.as_seconds()))];
        return over(catalogue::RECOVERY_EXPIRED.with(told)).await;
    }
    if flow.active != Some(FlowMethod::Link) || token.len() > MAX_BYTES {
        return over(catalogue::RECOVERY_TOKEN_INVALID.message()).await;
    }
    let sender = Sender { service, context, config: &config };
    // A token cannot be guessed, so wrong ones need no count.
    let mut attempt = prepare(sender, flow, token, Some(browser), u32::MAX);
    if let Some(messages) = attempt.consult(sender, flow).await? {
        return again(service, context, flow.clone(), messages, None).await;
    }
    match service.flows.recovery_complete(context.project, &attempt.done).await? {
        Recovery::Done => {
            service.outbox.recorded(attempt.done.events.len());
            Ok(attempt.recovered())
        }
        Recovery::Wrong | Recovery::TooMany | Recovery::FlowClosed => {
            over(catalogue::RECOVERY_TOKEN_INVALID.message()).await
        }
        Recovery::Inactive => over(catalogue::IDENTITY_DISABLED.message()).await,
    }
}
