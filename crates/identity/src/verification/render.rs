//! The form of a verification: a pure function of the flow and the settings.

use orrery_core::Keyring;
use serde_json::Value;

use super::{ADDRESS, Memory, address};
use crate::config::Config;
use crate::flow::form::{Frame, Reader};
use crate::flow::node::{Attributes, Autocomplete, Group, Input, InputType, Node};
use crate::flow::{Flow, FlowMethod, FlowState, catalogue};

/// A verification flow for one reader (`verificationFlow` of the contract).
#[must_use]
pub fn render(flow: &Flow, config: &Config, keyring: &Keyring, reader: Reader<'_>) -> Frame {
    let csrf = Node::csrf_token(reader.csrf_token);
    let nodes = match flow.state {
        FlowState::SentEmail if flow.active != Some(FlowMethod::Link) => sent(flow, keyring, csrf),
        FlowState::PassedChallenge => vec![csrf, go_on(flow, config)],
        FlowState::ChooseMethod
        | FlowState::SentEmail
        | FlowState::ShowForm
        | FlowState::Success
        | FlowState::RecoveryAwaitingAddress
        | FlowState::RecoveryAwaitingAddressChoice
        | FlowState::RecoveryConfirmingAddress
        | FlowState::RecoveryAwaitingCode => match flow.active {
            Some(FlowMethod::Link) => by_link(flow, csrf),
            Some(_) | None => vec![asked(flow), submit(), csrf],
        },
    };
    let mut shown = Frame::new(flow, &config.public_url, nodes, reader);
    if flow.state == FlowState::PassedChallenge {
        shown.ui.method = "GET";
        shown.ui.action = continue_url(flow, config);
    }
    shown
}

/// Where to go once the address is verified.
fn continue_url(flow: &Flow, config: &Config) -> String {
    let configured = || config.verification.after.return_url("code").unwrap_or(&config.default_return_url);
    flow.return_to.clone().unwrap_or_else(|| configured().to_string())
}

fn asked(flow: &Flow) -> Node {
    let mut input = Input::new(ADDRESS, InputType::Text).required();
    input.value = address(flow).map(Value::from);
    input.node(Group::Code).labelled(catalogue::LABEL_EMAIL_OR_PHONE.message())
}

/// A link needs no further step, so the form stays as it is.
fn by_link(flow: &Flow, csrf: Node) -> Vec<Node> {
    let mut input = Input::new(ADDRESS, InputType::Email).required().autocomplete(Autocomplete::Email);
    input.value = address(flow).map(Value::from);
    let button = Node::method(Group::Link, FlowMethod::Link.as_str(), catalogue::LABEL_CONTINUE.message());
    vec![csrf, input.node(Group::Link).labelled(catalogue::LABEL_EMAIL.message()), button]
}

fn submit() -> Node {
    Node::method(Group::Code, FlowMethod::Code.as_str(), catalogue::LABEL_CONTINUE.message())
}

fn sent(flow: &Flow, keyring: &Keyring, csrf: Node) -> Vec<Node> {
    let mut code = Input::new("code", InputType::Text).required().autocomplete(Autocomplete::OneTimeCode);
    code.value = Memory::of(flow).prefilled(flow, keyring).map(Value::from);
    let mut nodes = vec![
        Input::hidden("method", FlowMethod::Code.as_str()).node(Group::Code),
        code.node(Group::Code).labelled(catalogue::LABEL_VERIFICATION_CODE.message()),
        submit(),
        csrf,
    ];
    // The name is `email` for phone numbers, too: it is the only one that clients can submit.
    let again = address(flow).map(|address| Input::submit(ADDRESS, address).node(Group::Code));
    nodes.extend(again.map(|node| node.labelled(catalogue::LABEL_RESEND_CODE.message())));
    nodes
}

fn go_on(flow: &Flow, config: &Config) -> Node {
    let title = catalogue::LABEL_CONTINUE.message();
    let attributes =
        Attributes::A { id: "continue".to_owned(), href: continue_url(flow, config), title: title.clone() };
    Node { group: Group::Code, attributes, messages: Vec::new(), label: Some(title) }
}

#[cfg(test)]
mod tests {
    use orrery_core::id::FlowId;
    use serde_json::{json, to_value};

    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::{FlowKind, samples};
    use crate::test_values::keyring;

    fn shown(change: impl FnOnce(&mut Flow)) -> Value {
        let mut flow = samples::flow(FlowKind::Verification);
        change(&mut flow);
        let config = samples::config(RegistrationStyle::Unified);
        to_value(render(&flow, &config, &keyring(), samples::READER)).expect("JSON")
    }

    fn names(body: &Value) -> Vec<String> {
        let nodes = body["ui"]["nodes"].as_array().expect("nodes");
        let name = |node: &Value| {
            let attributes = &node["attributes"];
            let name = attributes["name"].as_str().or(attributes["id"].as_str()).unwrap_or_default();
            let kind = attributes["type"].as_str().or(attributes["node_type"].as_str()).unwrap_or_default();
            format!("{}/{name}<{kind}>", node["group"].as_str().unwrap_or_default())
        };
        nodes.iter().map(name).collect()
    }

    fn sent_to(flow: &mut Flow) {
        flow.state = FlowState::SentEmail;
        flow.values.insert(ADDRESS.to_owned(), json!("ada@example.org"));
    }

    #[test]
    fn the_form_asks_for_the_address_then_for_the_code() {
        assert_eq!(names(&shown(|_| ())), ["code/email<text>", "code/method<submit>", "default/csrf_token<hidden>"]);
        let sent = shown(sent_to);
        assert_eq!(
            names(&sent),
            [
                "code/method<hidden>",
                "code/code<text>",
                "code/method<submit>",
                "default/csrf_token<hidden>",
                "code/email<submit>"
            ]
        );
        assert_eq!(sent["ui"]["nodes"][4]["attributes"]["value"], "ada@example.org");
        assert!(sent["ui"]["nodes"][1]["attributes"].get("maxlength").is_none());
        assert!(sent["ui"]["nodes"][1]["attributes"].get("value").is_none());
    }

    #[test]
    fn a_passed_flow_leads_on() {
        let body = shown(|flow| {
            flow.state = FlowState::PassedChallenge;
            flow.return_to = Some("https://app.example/after".to_owned());
        });
        assert_eq!(body["ui"]["method"], "GET");
        assert_eq!(body["ui"]["action"], "https://app.example/after");
        assert_eq!(names(&body), ["default/csrf_token<hidden>", "code/continue<a>"]);
        assert_eq!(body["ui"]["nodes"][1]["attributes"]["href"], "https://app.example/after");
    }

    #[test]
    fn the_code_of_a_link_is_filled_in_and_never_stored_in_the_clear() {
        let mut flow = samples::flow(FlowKind::Verification);
        sent_to(&mut flow);
        let mut memory = Memory::of(&flow);
        memory.prefill(&flow, "123456", &keyring(), &orrery_core::SystemEntropy::default());
        memory.store(&mut flow);
        assert!(!format!("{flow:?}").contains("123456"));
        let config = samples::config(RegistrationStyle::Unified);
        let body = to_value(render(&flow, &config, &keyring(), samples::READER)).expect("JSON");
        assert_eq!(body["ui"]["nodes"][1]["attributes"]["value"], "123456");
        flow.id = FlowId::generate(&orrery_core::SystemEntropy::default());
        let other = to_value(render(&flow, &config, &keyring(), samples::READER)).expect("JSON");
        assert!(other["ui"]["nodes"][1]["attributes"].get("value").is_none(), "bound to its flow");
    }
}
