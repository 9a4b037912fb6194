//! Hooks that nobody waits for, as events.

use orrery_core::StoreError;
use orrery_core::event::{NewEvent, Notice};
use orrery_core::id::EventId;
use orrery_core::outbound::Trust;

use super::request::{Prepared, prepare};
use super::{Caller, Occasion};
use crate::config::WebHook;
use crate::flow::FlowError;

/// The event by which a hook hears of an occasion. None when its program calls it off, or fails: nobody waits for this hook, so
/// a broken one must not keep anybody from signing in.
///
/// # Errors
/// When what is to be told cannot be sealed.
pub(super) async fn event(
    caller: Caller<'_>,
    hook: &WebHook,
    occasion: &Occasion<'_>,
) -> Result<Option<NewEvent>, FlowError> {
    let Caller { service, context, config } = caller;
    let Prepared { headers, body } = match prepare(caller, hook, occasion).await {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return Ok(None),
        Err(why) => {
            let why = &why as &dyn std::error::Error;
            tracing::error!(request_id = %context.request_id, hook = hook.name, why, "a hook is not told");
            return Ok(None);
        }
    };
    let id = EventId::generate(&*service.entropy);
    let notice = Notice {
        method: hook.method.clone(),
        url: hook.url.to_string(),
        headers,
        body,
        trust: Trust::Operator,
        useless_after: None,
    };
    let notice = notice.seal(context.project, id, &service.keyring, &*service.entropy);
    let who = occasion.identity.map(|identity| identity.id.to_string());
    Ok(Some(NewEvent {
        id,
        kind: occasion.kind(),
        subject: who.clone(),
        actor: who,
        request_id: Some(context.request_id.clone()),
        session_id: occasion.session.map(|session| session.id),
        recipient: hook.url.origin().ascii_serialization(),
        notice: notice.map_err(StoreError::internal)?,
        occurred_at: context.now,
        deliver_after: context.now,
        expires_at: context.now + config.web_hooks.retention,
    }))
}
