//! The form of a recovery: a pure function of the flow and the settings.

use serde::Serialize;
use serde_json::Value;

use super::choose::{CONFIRMED, SELECTED, TYPED};
use super::{ADDRESS, Choice, Memory, address};
use crate::config::{Config, Delivery};
use crate::flow::form::{Frame, Reader};
use crate::flow::message::Message;
use crate::flow::node::{Autocomplete, Group, Input, InputType, Node};
use crate::flow::{ContinueWith, Flow, FlowMethod, FlowState, catalogue, one_time};
use crate::identity::Via;

/// A recovery flow as clients read it (`recoveryFlow` of the contract).
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryFlow {
    #[serde(flatten)]
    frame: Frame,
    /// What to do next; only in the answer to the right code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub continue_with: Vec<ContinueWith>,
}

/// A recovery flow for one reader.
#[must_use]
pub fn render(flow: &Flow, config: &Config, reader: Reader<'_>) -> RecoveryFlow {
    let memory = Memory::of(flow);
    let mut nodes = Vec::new();
    if !memory.by_administrator {
        nodes.push(Node::csrf_token(reader.csrf_token));
    }
    match (flow.state, config.recovery.uses) {
        (FlowState::SentEmail, _) if memory.by_administrator => nodes.extend([code(), method(FlowMethod::Code)]),
        (FlowState::SentEmail, Delivery::Code) => nodes.extend(sent(flow)),
        (FlowState::RecoveryAwaitingAddress, _) => nodes.extend(ask(flow)),
        (FlowState::RecoveryAwaitingAddressChoice, _) => nodes.extend(choose(flow, &memory.choices)),
        (FlowState::RecoveryConfirmingAddress, _) => nodes.extend(confirm(flow, memory.chosen.as_ref())),
        (FlowState::RecoveryAwaitingCode, _) => nodes.extend(sent_to_choice(flow)),
        (FlowState::PassedChallenge, _) => {}
        (FlowState::ChooseMethod, Delivery::Code) => nodes.extend(start(flow, FlowMethod::Code)),
        (FlowState::ChooseMethod | FlowState::SentEmail, Delivery::Link) => {
            nodes.extend(start(flow, FlowMethod::Link));
        }
        (FlowState::ShowForm | FlowState::Success, _) => {}
    }
    RecoveryFlow { frame: Frame::new(flow, &config.public_url, nodes, reader), continue_with: Vec::new() }
}

fn group(method: FlowMethod) -> Group {
    if method == FlowMethod::Link { Group::Link } else { Group::Code }
}

fn method(method: FlowMethod) -> Node {
    Node::method(group(method), method.as_str(), catalogue::LABEL_CONTINUE.message())
}

fn hidden_method() -> Node {
    Input::hidden("method", FlowMethod::Code.as_str()).node(Group::Code)
}

fn text(flow: &Flow, name: &str) -> Option<Value> {
    flow.values.get(name).cloned()
}

fn start(flow: &Flow, by: FlowMethod) -> [Node; 2] {
    let mut field = Input::new(ADDRESS, InputType::Email).required().autocomplete(Autocomplete::Email);
    // A link needs no further step, so the form stays as it is.
    field.value = text(flow, ADDRESS).filter(|_| by == FlowMethod::Link);
    [field.node(group(by)).labelled(catalogue::LABEL_EMAIL.message()), method(by)]
}

fn code() -> Node {
    let mut field = Input::new("code", InputType::Text).required().autocomplete(Autocomplete::OneTimeCode);
    field.pattern = Some("[0-9]+".to_owned());
    field.maxlength = u32::try_from(one_time::DIGITS).ok();
    field.node(Group::Code).labelled(catalogue::LABEL_RECOVERY_CODE.message())
}

fn resend(name: &str, address: &str) -> Node {
    Input::submit(name, address).node(Group::Code).labelled(catalogue::LABEL_RESEND_CODE.message())
}

fn back() -> Node {
    Input::submit("screen", "previous").node(Group::Code).labelled(catalogue::RECOVERY_BACK.message())
}

fn typed(flow: &Flow) -> Node {
    Input::hidden(TYPED, text(flow, TYPED).unwrap_or_default()).node(Group::Code)
}

fn sent(flow: &Flow) -> Vec<Node> {
    let mut nodes = vec![code(), hidden_method(), method(FlowMethod::Code)];
    nodes.extend(address(flow).map(|address| resend(ADDRESS, address)));
    nodes
}

