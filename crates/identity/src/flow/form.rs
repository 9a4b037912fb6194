//! From nodes and the flow's messages to the form that a client gets.

use orrery_core::Timestamp;
use orrery_core::id::FlowId;
use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::node::{Container, Group, Input, InputType, Node, strip_for_old_clients};
use super::{Flow, FlowMethod, FlowState, FlowType};
use crate::config::Compatibility;

/// Which client generation an answer is shaped for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// Clients that reject attributes and methods which came later.
    First,
    /// Everybody else.
    Current,
}

/// What the reader's request adds to a flow.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The masked anti-CSRF token of the browser; empty for native clients.
    pub csrf_token: &'a str,
    /// Which client generation reads.
    pub generation: Generation,
}

impl Compatibility {
    /// The generation of a client, as far as its `User-Agent` tells.
    #[must_use]
    pub fn generation(self, user_agent: Option<&str>) -> Generation {
        let first = match self {
            Self::Off => false,
            Self::On => true,
            Self::Auto => user_agent.is_some_and(|agent| agent.starts_with("OpenAPI-Generator/")),
        };
        if first { Generation::First } else { Generation::Current }
    }
}

/// The members that every flow has on the wire; each kind adds its own.
#[derive(Debug, Clone, Serialize)]
pub struct Frame {
    id: FlowId,
    #[serde(rename = "type")]
    flow_type: FlowType,
    expires_at: Timestamp,
    issued_at: Timestamp,
    request_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_to: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<FlowMethod>,
    /// The form.
    pub ui: Container,
    state: FlowState,
    #[serde(skip_serializing_if = "Option::is_none")]
    transient_payload: Option<Value>,
}

impl Frame {
    /// What a flow with these nodes looks like to one reader.
    #[must_use]
    pub fn new(flow: &Flow, public_url: &Url, nodes: Vec<Node>, reader: Reader<'_>) -> Self {
        Self {
            id: flow.id,
            flow_type: flow.flow_type,
            expires_at: flow.expires_at,
            issued_at: flow.issued_at,
            request_url: flow.request_url.clone(),
            return_to: flow.return_to.clone(),
            active: active(flow, reader.generation),
            ui: container(flow, public_url, nodes, reader.generation),
            state: flow.state,
            transient_payload: flow.transient_payload.clone(),
        }
    }
}

/// The form of a flow: its nodes with the messages of the last submit at their places. A message for a node that the
/// form does not have gets one, so that it is never lost.
fn container(flow: &Flow, public_url: &Url, mut nodes: Vec<Node>, generation: Generation) -> Container {
    let mut messages = Vec::new();
    for placed in &flow.messages {
        let Some(name) = &placed.node else {
            messages.push(placed.message.clone());
            continue;
        };
        if let Some(node) = nodes.iter_mut().find(|node| node.name() == name) {
            node.messages.push(placed.message.clone());
        } else {
            let mut node = Input::new(name, InputType::Text).node(Group::Default);
            node.messages.push(placed.message.clone());
            nodes.push(node);
        }
    }
    if generation == Generation::First {
        strip_for_old_clients(&mut nodes);
    }
    Container { action: action(flow, public_url), method: "POST", nodes, messages }
}

/// Where a flow is submitted to.
#[must_use]
pub fn action(flow: &Flow, public_url: &Url) -> String {
    with_query(&endpoint(public_url, &format!("/self-service/{}", flow.kind.as_str())), "flow", &flow.id.to_string())
}

/// A path below the public base URL.
#[must_use]
pub fn endpoint(public_url: &Url, path: &str) -> Url {
    let mut url = public_url.clone();
    url.set_path(&format!("{}{path}", public_url.path().trim_end_matches('/')));
    url
}

/// A URL with one more query parameter.
#[must_use]
pub fn with_query(url: &Url, name: &str, value: &str) -> String {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair(name, value);
    url.into()
}

/// The `active` method as the client can decode it: the first generation knows credentials only.
fn active(flow: &Flow, generation: Generation) -> Option<FlowMethod> {
    flow.active.filter(|method| match (generation, method) {
        (Generation::First, FlowMethod::Code | FlowMethod::Link | FlowMethod::Profile | FlowMethod::Passkey) => false,
        (Generation::First | Generation::Current, _) => true,
    })
}
