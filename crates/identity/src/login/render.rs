//! The form of a login: a pure function of the flow and the settings.

use orrery_core::Timestamp;
use orrery_core::id::OrganizationId;
use serde::Serialize;
use serde_json::{Value, json};

use super::code::{ADDRESS, IDENTIFIER, RESEND};
use super::{Memory, Screen};
use crate::config::{Config, LoginStyle};
use crate::credentials::code::CodeAddress;
use crate::flow::form::{Frame, Reader};
use crate::flow::node::{Autocomplete, Group, Input, InputType, Node};
use crate::flow::{Flow, FlowMethod, FlowState, Message, catalogue, order};
use crate::session::Aal;

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
    let memory = Memory::of(flow);
    if flow.state == FlowState::SentEmail {
        nodes.extend(sent(flow));
    } else {
        nodes.extend(match page(flow, config, &memory) {
            Page::Identifier => identifier_alone(flow, identifier_label),
            Page::SecondFactor => addresses(&memory),
            Page::Credentials => credentials(flow, config, &memory, identifier_label),
        });
        order::sort(&mut nodes, order::LOGIN_GROUPS, &["csrf_token", "identifier", "password"]);
    }
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

/// What is asked for.
enum Page {
    /// The identifier.
    Identifier,
    /// A second factor.
    SecondFactor,
    /// A credential, and the identifier unless it is known.
    Credentials,
}

fn page(flow: &Flow, config: &Config, memory: &Memory) -> Page {
    if flow.requested_aal > Aal::Aal1 {
        return if memory.offers_code(flow, config) { Page::SecondFactor } else { Page::Credentials };
    }
    let first = config.login.style == LoginStyle::IdentifierFirst && !flow.refresh;
    if first && memory.screen == Screen::Identifier { Page::Identifier } else { Page::Credentials }
}

fn typed(flow: &Flow) -> Value {
    flow.values.get(IDENTIFIER).cloned().unwrap_or_else(|| Value::from(""))
}

/// The identifier alone. Browsers may offer passkeys where it is typed.
fn identifier_alone(flow: &Flow, label: Message) -> Vec<Node> {
    let field = Input::new(IDENTIFIER, InputType::Text).value(typed(flow)).required();
    let field = field.autocomplete(Autocomplete::UsernameWebauthn).node(Group::IdentifierFirst);
    let go_on = catalogue::LABEL_CONTINUE.message();
    vec![field.labelled(label), Node::method(Group::IdentifierFirst, "identifier_first", go_on)]
}

fn credentials(flow: &Flow, config: &Config, memory: &Memory, label: Message) -> Vec<Node> {
    let (password, code) = (memory.offers_password(flow, config), memory.offers_code(flow, config));
    let mut nodes = Vec::new();
    if password || (code && !chooses(flow, config)) {
        nodes.push(identifier(flow, config, label));
    }
    if code && chooses(flow, config) {
        nodes.extend(addresses(memory));
    } else if code {
        nodes.push(Node::method(Group::Code, FlowMethod::Code.as_str(), catalogue::LOGIN_SEND_CODE.message()));
    }
    if password {
        let field = Input::new("password", InputType::Password).required();
        let field = field.autocomplete(Autocomplete::CurrentPassword).node(Group::Password);
        let label = if flow.refresh { &catalogue::LOGIN_SIGN_IN } else { &catalogue::LOGIN_WITH_PASSWORD };
        nodes.push(field.labelled(catalogue::LABEL_PASSWORD.message()));
        nodes.push(Node::method(Group::Password, FlowMethod::Password.as_str(), label.message()));
    }
    nodes
}

/// Whether whoever signs in once more chooses where the code goes.
const fn chooses(flow: &Flow, config: &Config) -> bool {
    flow.refresh && config.login.refresh_chooses_address
}

/// The identifier: typed, or known.
fn identifier(flow: &Flow, config: &Config, label: Message) -> Node {
    if flow.refresh {
        return Input::hidden(IDENTIFIER, typed(flow)).node(Group::Default);
    }
    match config.login.style {
        LoginStyle::Unified => {
            let field = Input::new(IDENTIFIER, InputType::Text).value(typed(flow)).required();
            field.node(Group::Default).labelled(label)
        }
        LoginStyle::IdentifierFirst => {
            let field = Input::hidden(IDENTIFIER, typed(flow)).autocomplete(Autocomplete::UsernameWebauthn);
            field.node(Group::IdentifierFirst)
        }
    }
}

/// A button for each address that a code can go to.
fn addresses(memory: &Memory) -> Vec<Node> {
    let addresses = memory.offer.iter().flat_map(|offer| &offer.codes);
    let button = |CodeAddress { via, value }: &CodeAddress| {
        let label = catalogue::LOGIN_SEND_CODE_TO.with([("address", json!(value)), ("channel", json!(via))]);
        Input::submit(ADDRESS, value.as_str()).node(Group::Code).labelled(label)
    };
    addresses.map(button).collect()
}