fn ask(flow: &Flow) -> [Node; 2] {
    let mut field = Input::new(TYPED, InputType::Text).required();
    field.value = text(flow, TYPED);
    [field.node(Group::Code).labelled(catalogue::LABEL_RECOVERY_ADDRESS.message()), method(FlowMethod::Code)]
}

fn choose(flow: &Flow, choices: &[Choice]) -> Vec<Node> {
    let labelled = |choice: &Choice| Message { text: choice.masked.clone(), ..catalogue::LABEL_GENERIC.message() };
    let button = |choice: &Choice| Input::submit(SELECTED, choice.name.as_str()).node(Group::Code);
    let mut nodes: Vec<_> = choices.iter().map(|choice| button(choice).labelled(labelled(choice))).collect();
    nodes.extend([hidden_method(), typed(flow), back()]);
    nodes
}

fn confirm(flow: &Flow, chosen: Option<&Choice>) -> [Node; 5] {
    let (kind, label, autocomplete) = match chosen.map_or(Via::Email, |choice| choice.via) {
        Via::Email => (InputType::Email, &catalogue::LABEL_EMAIL, Autocomplete::Email),
        Via::Sms => (InputType::Tel, &catalogue::LABEL_PHONE, Autocomplete::Tel),
    };
    let field = Input::new(CONFIRMED, kind).required().autocomplete(autocomplete);
    [field.node(Group::Code).labelled(label.message()), typed(flow), method(FlowMethod::Code), hidden_method(), back()]
}

fn sent_to_choice(flow: &Flow) -> Vec<Node> {
    let mut nodes = vec![code(), method(FlowMethod::Code), hidden_method()];
    nodes.extend(address(flow).map(|address| resend(CONFIRMED, address)));
    nodes.extend([typed(flow), back()]);
    nodes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::FlowKind;
    use crate::flow::samples::{READER, config, flow};

    fn layout(change: impl FnOnce(&mut Flow, &mut Config)) -> Vec<String> {
        let (mut flow, mut config) = (flow(FlowKind::Recovery), config(RegistrationStyle::Unified));
        change(&mut flow, &mut config);
        let body = json!(render(&flow, &config, READER));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nodes = body["ui"]["nodes"].as_array().into_iter().flatten();
        nodes
            .map(|node| {
                let attributes = &node["attributes"];
                format!("{}/{}<{}>", text(&node["group"]), text(&attributes["name"]), text(&attributes["type"]))
            })
            .collect()
    }

    fn sent_to(flow: &mut Flow) {
        flow.state = FlowState::SentEmail;
        flow.values.insert(ADDRESS.to_owned(), json!("ada@example.org"));
    }

    #[test]
    fn the_form_asks_for_the_address_then_for_the_code() {
        assert_eq!(layout(|_, _| ()), ["default/csrf_token<hidden>", "code/email<email>", "code/method<submit>"]);
        assert_eq!(
            layout(|flow, _| sent_to(flow)),
            [
                "default/csrf_token<hidden>",
                "code/code<text>",
                "code/method<hidden>",
                "code/method<submit>",
                "code/email<submit>",
            ]
        );
    }

    #[test]
    fn an_administrators_code_goes_to_no_address_and_no_particular_browser() {
        let nodes = layout(|flow, _| {
            sent_to(flow);
            Memory { by_administrator: true, ..Memory::default() }.store(flow);
        });
        assert_eq!(nodes, ["code/code<text>", "code/method<submit>"]);
    }

    #[test]
    fn a_link_leaves_the_form_as_it_is() {
        let nodes = layout(|flow, config| {
            config.recovery.uses = Delivery::Link;
            sent_to(flow);
        });
        assert_eq!(nodes, ["default/csrf_token<hidden>", "link/email<email>", "link/method<submit>"]);
    }

    #[test]
    fn choosing_shows_masked_addresses_only() {
        let (mut flow, config) = (flow(FlowKind::Recovery), config(RegistrationStyle::Unified));
        flow.state = FlowState::RecoveryAwaitingAddressChoice;
        let choice = Choice { name: "x".to_owned(), masked: "ad****@example.org".to_owned(), via: Via::Email };
        Memory { choices: vec![choice], ..Memory::default() }.store(&mut flow);
        let body = json!(render(&flow, &config, READER));
        let button = &body["ui"]["nodes"][1];
        assert_eq!(
            (&button["attributes"]["value"], &button["meta"]["label"]["text"]),
            (&json!("x"), &json!("ad****@example.org"))
        );
        assert_eq!(body["state"], "recovery_awaiting_address_choice");
    }
}
