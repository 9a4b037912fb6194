//! The form of a settings flow: a pure function of the flow, the identity and the settings.

use orrery_core::id::OrganizationId;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::flow::form::{Frame, Reader};
use crate::flow::node::{Autocomplete, Group, Input, InputType, Node};
use crate::flow::{ContinueWith, Flow, FlowMethod, catalogue, order, traits};
use crate::identity::Identity;
use crate::identity::json::IdentityJson;
use crate::schema::IdentitySchema;

/// A settings flow as clients read it (`settingsFlow` of the contract).
#[derive(Debug, Clone, Serialize)]
pub struct SettingsFlow {
    #[serde(flatten)]
    frame: Frame,
    organization_id: Option<OrganizationId>,
    identity: Value,
    /// What to do next; only in the answer to a successful submit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub continue_with: Vec<ContinueWith>,
}

/// A settings flow for one reader.
#[must_use]
pub fn render(
    flow: &Flow,
    identity: &Identity,
    config: &Config,
    schema: &IdentitySchema,
    reader: Reader<'_>,
) -> SettingsFlow {
    let mut nodes = vec![Node::csrf_token(reader.csrf_token)];
    if config.settings.profile {
        nodes.extend(profile(flow, identity, schema));
    }
    if config.password.enabled {
        nodes.extend(password());
    }
    // The nodes of further methods come here; they need the identity's credentials.
    let mut keys: Vec<&str> = schema.fields().iter().map(|field| field.name.as_str()).collect();
    keys.extend(order::SETTINGS_KEYS);
    order::sort(&mut nodes, order::SETTINGS_GROUPS, &keys);
    SettingsFlow {
        frame: Frame::new(flow, &config.public_url, nodes, reader),
        organization_id: identity.organization_id,
        identity: json!(IdentityJson::public(identity, &config.public_url)),
        continue_with: Vec::new(),
    }
}

/// The traits: as they are, or as they were typed when they have to be corrected.
fn profile(flow: &Flow, identity: &Identity, schema: &IdentitySchema) -> Vec<Node> {
    let typed: &Map<String, Value> = flow.values.get("traits").and_then(Value::as_object).unwrap_or(&identity.traits);
    let mut nodes: Vec<_> = schema.fields().iter().map(|field| traits::field(field, Group::Profile, typed)).collect();
    nodes.push(Node::method(Group::Profile, FlowMethod::Profile.as_str(), catalogue::LABEL_SAVE.message()));
    nodes
}

fn password() -> [Node; 2] {
    let field = Input::new("password", InputType::Password).required().autocomplete(Autocomplete::NewPassword);
    [
        field.node(Group::Password).labelled(catalogue::LABEL_PASSWORD.message()),
        Node::method(Group::Password, FlowMethod::Password.as_str(), catalogue::LABEL_SAVE.message()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::samples::{READER, config, flow, schema};
    use crate::flow::{FlowKind, FlowState};
    use crate::test_values;

    fn shown(change: impl FnOnce(&mut Flow)) -> Value {
        let mut flow = flow(FlowKind::Settings);
        flow.state = FlowState::ShowForm;
        change(&mut flow);
        json!(render(&flow, &test_values::identity(), &config(RegistrationStyle::Unified), &schema(), READER))
    }

    fn layout(body: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let nodes = body["ui"]["nodes"].as_array().into_iter().flatten();
        nodes.map(|node| format!("{}/{}", text(&node["group"]), text(&node["attributes"]["name"]))).collect()
    }

    #[test]
    fn the_form_shows_the_traits_then_the_password() {
        let body = shown(|_| ());
        assert_eq!(
            layout(&body),
            [
                "default/csrf_token",
                "profile/traits.email",
                "profile/traits.name.first",
                "profile/traits.size",
                "profile/traits.news",
                "profile/method",
                "password/password",
                "password/method",
            ]
        );
        assert_eq!(body["ui"]["nodes"][1]["attributes"]["value"], "ada@example.org");
        assert_eq!(body["identity"]["traits"]["email"], "ada@example.org");
        assert_eq!(body["state"], "show_form");
        assert!(body["identity"].get("credentials").is_none() && body["identity"].get("metadata_admin").is_none());
    }

    #[test]
    fn what_has_to_be_corrected_is_shown_as_it_was_typed() {
        let body = shown(|flow| {
            flow.values.insert("traits".to_owned(), json!({"email": "nonsense"}));
        });
        assert_eq!(body["ui"]["nodes"][1]["attributes"]["value"], "nonsense");
        assert_eq!(body["identity"]["traits"]["email"], "ada@example.org");
    }
}
