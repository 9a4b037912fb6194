//! What a client should do after a flow (`continue_with` of the contract).

use orrery_core::id::FlowId;
use serde::{Deserialize, Serialize};

use super::form::with_query;
use super::{Flow, FlowType};
use crate::config::Config;

/// One next step. Clients reject actions that they do not know, so this list is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum ContinueWith {
    /// Send the browser there.
    RedirectBrowserTo {
        /// Absolute URL.
        redirect_browser_to: String,
    },
    /// Keep this session token.
    SetOrySessionToken {
        /// The token.
        ory_session_token: String,
    },
    /// Let the person prove an address.
    ShowVerificationUi {
        /// Where.
        flow: VerificationFlow,
    },
    /// Let the person set a new credential.
    ShowSettingsUi {
        /// Where.
        flow: NextFlow,
    },
    /// Let the person try again.
    ShowRecoveryUi {
        /// Where.
        flow: NextFlow,
    },
}

impl ContinueWith {
    /// The page of the verification to show.
    #[must_use]
    pub fn verification_page(&self) -> Option<&str> {
        match self {
            Self::ShowVerificationUi { flow } => flow.url.as_deref(),
            Self::RedirectBrowserTo { .. }
            | Self::SetOrySessionToken { .. }
            | Self::ShowSettingsUi { .. }
            | Self::ShowRecoveryUi { .. } => None,
        }
    }
}

/// The verification flow to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationFlow {
    /// The flow.
    pub id: FlowId,
    /// The address to prove.
    pub verifiable_address: String,
    /// The page, for browsers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl VerificationFlow {
    /// How a client gets to a flow that verifies this address.
    #[must_use]
    pub fn of(flow: &Flow, address: &str, config: &Config) -> Self {
        let NextFlow { id, url } = NextFlow::of(flow, config);
        Self { id, verifiable_address: address.to_owned(), url }
    }
}

/// Another flow to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextFlow {
    /// The flow.
    pub id: FlowId,
    /// The page, for browsers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl NextFlow {
    /// How a client gets to this flow.
    #[must_use]
    pub fn of(flow: &Flow, config: &Config) -> Self {
        let page = || with_query(config.ui.of(flow.kind), "flow", &flow.id.to_string());
        Self { id: flow.id, url: (flow.flow_type == FlowType::Browser).then(page) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn actions_have_the_names_of_the_contract() {
        let go = ContinueWith::RedirectBrowserTo { redirect_browser_to: "https://app/".into() };
        assert_eq!(json!(go), json!({"action": "redirect_browser_to", "redirect_browser_to": "https://app/"}));
        let keep = ContinueWith::SetOrySessionToken { ory_session_token: "t".into() };
        assert_eq!(json!(keep), json!({"action": "set_ory_session_token", "ory_session_token": "t"}));
        let id = FlowId::generate(&orrery_core::SystemEntropy::default());
        let flow = VerificationFlow { id, verifiable_address: "a@b".into(), url: None };
        assert_eq!(
            json!(ContinueWith::ShowVerificationUi { flow }),
            json!({"action": "show_verification_ui", "flow": {"id": id, "verifiable_address": "a@b"}})
        );
    }
}
