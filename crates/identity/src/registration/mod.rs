//! Creating an account: start, submit (traits first or everything at once), complete.

pub mod code;
pub mod complete;
pub mod password;
pub mod profile;
pub mod render;
pub mod start;
pub mod submit;

use orrery_core::RequestContext;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::IdentityService;
use crate::config::Config;
use crate::credentials::code::CodeAddress;
use crate::flow::{BrowserSecrets, ContinueWith, Flow, FlowMethod, Submission};
use crate::identity::Identity;
use crate::session::Session;

/// A completed registration.
#[derive(Debug)]
pub struct Registered {
    /// The flow, passed.
    pub flow: Flow,
    /// How they will sign in.
    pub method: FlowMethod,
    /// The new identity.
    pub identity: Identity,
    /// Its first session and the session's token, when the `session` hook is configured.
    pub session: Option<(Session, SecretString)>,
    /// What the client should do next, in order.
    pub continue_with: Vec<ContinueWith>,
}

/// One submit on its way, with all that methods need to know.
#[derive(Clone, Copy)]
pub(crate) struct Registering<'a> {
    pub(crate) service: &'a IdentityService,
    pub(crate) context: &'a RequestContext,
    pub(crate) config: &'a Config,
    pub(crate) submitted: &'a Submission,
    /// The browser, unless it is a native client.
    pub(crate) browser: Option<BrowserSecrets>,
}

/// Which page of a two-page registration is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Screen {
    /// Traits.
    #[default]
    Profile,
    /// How to sign in.
    Credentials,
}

/// What a registration remembers between submits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// The page.
    #[serde(default)]
    pub screen: Screen,
    /// Where the browser goes after the verification that follows; already checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_verification_return_to: Option<String>,
    /// Where the code went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<CodeAddress>,
    /// Whether the app that began it wants to exchange codes for the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exchange: bool,
}

impl Memory {
    /// What this flow remembers.
    #[must_use]
    pub fn of(flow: &Flow) -> Self {
        Self::deserialize(&flow.context).unwrap_or_default()
    }

    pub(crate) fn store(&self, flow: &mut Flow) {
        flow.context = serde_json::json!(self);
    }
}

/// The traits that were typed so far.
pub(crate) fn typed(flow: &Flow) -> Map<String, Value> {
    flow.values.get("traits").and_then(Value::as_object).cloned().unwrap_or_default()
}
