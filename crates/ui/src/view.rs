//! A flow's nodes as a form: what is hidden, typed, pressed and followed, in the person's language.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::locale::{Catalogues, Language};

/// A message above the form.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Notice {
    kind: String,
    text: String,
}

/// A hidden value or a button.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Control {
    name: String,
    value: String,
    label: String,
    primary: bool,
    disabled: bool,
    #[serde(skip)]
    group: String,
}

/// Something to type into.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Field {
    id: String,
    name: String,
    kind: &'static str,
    input_type: String,
    value: Option<String>,
    label: String,
    autocomplete: Option<String>,
    pattern: Option<String>,
    maxlength: Option<u64>,
    /// What there is to choose from; empty where anything may be typed.
    options: Vec<String>,
    problems: Vec<String>,
    required: bool,
    disabled: bool,
    autofocus: bool,
    /// A one-time code: large figures, a number keyboard.
    code: bool,
    /// Neither capitals nor spelling help, as for identifiers.
    plain: bool,
    #[serde(skip)]
    group: String,
}

/// A link or a text to read.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Text {
    id: String,
    label: String,
    href: String,
    text: String,
}

/// A flow as a form.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Form {
    action: String,
    method: String,
    messages: Vec<Notice>,
    hidden: Vec<Control>,
    fields: Vec<Field>,
    buttons: Vec<Control>,
    links: Vec<Text>,
    texts: Vec<Text>,
}

/// The words of one language.
pub(crate) struct Words<'a> {
    pub(crate) catalogues: &'a Catalogues,
    pub(crate) language: Language,
}

impl Words<'_> {
    /// The text of a numbered message.
    pub(crate) fn message(&self, message: &Value) -> String {
        let text = message["text"].as_str().unwrap_or_default();
        let context = message["context"].as_object();
        message["id"]
            .as_u64()
            .map_or_else(|| text.to_owned(), |id| self.catalogues.message(self.language, id, text, context))
    }

    fn label(&self, node: &Value) -> String {
        let label = &node["meta"]["label"];
        if label.is_null() { String::new() } else { self.message(label) }
    }
}

impl Form {
    /// The form of a flow's `ui` container.
    pub(crate) fn new(ui: &Value, words: &Words<'_>) -> Self {
        Self::of(ui, words, |_| true)
    }

    /// The part of it that one group of nodes makes up, with what belongs to all of them.
    pub(crate) fn of_group(ui: &Value, words: &Words<'_>, group: &str) -> Self {
        Self::of(ui, words, |node| node["group"] == group || node["group"] == "default")
    }

    fn of(ui: &Value, words: &Words<'_>, shows: impl Fn(&Value) -> bool) -> Self {
        let mut form = Self {
            action: string(&ui["action"]),
            method: string(&ui["method"]),
            messages: notices(&ui["messages"], words),
            hidden: Vec::new(),
            fields: Vec::new(),
            buttons: Vec::new(),
            links: Vec::new(),
            texts: Vec::new(),
        };
        for node in ui["nodes"].as_array().into_iter().flatten().filter(|node| shows(node)) {
            form.add(node, words);
        }
        form.settle();
        form
    }

    fn add(&mut self, node: &Value, words: &Words<'_>) {
        let attributes = &node["attributes"];
        let label = words.label(node);
        match node["type"].as_str().unwrap_or_default() {
            "input" => match attributes["type"].as_str().unwrap_or_default() {
                "hidden" => self.hidden.push(control(node, label)),
                "submit" | "button" => self.buttons.push(control(node, label)),
                _ => self.fields.push(field(node, label, words)),
            },
            "a" => self.links.push(Text {
                id: string(&attributes["id"]),
                href: string(&attributes["href"]),
                label: if label.is_empty() { words.message(&attributes["title"]) } else { label },
                text: String::new(),
            }),
            "text" => self.texts.push(Text {
                id: string(&attributes["id"]),
                label,
                href: String::new(),
                text: words.message(&attributes["text"]),
            }),
            // Images and scripts belong to methods whose pages do not exist yet.
            _ => {}
        }
    }

    /// The button that Enter presses comes first, and the first field in need of attention has the focus.
    ///
    /// Of several methods, Enter means the one that has something to type in: whoever filled in the password does not
    /// want a code. Only that button insists on the fields; the others must work while the password is empty.
    fn settle(&mut self) {
        let typed = |button: &Control| self.fields.iter().any(|field| field.group == button.group);
        let methods = || self.buttons.iter().enumerate().filter(|(_, button)| button.name == "method");
        let own = methods().find(|(_, button)| button.group != "default" && typed(button));
        let primary = own.or_else(|| methods().next()).map(|(index, _)| index);
        if let Some(primary) = primary {
            let mut button = self.buttons.remove(primary);
            button.primary = true;
            self.buttons.insert(0, button);
        }
        let wrong = self.fields.iter().position(|field| !field.problems.is_empty());
        let empty = self.fields.iter().position(|field| field.value.as_deref().unwrap_or_default().is_empty());
        if let Some(field) = wrong.or(empty).and_then(|index| self.fields.get_mut(index)) {
            field.autofocus = true;
        }
    }
}

