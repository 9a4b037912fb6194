//! Calls to other servers at the edges of flows (`web_hook`): before a flow begins, and before what it leads to is written.
//!
//! A hook that is waited for is called before the commit and outside of any transaction: it may object, and then nothing is
//! written. A hook that nobody waits for becomes an event in the transaction of its cause and is called afterwards.
//! What each answer means: `docs/decisions/0046-hooks-and-jsonnet.md`.

mod answer;
mod call;
mod change;
mod configured;
mod request;
mod seen;
mod told;

use std::collections::BTreeSet;

use orrery_core::RequestContext;
use orrery_core::event::NewEvent;
use orrery_core::jsonnet::JsonnetError;
use orrery_core::outbound::OutboundError;

use self::call::Heard;
use crate::IdentityService;
use crate::config::{Config, Hook, HookMode, WebHook};
use crate::flow::{Flow, FlowError, FlowMethod, PlacedMessage};
use crate::identity::Identity;
use crate::session::Session;

pub(crate) use answer::words;
pub use configured::InvalidHook;
pub use seen::Seen;

/// Why a hook that was waited for brought no answer. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The program that makes the body failed.
    #[error("the body of the hook {hook} could not be made")]
    Body {
        /// Which hook, by its place in the configuration.
        hook: String,
        /// What happened.
        #[source]
        why: JsonnetError,
    },
    /// The call brought no answer.
    #[error("the hook {hook} did not answer")]
    Call {
        /// Which hook.
        hook: String,
        /// What happened.
        #[source]
        why: OutboundError,
    },
    /// The answer says neither yes nor no.
    #[error("the answer of the hook {hook} cannot be used: {why}")]
    Answer {
        /// Which hook.
        hook: String,
        /// What is wrong with it.
        why: String,
    },
}

/// On whose behalf hooks are called.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) service: &'a IdentityService,
    pub(crate) context: &'a RequestContext,
    pub(crate) config: &'a Config,
}

/// When a hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Before,
    After(FlowMethod),
}

/// What a hook is told about.
#[derive(Clone, Copy)]
struct Occasion<'a> {
    moment: Moment,
    flow: &'a Flow,
    identity: Option<&'a Identity>,
    session: Option<&'a Session>,
}

impl Occasion<'_> {
    /// What happened, as events call it.
    fn kind(&self) -> String {
        let flow = self.flow.kind.as_str();
        match self.moment {
            Moment::Before => format!("{flow}.before"),
            Moment::After(method) => format!("{flow}.after.{}", method.as_str()),
        }
    }
}

/// Whether a hook may change the identity that it is told about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changes {
    /// It has not been stored yet: whatever the hook answers is.
    Taken,
    /// The hook can object, and no more.
    Ignored,
}

/// Calls the hooks before a flow and stores it together with the events that it causes.
///
/// # Errors
/// [`FlowError::HookRefused`], [`FlowError::Hook`] or storage trouble; the flow is then not stored.
pub(crate) async fn begin(caller: Caller<'_>, flow: &Flow) -> Result<(), FlowError> {
    let Caller { service, context, config } = caller;
    let hooks = config.before.of(flow.kind);
    if hooks.is_empty() {
        return Ok(service.flows.flow_create(context.project, flow).await?);
    }
    // Whose flow it is, is known when somebody is signed in.
    let identity = match flow.identity_id {
        Some(id) => service.identities.identity_by_id(context.project, id, &BTreeSet::new()).await?,
        None => None,
    };
    let occasion = Occasion { moment: Moment::Before, flow, identity: identity.as_ref(), session: None };
    for hook in hooks.iter().filter(|hook| hook.mode != HookMode::Ignored) {
        match call::call(caller, hook, &occasion).await? {
            Heard::Yes | Heard::Changed(_) => {}
            Heard::No(messages) => return Err(FlowError::HookRefused(messages)),
        }
    }
    let mut events = Vec::new();
    for hook in hooks.iter().filter(|hook| hook.mode == HookMode::Ignored) {
        events.extend(told::event(caller, hook, &occasion).await?);
    }
    service.flows.flow_begin(context.project, flow, &events).await?;
    service.outbox.recorded(events.len());
    Ok(())
}

/// What follows a method of a flow, as far as other servers have a say in it.
#[derive(Clone, Copy)]
pub(crate) struct After<'a> {
    pub(crate) caller: Caller<'a>,
    pub(crate) flow: &'a Flow,
    pub(crate) method: FlowMethod,
}

impl<'a> After<'a> {
    fn hooks(&self) -> impl Iterator<Item = &'a WebHook> + use<'a> {
        let hooks = self.caller.config.after(self.flow.kind).hooks(self.method.as_str());
        hooks.iter().filter_map(|hook| match hook {
            Hook::WebHook(hook) => Some(&**hook),
            Hook::Session
            | Hook::ShowVerificationUi
            | Hook::RevokeActiveSessions
            | Hook::RequireVerifiedAddress
            | Hook::VerifyNewAddress
            | Hook::Verification => None,
        })
    }

    /// Whether any hook is called at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.hooks().next().is_none()
    }

    /// Calls the hooks that are waited for, in order. Each sees what those before it have changed.
    ///
    /// # Errors
    /// [`FlowError::Hook`]. The messages of the first hook that objects are the value of the result.
    pub(crate) async fn ask(
        &self,
        identity: &mut Identity,
        session: Option<&Session>,
        changes: Changes,
    ) -> Result<Option<Vec<PlacedMessage>>, FlowError> {
        for hook in self.hooks().filter(|hook| hook.mode != HookMode::Ignored) {
            let heard = call::call(self.caller, hook, &self.occasion(Some(identity), session)).await?;
            match heard {
                Heard::Yes => {}
                Heard::No(messages) => return Ok(Some(messages)),
                Heard::Changed(_) if changes == Changes::Ignored => {}
                Heard::Changed(change) => {
                    if let Some(messages) = change::apply(self.caller, hook, identity, &change)? {
                        return Ok(Some(messages));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The events for the hooks that nobody waits for, to be stored by the step that they speak of.
    ///
    /// # Errors
    /// When what is to be told cannot be sealed.
    pub(crate) async fn tell(
        &self,
        identity: &Identity,
        session: Option<&Session>,
    ) -> Result<Vec<NewEvent>, FlowError> {
        let mut events = Vec::new();
        for hook in self.hooks().filter(|hook| hook.mode == HookMode::Ignored) {
            events.extend(told::event(self.caller, hook, &self.occasion(Some(identity), session)).await?);
        }
        Ok(events)
    }

    fn occasion<'o>(&'o self, identity: Option<&'o Identity>, session: Option<&'o Session>) -> Occasion<'o> {
        Occasion { moment: Moment::After(self.method), flow: self.flow, identity, session }
    }
}
