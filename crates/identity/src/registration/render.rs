//! The form of a registration: a pure function of the flow, the schema and the settings.

use orrery_core::id::OrganizationId;
use serde::Serialize;

use super::code::RESEND;
use super::{Memory, Screen, typed};
use crate::config::{CodeSignIn, Config, RegistrationStyle};
use crate::flow::form::{Frame, Reader};
use crate::flow::node::{Autocomplete, Group, Input, InputType, Node};
use crate::flow::{Flow, FlowMethod, FlowState, catalogue, order, traits};
use crate::schema::IdentitySchema;

/// A registration flow as clients read it (`registrationFlow` of the contract).
#[derive(Debug, Clone, Serialize)]
pub struct RegistrationFlow {
    #[serde(flatten)]
    frame: Frame,
    organization_id: Option<OrganizationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_schema: Option<String>,
}

/// A registration flow for one reader.
#[must_use]
pub fn render(flow: &Flow, config: &Config, schema: &IdentitySchema, reader: Reader<'_>) -> RegistrationFlow {
    let mut nodes = vec![Node::csrf_token(reader.csrf_token)];
    if flow.state == FlowState::SentEmail {
        nodes.extend(sent(flow, config, schema));
        return shown(flow, config, nodes, reader);
    }
    nodes.extend(match (config.registration.style, Memory::of(flow).screen) {
        (RegistrationStyle::Unified, _) => everything(flow, config, schema),
        (RegistrationStyle::ProfileFirst, Screen::Profile) => profile(flow, schema),
        (RegistrationStyle::ProfileFirst, Screen::Credentials) => credentials(flow, config, schema),
    });
    let fields: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    let mut keys = vec!["csrf_token"];
    keys.extend(fields.iter().take(1));
    keys.push("password");
    keys.extend(fields.iter().skip(1));
    order::sort(&mut nodes, order::REGISTRATION_GROUPS, &keys);
    shown(flow, config, nodes, reader)
}

fn shown(flow: &Flow, config: &Config, nodes: Vec<Node>, reader: Reader<'_>) -> RegistrationFlow {
    RegistrationFlow {
        frame: Frame::new(flow, &config.public_url, nodes, reader),
        organization_id: None,
        identity_schema: flow.schema_id.clone(),
    }
}

/// Traits and credentials on one page.
fn everything(flow: &Flow, config: &Config, schema: &IdentitySchema) -> Vec<Node> {
    let group = if config.password.enabled { config.registration.trait_group } else { Group::Default };
    let mut nodes = fields(flow, group, schema);
    nodes.extend(code(config));
    nodes.extend(password(config));
    nodes
}

/// The first of two pages.
fn profile(flow: &Flow, schema: &IdentitySchema) -> Vec<Node> {
    let mut nodes = fields(flow, Group::Default, schema);
    let label = catalogue::REGISTRATION_SIGN_UP.message();
    nodes.push(Node::method(Group::Profile, FlowMethod::Profile.as_str(), label));
    nodes
}

/// The second of two pages.
fn credentials(flow: &Flow, config: &Config, schema: &IdentitySchema) -> Vec<Node> {
    let mut nodes = hidden(flow, schema);
    nodes.extend(code(config));
    nodes.extend(password(config));
    let back = Input::submit("screen", "previous").node(Group::Profile);
    nodes.push(back.labelled(catalogue::REGISTRATION_BACK.message()));
    nodes
}

fn fields(flow: &Flow, group: Group, schema: &IdentitySchema) -> Vec<Node> {
    let typed = typed(flow);
    schema.fields().iter().map(|field| traits::field(field, group, &typed)).collect()
}

/// The traits, carried along unseen.
fn hidden(flow: &Flow, schema: &IdentitySchema) -> Vec<Node> {
    let typed = typed(flow);
    schema.fields().iter().filter_map(|field| traits::hidden(field, Group::Default, &typed)).collect()
}

/// A code is on its way.
fn sent(flow: &Flow, config: &Config, schema: &IdentitySchema) -> Vec<Node> {
    let method = FlowMethod::Code.as_str();
    let code = Input::new("code", InputType::Text).required().autocomplete(Autocomplete::OneTimeCode);
    let resend = Input::submit(RESEND, method).node(Group::Code);
    let mut nodes = hidden(flow, schema);
    nodes.extend([
        Input::hidden("method", method).node(Group::Code),
        code.node(Group::Code).labelled(catalogue::LABEL_REGISTRATION_CODE.message()),
        Node::method(Group::Code, method, catalogue::LABEL_CONTINUE.message()),
        resend.labelled(catalogue::LABEL_RESEND_CODE.message()),
    ]);
    if config.registration.style == RegistrationStyle::ProfileFirst {
        let back = Input::submit("screen", "credential-selection").node(Group::Code);
        nodes.push(back.labelled(catalogue::REGISTRATION_BACK.message()));
    }
    nodes
}

fn code(config: &Config) -> Option<Node> {
    let label = catalogue::REGISTRATION_SEND_CODE.message();
    let button = Node::method(Group::Code, FlowMethod::Code.as_str(), label);
    (config.code.sign_in == CodeSignIn::FirstFactor).then_some(button)
}

