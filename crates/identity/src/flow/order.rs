//! The order of nodes, which pages rely on when they simply print them one after another.

use std::collections::HashMap;

use super::node::{Group, Node};

/// The groups of a login form, first to last.
pub const LOGIN_GROUPS: &[Group] = &[
    Group::Oidc,
    Group::Default,
    Group::Webauthn,
    Group::Passkey,
    Group::Code,
    Group::Password,
    Group::Totp,
    Group::LookupSecret,
];

/// The groups of a registration form, first to last.
pub const REGISTRATION_GROUPS: &[Group] =
    &[Group::Oidc, Group::Default, Group::Webauthn, Group::Passkey, Group::Code, Group::Password, Group::Profile];

/// The groups of a settings form, first to last.
pub const SETTINGS_GROUPS: &[Group] = &[
    Group::Default,
    Group::Profile,
    Group::Password,
    Group::Oidc,
    Group::LookupSecret,
    Group::Webauthn,
    Group::Passkey,
    Group::Totp,
];

/// What follows the traits within the groups of a settings form.
pub const SETTINGS_KEYS: &[&str] = &[
    "lookup_secret_reveal",
    "lookup_secret_regenerate",
    "lookup_secret_codes",
    "lookup_secret_confirm",
    "webauthn_remove",
    "webauthn_register_displayname",
    "webauthn_register",
    "passkey_remove",
    "passkey_register",
    "totp_qr",
    "totp_secret_key",
    "totp_unlink",
    "totp_code",
];

/// Sorts by group, then by the first of `keys` that the name begins with. Whatever is not listed keeps its order, after
/// what is (keys) or before it (groups). A node named `method` closes its group; nodes of the same name go by value.
///
/// `default` and `password` are one group when nothing stands between them, so that a plain form reads sign-in name,
/// password, further fields, button.
pub fn sort(nodes: &mut [Node], groups: &[Group], keys: &[&str]) {
    let position = |group: Group| groups.iter().position(|listed| *listed == group);
    let merged = merged_groups(nodes, groups);
    let mut first_seen = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        first_seen.entry(node.name().to_owned()).or_insert(index);
    }
    nodes.sort_by_cached_key(|node| {
        let group = match (merged, node.group) {
            (true, Group::Password) => Group::Default,
            (_, group) => group,
        };
        let name = node.name();
        let key = keys.iter().position(|key| name.starts_with(key)).unwrap_or(keys.len());
        let value = node.input().and_then(|input| input.value.as_ref()).map(ToString::to_string);
        (position(group).map_or(0, |index| index + 1), name == "method", key, first_seen.get(name).copied(), value)
    });
}

/// Whether no node belongs to a group between `default` and `password`.
fn merged_groups(nodes: &[Node], groups: &[Group]) -> bool {
    let between = groups
        .iter()
        .skip_while(|group| **group != Group::Default)
        .skip(1)
        .take_while(|group| **group != Group::Password);
    !between.into_iter().any(|group| nodes.iter().any(|node| node.group == *group))
}

#[cfg(test)]
mod tests {
    use super::super::node::{Input, InputType};
    use super::*;

    fn text(group: Group, name: &str) -> Node {
        Input::new(name, InputType::Text).node(group)
    }

    fn button(group: Group, name: &str, value: &str) -> Node {
        Input::submit(name, value).node(group)
    }

    fn names(nodes: &[Node]) -> Vec<String> {
        nodes
            .iter()
            .map(|node| match node.input().and_then(|input| input.value.as_ref()?.as_str()) {
                Some(value) => format!("{}={value}", node.name()),
                None => node.name().to_owned(),
            })
            .collect()
    }

    const KEYS: &[&str] = &["csrf_token", "traits.email", "password", "traits.name"];

    #[test]
    fn a_plain_form_puts_the_password_after_the_first_trait() {
        let mut nodes = [
            button(Group::Password, "method", "password"),
            text(Group::Password, "password"),
            text(Group::Default, "traits.name.first"),
            text(Group::Default, "traits.email"),
            text(Group::Default, "csrf_token"),
        ];
        sort(&mut nodes, REGISTRATION_GROUPS, KEYS);
        assert_eq!(names(&nodes), ["csrf_token", "traits.email", "password", "traits.name.first", "method=password"]);
    }

    #[test]
    fn other_methods_stand_between_the_traits_and_the_password() {
        let mut nodes = [
            button(Group::Profile, "screen", "previous"),
            text(Group::Password, "password"),
            button(Group::Password, "method", "password"),
            button(Group::Code, "method", "code"),
            text(Group::Default, "traits.name"),
            text(Group::Default, "traits.email"),
            text(Group::Default, "csrf_token"),
            button(Group::Oidc, "provider", "google"),
            button(Group::Oidc, "provider", "github"),
        ];
        sort(&mut nodes, REGISTRATION_GROUPS, KEYS);
        assert_eq!(
            names(&nodes),
            [
                "provider=github",
                "provider=google",
                "csrf_token",
                "traits.email",
                "traits.name",
                "method=code",
                "password",
                "method=password",
                "screen=previous",
            ]
        );
    }

    #[test]
    fn what_is_not_listed_keeps_its_order() {
        let mut nodes = [
            text(Group::Default, "b"),
            text(Group::Default, "a"),
            text(Group::IdentifierFirst, "z"),
            text(Group::Default, "csrf_token"),
        ];
        sort(&mut nodes, LOGIN_GROUPS, KEYS);
        assert_eq!(names(&nodes), ["z", "csrf_token", "b", "a"]);
    }
}
