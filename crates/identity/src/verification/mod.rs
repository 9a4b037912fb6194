//! Proving an address: a code goes there, and whoever enters it owns the address. Nobody is signed in by that.
//!
//! Nothing here tells whether an address belongs to an account. Asking for a code is counted for each address, and so is
//! every wrong code, across flows: a fresh flow brings no fresh guesses.

mod pending;
mod redeem;
pub mod render;
mod send;
mod submit;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::secret::Purpose;
use orrery_core::{Entropy, Keyring, RequestContext, StoreError, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::flow::{Flow, FlowError, FlowKind, FlowMethod, Origin, PlacedMessage};
use crate::hooks::{self, Caller};
use crate::identity::Via;

pub(crate) use pending::Pending;
pub use send::{Begun, begin_for, send_for};
pub use submit::{Outcome, follow, is_code_entry, prefill, submit};

/// The node and the value that hold the address.
const ADDRESS: &str = "email";

/// Begins a verification that somebody asks for, and stores it.
///
/// # Errors
/// When a hook objects or brings no answer, or storage fails.
pub async fn start(service: &IdentityService, context: &RequestContext, origin: Origin) -> Result<Flow, FlowError> {
    let config = service.config.load();
    let flow = begin(&config, context, origin, &*service.entropy);
    hooks::begin(Caller { service, context, config: &config }, &flow).await?;
    Ok(flow)
}

/// Begins a verification that another flow leads to and that asks for an address, and stores it.
///
/// # Errors
/// When storage fails.
pub(crate) async fn blank(
    service: &IdentityService,
    context: &RequestContext,
    origin: Origin,
) -> Result<Flow, StoreError> {
    let flow = begin(&service.config.load(), context, origin, &*service.entropy);
    service.flows.flow_create(context.project, &flow).await?;
    Ok(flow)
}

fn begin(config: &Config, context: &RequestContext, origin: Origin, entropy: &dyn Entropy) -> Flow {
    let mut flow = Flow::begin(FlowKind::Verification, origin, config.lifespans.verification, context.now, entropy);
    flow.active = Some(method_of(config));
    flow
}

/// A fresh verification in place of one that is over, with a message that says so.
fn begin_again(
    config: &Config,
    context: &RequestContext,
    over: &Flow,
    csrf: Option<TokenHash>,
    message: PlacedMessage,
    entropy: &dyn Entropy,
) -> Flow {
    let mut flow = begin(config, context, Origin::of(over, csrf), entropy);
    flow.messages.push(message);
    flow
}

/// What a verification remembers besides what every flow does.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Memory {
    /// How the code travels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Via>,
    /// The code of a link that was followed, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefilled: Option<String>,
    /// A change that waits for the proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

impl Memory {
    fn of(flow: &Flow) -> Self {
        Self::deserialize(&flow.context).unwrap_or_default()
    }

    fn store(&self, flow: &mut Flow) {
        flow.context = json!(self);
    }

    fn prefill(&mut self, flow: &Flow, code: &str, keyring: &Keyring, entropy: &dyn Entropy) {
        let sealed = keyring.seal(Purpose::OneTimeCode, flow.id.as_uuid().as_bytes(), code.as_bytes(), entropy);
        self.prefilled = Some(URL_SAFE_NO_PAD.encode(sealed));
    }

    fn prefilled(&self, flow: &Flow, keyring: &Keyring) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(self.prefilled.as_ref()?).ok()?;
        let code = keyring.open(Purpose::OneTimeCode, flow.id.as_uuid().as_bytes(), &sealed).ok()?;
        String::from_utf8(code).ok()
    }
}

/// The address that a code was sent to.
fn address(flow: &Flow) -> Option<&str> {
    flow.values.get(ADDRESS)?.as_str()
}

/// What the form of a verification offers.
fn method_of(config: &Config) -> FlowMethod {
    match config.verification.uses {
        Delivery::Code => FlowMethod::Code,
        Delivery::Link => FlowMethod::Link,
    }
}
