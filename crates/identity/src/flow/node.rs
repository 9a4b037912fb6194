//! What a page shows: the contract's `uiContainer`, `uiNode` and node attributes.
//!
//! The wire is strict about null and absent members: `value` is left out only when there is none, `required` when
//! false, a container's `messages` when empty; a node's `messages` and `meta` and an input's `disabled` are always
//! there.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::message::Message;

/// A whole form.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Container {
    /// Where it is submitted to.
    pub action: String,
    /// `POST`, or `GET` when nothing is left but to go on.
    pub method: &'static str,
    /// What it consists of, in order.
    pub nodes: Vec<Node>,
    /// Messages about the form as a whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

/// Which method a node belongs to; `default` nodes belong to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Every method.
    Default,
    /// Password.
    Password,
    /// Social sign-in.
    Oidc,
    /// Traits.
    Profile,
    /// Link.
    Link,
    /// One-time code.
    Code,
    /// Authenticator app.
    Totp,
    /// Backup codes.
    LookupSecret,
    /// Security key.
    Webauthn,
    /// Passkey.
    Passkey,
    /// The identifier alone.
    IdentifierFirst,
}

/// One element of a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The method it belongs to.
    pub group: Group,
    /// What it is.
    pub attributes: Attributes,
    /// What is wrong with its value.
    pub messages: Vec<Message>,
    /// What to call it.
    pub label: Option<Message>,
}

/// What a node is. `node_type` on the wire says which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "node_type", rename_all = "lowercase")]
pub enum Attributes {
    /// A field or a button.
    Input(Input),
    /// A text.
    Text {
        /// Identifies the node.
        id: String,
        /// What it says.
        text: Message,
    },
    /// An image.
    Img {
        /// Identifies the node.
        id: String,
        /// Address or data URI.
        src: String,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A link.
    A {
        /// Identifies the node.
        id: String,
        /// Where it leads.
        href: String,
        /// What it says.
        title: Message,
    },
}

/// The `type` of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InputType {
    /// One line of text.
    Text,
    /// A secret.
    Password,
    /// A number.
    Number,
    /// Yes or no.
    Checkbox,
    /// Not shown.
    Hidden,
    /// An email address.
    Email,
    /// A phone number.
    Tel,
    /// A button that submits.
    Submit,
    /// A button for scripts.
    Button,
    /// Date and time.
    #[serde(rename = "datetime-local")]
    DatetimeLocal,
    /// A date.
    Date,
    /// A URL.
    Url,
}

/// What browsers may fill in by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Autocomplete {
    /// Email address.
    Email,
    /// Phone number.
    Tel,
    /// URL.
    Url,
    /// The password of this account.
    CurrentPassword,
    /// A fresh password.
    NewPassword,
    /// A code that was just sent.
    OneTimeCode,
    /// The sign-in name, or a passkey in its place.
    #[serde(rename = "username webauthn")]
    UsernameWebauthn,
}

/// A field or a button.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Input {
    /// The key it is submitted as.
    pub name: String,
    /// What kind of input it is.
    #[serde(rename = "type")]
    pub kind: InputType,
    /// Its present value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Whether it must be filled in.
    #[serde(skip_serializing_if = "is_false")]
    pub required: bool,
    /// What browsers may fill in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autocomplete: Option<Autocomplete>,
    /// Regular expression that the value matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether it can be changed.
    pub disabled: bool,
    /// Most characters. Unknown to the first client generation: see [`strip_for_old_clients`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maxlength: Option<u32>,
    /// The values to choose from. Unknown to the first client generation.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
}