/// The groups of a flow's nodes, in the order of the form; what belongs to all is none.
pub(crate) fn groups(ui: &Value) -> Vec<&str> {
    let mut groups = Vec::new();
    for group in ui["nodes"].as_array().into_iter().flatten().filter_map(|node| node["group"].as_str()) {
        if group != "default" && !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

fn notices(messages: &Value, words: &Words<'_>) -> Vec<Notice> {
    let kind = |message: &Value| match message["type"].as_str() {
        Some("error") => "error",
        Some("success") => "success",
        _ => "info",
    };
    let messages = messages.as_array().into_iter().flatten();
    messages.map(|message| Notice { kind: kind(message).to_owned(), text: words.message(message) }).collect()
}

fn control(node: &Value, label: String) -> Control {
    let attributes = &node["attributes"];
    Control {
        name: string(&attributes["name"]),
        value: string(&attributes["value"]),
        label,
        primary: false,
        disabled: attributes["disabled"] == true,
        group: string(&node["group"]),
    }
}

fn field(node: &Value, label: String, words: &Words<'_>) -> Field {
    let attributes = &node["attributes"];
    let name = string(&attributes["name"]);
    let input_type = string(&attributes["type"]);
    let options: Vec<_> =
        attributes["options"].as_array().into_iter().flatten().map(|option| string(&option["value"])).collect();
    let autocomplete = attributes["autocomplete"].as_str().map(str::to_owned).or_else(|| {
        // Login identifiers carry no hint in the contract, but a password manager wants one.
        (name == "identifier").then(|| "username".to_owned())
    });
    Field {
        id: name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect(),
        kind: match input_type.as_str() {
            "checkbox" => "checkbox",
            _ if options.is_empty() => "input",
            _ => "select",
        },
        value: Some(&attributes["value"]).filter(|value| !value.is_null()).map(string),
        label: if label.is_empty() { name.clone() } else { label },
        pattern: attributes["pattern"].as_str().map(str::to_owned),
        maxlength: attributes["maxlength"].as_u64(),
        options,
        problems: notices(&node["messages"], words).into_iter().map(|notice| notice.text).collect(),
        required: attributes["required"] == true,
        disabled: attributes["disabled"] == true,
        autofocus: false,
        code: name == "code",
        plain: matches!(name.as_str(), "identifier" | "code") || matches!(input_type.as_str(), "email" | "password"),
        autocomplete: autocomplete.or_else(|| (name == "code").then(|| "one-time-code".to_owned())),
        group: string(&node["group"]),
        name,
        input_type,
    }
}

/// A JSON scalar as form text.
fn string(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// A readable name from traits: the name if there is one, else the first address.
pub(crate) fn display_name(traits: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(name) => {
            let parts: Vec<_> = ["first", "last"].iter().filter_map(|key| name.get(*key)?.as_str()).collect();
            (!parts.is_empty()).then(|| parts.join(" "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    };
    ["name", "username", "email", "phone"]
        .iter()
        .find_map(|key| traits.get(*key).and_then(text).filter(|text| !text.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form(ui: &Value) -> Form {
        Form::new(ui, &Words { catalogues: &Catalogues::default(), language: Language::FALLBACK })
    }

    #[test]
    fn the_main_button_comes_first_and_the_first_problem_has_the_focus() {
        let input = |name: &str, kind: &str, problem: bool| {
            let messages =
                if problem { json!([{"id": 4000002, "text": "Needed.", "type": "error"}]) } else { json!([]) };
            json!({"type": "input", "group": "code", "messages": messages, "meta": {},
                "attributes": {"name": name, "type": kind, "disabled": false, "node_type": "input", "value": "v"}})
        };
        let form = form(&json!({"action": "/x", "method": "POST", "nodes": [
            input("csrf_token", "hidden", false), input("traits.email", "email", false),
            input("code", "text", true), input("email", "submit", false), input("method", "submit", false)]}));
        assert_eq!(form.hidden.len(), 1);
        assert_eq!(form.fields[0].id, "traits-email");
        assert!(form.fields[1].autofocus && form.fields[1].code && !form.fields[0].autofocus);
        assert_eq!((form.buttons[0].name.as_str(), form.buttons[0].primary), ("method", true));
        assert!(!form.buttons[1].primary);
    }

    #[test]
    fn of_several_methods_enter_means_the_one_that_was_typed_in() {
        let node = |group: &str, name: &str, kind: &str, value: &str| {
            json!({"type": "input", "group": group, "messages": [], "meta": {},
                "attributes": {"name": name, "type": kind, "node_type": "input", "value": value}})
        };
        let form = form(&json!({"action": "/x", "method": "POST", "nodes": [
            node("default", "identifier", "text", ""), node("code", "method", "submit", "code"),
            node("password", "password", "password", ""), node("password", "method", "submit", "password")]}));
        let buttons: Vec<_> = form.buttons.iter().map(|button| (button.value.as_str(), button.primary)).collect();
        assert_eq!(buttons, [("password", true), ("code", false)]);
    }

    #[test]
    fn a_choice_is_chosen_and_not_typed() {
        let node = json!({"type": "input", "group": "profile", "messages": [], "meta": {}, "attributes": {
            "name": "traits.size", "type": "text", "value": "M", "maxlength": 2,
            "options": [{"value": "S"}, {"value": "M"}, {"value": 44}]}});
        let form = form(&json!({"nodes": [node]}));
        let size = &form.fields[0];
        assert_eq!((size.kind, size.options.join(" "), size.maxlength), ("select", "S M 44".to_owned(), Some(2)));
    }

    #[test]
    fn anything_may_be_missing_or_of_another_type() {
        for ui in [json!(null), json!([]), json!({"nodes": [null, {}, {"type": "input"}, {"type": 3}]})] {
            let _ = form(&ui);
        }
    }

    #[test]
    fn names_come_from_common_traits() {
        let name = |traits: Value| display_name(traits.as_object().expect("object"));
        assert_eq!(name(json!({"name": {"first": "Ada", "last": "L"}, "email": "a@b"})), Some("Ada L".into()));
        assert_eq!(name(json!({"name": " ", "email": "a@b"})), Some("a@b".into()));
        assert_eq!(name(json!({"age": 3})), None);
    }
}
