//! The form of a login: a pure function of the flow and the settings.

use orrery_core::Timestamp;
use orrery_core::id::OrganizationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Config;
use crate::flow::form::{Frame, Reader};
use crate::flow::node::{Autocomplete, Group, Input, InputType, Node};
use crate::flow::{Flow, FlowMethod, Message, catalogue, order};
use crate::session::Aal;

/// The methods that a refresh may use; kept in the flow's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// Whether the identity has a password.
    pub password: bool,
}

impl Offer {
    pub(super) fn into_context(self) -> Value {
        serde_json::json!(self)
    }

    /// What a flow offers: all that is switched on, unless it remembers less.
    #[must_use]
    pub fn of(flow: &Flow, config: &Config) -> Self {
        let remembered = if flow.context.is_null() {
            Self { password: true }
        } else {
            Self::deserialize(&flow.context).unwrap_or_default()
        };
        Self { password: remembered.password && config.password.enabled && flow.requested_aal <= Aal::Aal1 }
    }
}

/// A login flow as clients read it (`loginFlow` of the contract).
#[derive(Debug, Clone, Serialize)]
pub struct LoginFlow {
    #[serde(flatten)]
    frame: Frame,
    organization_id: Option<OrganizationId>,
    created_at: Timestamp,
    updated_at: Timestamp,
    refresh: bool,
    requested_aal: Aal,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_schema: Option<String>,
}

/// A login flow for one reader.
#[must_use]
pub fn render(flow: &Flow, config: &Config, identifier_label: Message, reader: Reader<'_>) -> LoginFlow {
    let mut nodes = vec![Node::csrf_token(reader.csrf_token)];
    if Offer::of(flow, config).password {
        nodes.extend(password_nodes(flow, identifier_label));
    }
    order::sort(&mut nodes, order::LOGIN_GROUPS, &["csrf_token", "identifier", "password"]);
    LoginFlow {
        frame: Frame::new(flow, &config.public_url, nodes, reader),
        organization_id: None,
        created_at: flow.issued_at,
        updated_at: flow.updated_at,
        refresh: flow.refresh,
        requested_aal: flow.requested_aal,
        identity_schema: flow.schema_id.clone(),
    }
}

fn password_nodes(flow: &Flow, identifier_label: Message) -> [Node; 3] {
    let typed = flow.values.get("identifier").cloned().unwrap_or_else(|| Value::from(""));
    let (identifier, button) = if flow.refresh {
        (Input::hidden("identifier", typed).node(Group::Default), &catalogue::LOGIN_SIGN_IN)
    } else {
        let field = Input::new("identifier", InputType::Text).value(typed).required();
        (field.node(Group::Default).labelled(identifier_label), &catalogue::LOGIN_WITH_PASSWORD)
    };
    let password = Input::new("password", InputType::Password).required().autocomplete(Autocomplete::CurrentPassword);
    [
        identifier,
        password.node(Group::Password).labelled(catalogue::LABEL_PASSWORD.message()),
        Node::method(Group::Password, FlowMethod::Password.as_str(), button.message()),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::samples::{READER, config, flow};
    use crate::flow::{FlowKind, PlacedMessage};

    fn shown(flow: &Flow) -> LoginFlow {
        render(flow, &config(RegistrationStyle::Unified), catalogue::LABEL_IDENTIFIER.message(), READER)
    }

    fn names(flow: &Flow) -> Vec<String> {
        shown(flow).frame.ui.nodes.iter().map(|node| node.name().to_owned()).collect()
    }

    #[test]
    fn a_fresh_flow_has_every_member_of_the_contract() {
        insta::assert_json_snapshot!(shown(&flow(FlowKind::Login)));
    }

    #[test]
    fn a_wrong_password_keeps_the_identifier_and_forgets_the_password() {
        let mut flow = flow(FlowKind::Login);
        flow.active = Some(FlowMethod::Password);
        flow.values.insert("identifier".into(), json!("ada@example.org"));
        flow.messages = vec![catalogue::WRONG_CREDENTIALS.message().on_form()];
        let shown = json!(shown(&flow));
        assert_eq!(shown["active"], "password");
        assert_eq!(shown["ui"]["messages"][0]["id"], 4_000_006);
        assert_eq!(shown["ui"]["nodes"][1]["attributes"]["value"], "ada@example.org");
        assert!(shown["ui"]["nodes"][2]["attributes"].get("value").is_none());
    }

    #[test]
    fn a_refresh_hides_who_it_is_and_offers_what_they_have() {
        let mut flow = flow(FlowKind::Login);
        flow.refresh = true;
        flow.values.insert("identifier".into(), json!("ada@example.org"));
        flow.context = Offer { password: true }.into_context();
        let nodes = json!(shown(&flow).frame.ui.nodes);
        assert_eq!(nodes[1]["attributes"]["type"], "hidden");
        assert_eq!(nodes[3]["meta"]["label"]["id"], 1_010_001);
        flow.context = Offer::default().into_context();
        assert_eq!(names(&flow), ["csrf_token"]);
    }

    #[test]
    fn a_second_factor_is_never_a_password() {
        let mut flow = flow(FlowKind::Login);
        flow.requested_aal = Aal::Aal2;
        assert_eq!(names(&flow), ["csrf_token"]);
    }

    #[test]
    fn a_message_for_a_missing_node_brings_its_own() {
        let mut flow = flow(FlowKind::Login);
        let required: PlacedMessage = catalogue::REQUIRED.with([("property", json!("captcha"))]).on_node("captcha");
        flow.messages = vec![required];
        let nodes = json!(shown(&flow).frame.ui.nodes);
        let last = nodes.as_array().and_then(|nodes| nodes.last()).expect("a node");
        assert_eq!(last["attributes"]["name"], "captcha");
        assert_eq!(last["messages"][0]["id"], 4_000_002);
    }

    #[test]
    fn old_clients_see_no_method_that_they_do_not_know() {
        let mut flow = flow(FlowKind::Login);
        flow.active = Some(FlowMethod::Code);
        let reader = Reader { generation: crate::flow::Generation::First, ..READER };
        let config = config(RegistrationStyle::Unified);
        let old = render(&flow, &config, catalogue::LABEL_IDENTIFIER.message(), reader);
        assert!(json!(old).get("active").is_none());
        assert_eq!(json!(shown(&flow))["active"], "code");
    }
}
