//! What `ory.sh/kratos` on a trait may say.

use serde::Deserialize;

use crate::identity::Via;

/// The key of the extension in a schema.
pub(super) const KEY: &str = "ory.sh/kratos";

/// The extension of one trait. Unknown members are refused: a misspelt rule must not be ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Extension {
    pub(super) credentials: Credentials,
    pub(super) verification: Option<Channel>,
    pub(super) recovery: Option<Channel>,
    /// Kept for the contract; organisations are matched elsewhere.
    organizations: Option<Organizations>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Credentials {
    pub(super) password: Identifier,
    pub(super) webauthn: Identifier,
    pub(super) passkey: DisplayName,
    pub(super) totp: AccountName,
    pub(super) code: CodeIdentifier,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Identifier {
    pub(super) identifier: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DisplayName {
    pub(super) display_name: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AccountName {
    pub(super) account_name: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CodeIdentifier {
    pub(super) identifier: bool,
    pub(super) via: Option<Via>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Channel {
    pub(super) via: Via,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Organizations {
    matcher: Option<String>,
}

impl Extension {
    /// Whether the trait is something that a person signs in with.
    pub(super) const fn is_identifier(&self) -> bool {
        self.credentials.password.identifier || self.credentials.webauthn.identifier || self.credentials.code.identifier
    }
}
