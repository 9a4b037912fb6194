//! Getting back into an account: a code or a link goes to one of its addresses, and whoever has it is signed in, just
//! long enough to set a new credential.
//!
//! Nothing here tells whether an address belongs to an account: the answers, the statements and the work are the same
//! (see [`send`]). The one exception is asked for by the operator: with `choose_recovery_address` an account that has
//! several addresses shows them, masked ([`choose`]).

pub mod admin;
mod choose;
mod enter;
mod link;
pub mod render;
mod send;
mod submit;

use orrery_core::{Entropy, RequestContext, TokenHash};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::flow::{Flow, FlowError, FlowKind, FlowMethod, FlowState, Origin, PlacedMessage};
use crate::hooks::{self, Caller};
use crate::identity::Via;
use crate::session::{Session, SessionWithIdentity};

pub use link::follow;
pub use submit::submit;

/// The node and the value that hold the address a code went to.
const ADDRESS: &str = "email";

/// What a submit, or a link that was opened, led to.
#[derive(Debug)]
pub enum Outcome {
    /// The flow goes on.
    Shown(Flow),
    /// The flow is over, because it was passed before or has used up its tries; a fresh one was begun.
    Replaced(Flow),
    /// Somebody is back in their account.
    Recovered(Box<Recovered>),
}

/// A completed recovery.
#[derive(Debug)]
pub struct Recovered {
    /// The flow, passed.
    pub flow: Flow,
    /// Where a new credential is set.
    pub settings: Flow,
    /// The new session and its token.
    pub session: (Session, SecretString),
    /// Whether the client asked not to be led to the settings.
    pub skip_settings: bool,
}

/// Begins a recovery and stores it: one insert.
///
/// # Errors
/// [`FlowError::SessionAvailable`] or storage trouble.
pub async fn start(
    service: &IdentityService,
    context: &RequestContext,
    origin: Origin,
    skip_settings: bool,
    current: Option<SessionWithIdentity>,
) -> Result<Flow, FlowError> {
    if current.is_some() {
        return Err(FlowError::SessionAvailable);
    }
    let memory = Memory { skip_settings, ..Memory::default() };
    let config = service.config.load();
    let flow = begin(&config, context, origin, &memory, &*service.entropy);
    hooks::begin(Caller { service, context, config: &config }, &flow).await?;
    Ok(flow)
}

fn begin(config: &Config, context: &RequestContext, origin: Origin, memory: &Memory, entropy: &dyn Entropy) -> Flow {
    let mut flow = Flow::begin(FlowKind::Recovery, origin, config.lifespans.recovery, context.now, entropy);
    flow.active = Some(match config.recovery.uses {
        Delivery::Code => FlowMethod::Code,
        Delivery::Link => FlowMethod::Link,
    });
    if config.recovery.chooses() {
        flow.state = FlowState::RecoveryAwaitingAddress;
    }
    memory.store(&mut flow);
    flow
}

/// A fresh recovery in place of one that is over, with a message that says so.
fn begin_again(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    over: &Flow,
    csrf: Option<TokenHash>,
    message: PlacedMessage,
) -> Flow {
    let memory = Memory { skip_settings: Memory::of(over).skip_settings, ..Memory::default() };
    let mut flow = begin(config, context, Origin::of(over, csrf), &memory, &*service.entropy);
    flow.messages.push(message);
    flow
}

/// What a recovery remembers besides what every flow does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Do not lead to the settings afterwards.
    #[serde(default)]
    pub(crate) skip_settings: bool,
    /// An administrator made it: whoever has the code may enter it, and it went to no address.
    #[serde(default)]
    pub(crate) by_administrator: bool,
    /// The addresses to choose from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<Choice>,
    /// The one that was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chosen: Option<Choice>,
}

/// An address to choose, without telling it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    /// Names it to this flow only.
    name: String,
    /// What its owner recognises it by.
    masked: String,
    /// How it is reached.
    via: Via,
}

impl Memory {
    pub(crate) fn of(flow: &Flow) -> Self {
        Self::deserialize(&flow.context).unwrap_or_default()
    }

    fn store(&self, flow: &mut Flow) {
        flow.context = json!(self);
    }
}

/// The address that a code was sent to.
fn address(flow: &Flow) -> Option<&str> {
    flow.values.get(ADDRESS)?.as_str()
}