/// One value to choose from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// The value.
    pub value: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Input {
    /// An input without a value.
    pub fn new(name: impl Into<String>, kind: InputType) -> Self {
        Self {
            name: name.into(),
            kind,
            value: None,
            required: false,
            autocomplete: None,
            pattern: None,
            disabled: false,
            maxlength: None,
            options: Vec::new(),
        }
    }

    /// A hidden input.
    pub fn hidden(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(name, InputType::Hidden).value(value)
    }

    /// A button that submits `name=value`.
    pub fn submit(name: impl Into<String>, value: impl Into<Value>) -> Self {
        Self::new(name, InputType::Submit).value(value)
    }

    /// With this value.
    #[must_use]
    pub fn value(mut self, value: impl Into<Value>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Which must be filled in.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Which browsers may fill in.
    #[must_use]
    pub fn autocomplete(mut self, autocomplete: Autocomplete) -> Self {
        self.autocomplete = Some(autocomplete);
        self
    }

    /// As a node of `group`.
    #[must_use]
    pub fn node(self, group: Group) -> Node {
        Node { group, attributes: Attributes::Input(self), messages: Vec::new(), label: None }
    }
}

impl Node {
    /// The anti-CSRF token; empty in flows of native clients.
    #[must_use]
    pub fn csrf_token(token: &str) -> Self {
        Input::hidden("csrf_token", token).required().node(Group::Default)
    }

    /// The button that submits a method.
    #[must_use]
    pub fn method(group: Group, method: &str, label: Message) -> Self {
        Input::submit("method", method).node(group).labelled(label)
    }

    /// With this label.
    #[must_use]
    pub fn labelled(mut self, label: Message) -> Self {
        self.label = Some(label);
        self
    }

    /// What messages and sorting know it by: the input's name, or the id.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.attributes {
            Attributes::Input(input) => &input.name,
            Attributes::Text { id, .. } | Attributes::Img { id, .. } | Attributes::A { id, .. } => id,
        }
    }

    /// The input, if it is one.
    #[must_use]
    pub fn input(&self) -> Option<&Input> {
        match &self.attributes {
            Attributes::Input(input) => Some(input),
            Attributes::Text { .. } | Attributes::Img { .. } | Attributes::A { .. } => None,
        }
    }
}

impl Attributes {
    const fn node_type(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::Text { .. } => "text",
            Self::Img { .. } => "img",
            Self::A { .. } => "a",
        }
    }
}

#[derive(Serialize)]
struct Meta<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a Message>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut node = serializer.serialize_struct("Node", 5)?;
        node.serialize_field("type", self.attributes.node_type())?;
        node.serialize_field("group", &self.group)?;
        node.serialize_field("attributes", &self.attributes)?;
        node.serialize_field("messages", &self.messages)?;
        node.serialize_field("meta", &Meta { label: self.label.as_ref() })?;
        node.end()
    }
}

/// Removes the attributes, and replaces the group, that clients of the first generation refuse to decode.
pub fn strip_for_old_clients(nodes: &mut [Node]) {
    for node in nodes {
        if node.group == Group::IdentifierFirst {
            node.group = Group::Default;
        }
        if let Attributes::Input(input) = &mut node.attributes {
            input.maxlength = None;
            input.options.clear();
            input.autocomplete = input.autocomplete.filter(|hint| *hint != Autocomplete::UsernameWebauthn);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::catalogue;
    use super::*;

    #[test]
    fn members_are_present_or_absent_as_clients_expect() {
        let field = Input::new("identifier", InputType::Text).value("").required().node(Group::Default);
        assert_eq!(
            json!(field),
            json!({"type": "input", "group": "default", "messages": [], "meta": {}, "attributes": {
                "name": "identifier", "type": "text", "value": "", "required": true, "disabled": false, "node_type": "input",
            }})
        );
        let button = Node::method(Group::Password, "password", catalogue::LOGIN_WITH_PASSWORD.message());
        assert_eq!(
            json!(button),
            json!({"type": "input", "group": "password", "messages": [],
                "meta": {"label": {"id": 1_010_022, "text": "Sign in with password", "type": "info"}},
                "attributes": {"name": "method", "type": "submit", "value": "password", "disabled": false, "node_type": "input"},
            })
        );
        let unchecked = Input::new("traits.news", InputType::Checkbox).value(false).node(Group::Default);
        assert_eq!(json!(unchecked)["attributes"]["value"], json!(false));
        let link =
            Attributes::A { id: "continue".into(), href: "/".into(), title: catalogue::LABEL_CONTINUE.message() };
        assert_eq!(json!(link)["node_type"], "a");
    }

    #[test]
    fn a_form_without_messages_has_no_such_member() {
        let form = Container { action: "/".into(), method: "POST", nodes: Vec::new(), messages: Vec::new() };
        assert_eq!(json!(form), json!({"action": "/", "method": "POST", "nodes": []}));
    }

    #[test]
    fn old_clients_never_see_attributes_they_do_not_know() {
        let mut input = Input::new("traits.size", InputType::Text);
        input.maxlength = Some(3);
        input.options = vec![Choice { value: json!("S") }];
        let mut nodes = [input.node(Group::Default)];
        assert_eq!(json!(nodes)[0]["attributes"]["options"], json!([{"value": "S"}]));
        strip_for_old_clients(&mut nodes);
        let attributes = json!(nodes)[0]["attributes"].clone();
        assert_eq!(attributes, json!({"name": "traits.size", "type": "text", "disabled": false, "node_type": "input"}));
    }
}