fn password(config: &Config) -> Vec<Node> {
    if !config.password.enabled {
        return Vec::new();
    }
    let field = Input::new("password", InputType::Password).required().autocomplete(Autocomplete::NewPassword);
    vec![
        field.node(Group::Password).labelled(catalogue::LABEL_PASSWORD.message()),
        Node::method(Group::Password, FlowMethod::Password.as_str(), catalogue::REGISTRATION_SIGN_UP.message()),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::flow::samples::{READER, config, flow, schema};
    use crate::flow::{FlowKind, Generation};

    fn shown(flow: &Flow, style: RegistrationStyle) -> RegistrationFlow {
        render(flow, &config(style), &schema(), READER)
    }

    fn layout(shown: &RegistrationFlow) -> Vec<String> {
        let nodes = json!(shown.frame.ui.nodes);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        nodes
            .as_array()
            .into_iter()
            .flatten()
            .map(|node| {
                let attributes = &node["attributes"];
                format!("{}/{}<{}>", text(&node["group"]), text(&attributes["name"]), text(&attributes["type"]))
            })
            .collect()
    }

    fn typed_flow(screen: Screen) -> Flow {
        let mut flow = flow(FlowKind::Registration);
        flow.values.insert("traits".into(), json!({"email": "ada@example.org", "news": false}));
        Memory { screen, ..Memory::default() }.store(&mut flow);
        flow
    }

    #[test]
    fn one_page_asks_for_the_password_after_the_first_trait() {
        let flow = flow(FlowKind::Registration);
        insta::assert_json_snapshot!(shown(&flow, RegistrationStyle::Unified));
    }

    #[test]
    fn older_pages_find_the_traits_in_the_group_of_the_password() {
        let mut config = config(RegistrationStyle::Unified);
        config.registration.trait_group = Group::Password;
        let flow = flow(FlowKind::Registration);
        let shown = layout(&render(&flow, &config, &schema(), READER));
        assert_eq!(
            shown,
            [
                "default/csrf_token<hidden>",
                "password/traits.email<email>",
                "password/password<password>",
                "password/traits.name.first<text>",
                "password/traits.size<text>",
                "password/traits.news<checkbox>",
                "password/method<submit>",
            ]
        );
        config.registration.style = RegistrationStyle::ProfileFirst;
        let first = layout(&render(&flow, &config, &schema(), READER));
        assert_eq!(first[1], "default/traits.email<email>", "the first of two pages knows no password");
        config.registration.style = RegistrationStyle::Unified;
        config.password.enabled = false;
        let without = layout(&render(&flow, &config, &schema(), READER));
        assert_eq!(without[1], "default/traits.email<email>");
    }

    #[test]
    fn the_first_of_two_pages_asks_for_traits() {
        let shown = shown(&flow(FlowKind::Registration), RegistrationStyle::ProfileFirst);
        assert_eq!(
            layout(&shown),
            [
                "default/csrf_token<hidden>",
                "default/traits.email<email>",
                "default/traits.name.first<text>",
                "default/traits.size<text>",
                "default/traits.news<checkbox>",
                "profile/method<submit>",
            ]
        );
        let nodes = json!(shown.frame.ui.nodes);
        assert_eq!(nodes[5]["attributes"]["value"], "profile");
        assert_eq!(nodes[5]["meta"]["label"]["id"], 1_040_001);
    }

    #[test]
    fn the_second_page_carries_the_traits_along() {
        let shown = shown(&typed_flow(Screen::Credentials), RegistrationStyle::ProfileFirst);
        assert_eq!(
            layout(&shown),
            [
                "default/csrf_token<hidden>",
                "default/traits.email<hidden>",
                "password/password<password>",
                "default/traits.news<hidden>",
                "password/method<submit>",
                "profile/screen<submit>",
            ]
        );
        let nodes = json!(shown.frame.ui.nodes);
        assert_eq!(nodes[3]["attributes"]["value"], json!(false));
        assert_eq!(nodes[5]["meta"]["label"]["id"], 1_040_008);
    }

    #[test]
    fn a_code_is_offered_sent_and_entered() {
        let mut flow = typed_flow(Screen::Credentials);
        let mut config = config(RegistrationStyle::ProfileFirst);
        config.code.sign_in = CodeSignIn::FirstFactor;
        let shown = |flow: &Flow| layout(&render(flow, &config, &schema(), READER));
        assert_eq!(
            shown(&flow),
            [
                "default/csrf_token<hidden>",
                "default/traits.email<hidden>",
                "default/traits.news<hidden>",
                "code/method<submit>",
                "password/password<password>",
                "password/method<submit>",
                "profile/screen<submit>",
            ]
        );
        flow.state = FlowState::SentEmail;
        assert_eq!(
            shown(&flow),
            [
                "default/csrf_token<hidden>",
                "default/traits.email<hidden>",
                "default/traits.news<hidden>",
                "code/method<hidden>",
                "code/code<text>",
                "code/method<submit>",
                "code/resend<submit>",
                "code/screen<submit>",
            ]
        );
    }

    #[test]
    fn what_was_typed_is_shown_again() {
        let nodes = json!(shown(&typed_flow(Screen::Profile), RegistrationStyle::ProfileFirst).frame.ui.nodes);
        assert_eq!(nodes[1]["attributes"]["value"], "ada@example.org");
    }

    #[test]
    fn old_clients_get_fields_that_they_can_decode() {
        let flow = flow(FlowKind::Registration);
        let reader = Reader { generation: Generation::First, ..READER };
        let old = json!(render(&flow, &config(RegistrationStyle::Unified), &schema(), reader)).to_string();
        assert!(!old.contains("maxlength") && !old.contains("options"), "{old}");
        let new = json!(shown(&flow, RegistrationStyle::Unified)).to_string();
        assert!(new.contains("maxlength") && new.contains("options"), "{new}");
    }
}
