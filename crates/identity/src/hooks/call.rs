//! Calling a hook and waiting for its answer, within bounds.

use std::time::Duration;

use orrery_core::EntropyExt;
use orrery_core::outbound::{OutboundError, OutboundRequest, OutboundResponse, Trust};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::answer::{self, Answer};
use super::request::{Prepared, prepare};
use super::{Caller, HookError, Occasion};
use crate::config::{HookMode, WebHook};
use crate::flow::{FlowError, PlacedMessage};

/// A longer answer is a wrong one.
const MAX_RESPONSE: usize = 5 << 20;
/// Calls after the first, when the recipient is away for a moment.
const RETRIES: u32 = 2;
/// The pause before the first of them; the second one is four times as long.
const PAUSE: Duration = Duration::from_millis(100);

/// What a hook said.
pub(super) enum Heard {
    /// Go on.
    Yes,
    /// Go on, with an identity that is changed like this.
    Changed(Value),
    /// Do not go on, and say this.
    No(Vec<PlacedMessage>),
}

/// Calls a hook and waits for its answer, for as long as is configured, repetitions included.
pub(super) async fn call(caller: Caller<'_>, hook: &WebHook, occasion: &Occasion<'_>) -> Result<Heard, FlowError> {
    let Some(prepared) = prepare(caller, hook, occasion).await? else { return Ok(Heard::Yes) };
    let patience = caller.config.web_hooks.timeout;
    let answered = timeout(patience, ask(caller, hook, &prepared, patience)).await;
    let why = match answered {
        Ok(Ok(response)) => return heard(hook, &response),
        Ok(Err(why)) => why,
        Err(_) => OutboundError::Timeout,
    };
    Err(HookError::Call { hook: hook.name.clone(), why }.into())
}

/// Asks again when the recipient is away for a moment. An answer that objects is an answer.
async fn ask(
    caller: Caller<'_>,
    hook: &WebHook,
    prepared: &Prepared,
    patience: Duration,
) -> Result<OutboundResponse, OutboundError> {
    let mut pause = PAUSE;
    for _ in 0..RETRIES {
        match caller.service.outbound.send(request(hook, prepared, patience)).await {
            Err(OutboundError::Failed(_)) => {}
            Ok(response) if is_away(hook, &response) => {}
            outcome => return outcome,
        }
        let share = f64::from(u8::from_le_bytes(caller.service.entropy.bytes())) / 255.0;
        sleep(pause / 2 + (pause / 2).mul_f64(share)).await;
        pause *= 4;
    }
    caller.service.outbound.send(request(hook, prepared, patience)).await
}

fn is_away(hook: &WebHook, response: &OutboundResponse) -> bool {
    let away = response.status == 429 || response.status >= 500;
    away && !(hook.mode == HookMode::Heard && answer::objects(&response.body))
}

fn request(hook: &WebHook, prepared: &Prepared, timeout: Duration) -> OutboundRequest {
    OutboundRequest {
        method: hook.method.clone(),
        url: hook.url.to_string(),
        headers: prepared.headers.clone(),
        body: prepared.body.clone().into_bytes(),
        trust: Trust::Operator,
        timeout,
        max_response_bytes: MAX_RESPONSE,
    }
}

fn heard(hook: &WebHook, response: &OutboundResponse) -> Result<Heard, FlowError> {
    let unusable = |why: String| HookError::Answer { hook: hook.name.clone(), why };
    let status = response.status;
    if hook.mode != HookMode::Heard {
        let fine = (200..300).contains(&status);
        return if fine { Ok(Heard::Yes) } else { Err(unusable(format!("it has the status {status}")).into()) };
    }
    Ok(match answer::understand(status, &response.body).map_err(unusable)? {
        Answer::GoOn => Heard::Yes,
        Answer::Change(change) => Heard::Changed(change),
        Answer::Object(messages) => Heard::No(messages),
    })
}