/// A code is on its way.
fn sent(flow: &Flow) -> [Node; 5] {
    let method = FlowMethod::Code.as_str();
    let group = if flow.requested_aal > Aal::Aal1 { Group::Code } else { Group::Default };
    let code = Input::new("code", InputType::Text).required().autocomplete(Autocomplete::OneTimeCode);
    let resend = Input::submit(RESEND, method).node(Group::Code);
    [
        Input::hidden(IDENTIFIER, typed(flow)).node(group),
        Input::hidden("method", method).node(Group::Code),
        code.node(Group::Code).labelled(catalogue::LABEL_LOGIN_CODE.message()),
        Node::method(Group::Code, method, catalogue::LABEL_CONTINUE.message()),
        resend.labelled(catalogue::LABEL_RESEND_CODE.message()),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::Offer;
    use super::*;
    use crate::config::{CodeSignIn, RegistrationStyle};
    use crate::flow::samples::{READER, config, flow};
    use crate::flow::{FlowKind, Generation, PlacedMessage};
    use crate::identity::Via;

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
        let offer = |password| Some(Offer { password, codes: Vec::new() });
        Memory { offer: offer(true), ..Memory::default() }.store(&mut flow);
        let nodes = json!(shown(&flow).frame.ui.nodes);
        assert_eq!(nodes[1]["attributes"]["type"], "hidden");
        assert_eq!(nodes[3]["meta"]["label"]["id"], 1_010_001);
        Memory { offer: offer(false), ..Memory::default() }.store(&mut flow);
        assert_eq!(names(&flow), ["csrf_token"]);
    }

    fn with_codes(sign_in: CodeSignIn, style: LoginStyle, flow: &Flow, generation: Generation) -> Value {
        let mut config = config(RegistrationStyle::Unified);
        config.code.sign_in = sign_in;
        config.login.style = style;
        let reader = Reader { generation, ..READER };
        json!(render(flow, &config, catalogue::LABEL_IDENTIFIER.message(), reader).frame.ui.nodes)
    }

    /// Group, name, type, value and label of each node.
    fn layout(nodes: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |node: &Value| {
            let attributes = &node["attributes"];
            let value = attributes["value"].as_str().map_or_else(String::new, |value| format!("={value}"));
            let label = node["meta"]["label"]["id"].as_u64().map_or_else(String::new, |id| format!(" {id}"));
            format!(
                "{}/{}<{}>{value}{label}",
                text(&node["group"]),
                text(&attributes["name"]),
                text(&attributes["type"])
            )
        };
        nodes.as_array().into_iter().flatten().map(line).filter(|line| !line.contains("csrf_token")).collect()
    }

    #[test]
    fn a_code_stands_beside_the_password_and_then_alone() {
        let mut flow = flow(FlowKind::Login);
        let shown =
            |flow: &Flow| layout(&with_codes(CodeSignIn::FirstFactor, LoginStyle::Unified, flow, Generation::Current));
        assert_eq!(
            shown(&flow),
            [
                "default/identifier<text>= 1070004",
                "code/method<submit>=code 1010015",
                "password/password<password> 1070001",
                "password/method<submit>=password 1010022",
            ]
        );
        flow.state = FlowState::SentEmail;
        flow.values.insert("identifier".into(), json!("ada@example.org"));
        assert_eq!(
            shown(&flow),
            [
                "default/identifier<hidden>=ada@example.org",
                "code/method<hidden>=code",
                "code/code<text> 1070013",
                "code/method<submit>=code 1070009",
                "code/resend<submit>=code 1070008",
            ]
        );
    }

    #[test]
    fn a_second_factor_goes_to_an_address_of_the_account() {
        let mut flow = flow(FlowKind::Login);
        flow.requested_aal = Aal::Aal2;
        let codes = vec![CodeAddress::new(Via::Sms, "+49301"), CodeAddress::new(Via::Email, "ada@example.org")];
        Memory { offer: Some(Offer { password: true, codes }), ..Memory::default() }.store(&mut flow);
        let nodes = with_codes(CodeSignIn::SecondFactor, LoginStyle::IdentifierFirst, &flow, Generation::Current);
        assert_eq!(
            layout(&nodes),
            ["code/address<submit>=+49301 1010023", "code/address<submit>=ada@example.org 1010023"]
        );
        assert_eq!(nodes[1]["meta"]["label"]["context"], json!({"address": "+49301", "channel": "sms"}));
        flow.state = FlowState::SentEmail;
        let nodes = with_codes(CodeSignIn::SecondFactor, LoginStyle::Unified, &flow, Generation::Current);
        assert_eq!(layout(&nodes)[0], "code/identifier<hidden>=");
    }

    #[test]
    fn the_identifier_comes_first_where_the_operator_wants_it() {
        let mut flow = flow(FlowKind::Login);
        let shown = |flow: &Flow, generation| {
            with_codes(CodeSignIn::FirstFactor, LoginStyle::IdentifierFirst, flow, generation)
        };
        let first = shown(&flow, Generation::Current);
        assert_eq!(
            layout(&first),
            ["identifier_first/identifier<text>= 1070004", "identifier_first/method<submit>=identifier_first 1070009"]
        );
        assert_eq!(first[0]["attributes"]["autocomplete"], "username webauthn");
        let old = shown(&flow, Generation::First);
        assert_eq!(old[0]["group"], "default");
        assert!(old[0]["attributes"].get("autocomplete").is_none());
        Memory { screen: Screen::Credentials, ..Memory::default() }.store(&mut flow);
        assert_eq!(
            layout(&shown(&flow, Generation::Current)),
            [
                "identifier_first/identifier<hidden>=",
                "code/method<submit>=code 1010015",
                "password/password<password> 1070001",
                "password/method<submit>=password 1010022",
            ]
        );
        flow.refresh = true;
        assert_eq!(layout(&shown(&flow, Generation::Current))[0], "default/identifier<hidden>=");
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
        let reader = Reader { generation: Generation::First, ..READER };
        let config = config(RegistrationStyle::Unified);
        let old = render(&flow, &config, catalogue::LABEL_IDENTIFIER.message(), reader);
        assert!(json!(old).get("active").is_none());
        assert_eq!(json!(shown(&flow))["active"], "code");
    }
}
