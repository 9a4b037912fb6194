//! One-time codes as a credential: the addresses that they go to, which follow from the traits.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Credential;
use crate::identity::Via;

/// Where a code goes: one entry of `addresses` in the credential's data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CodeAddress {
    /// How it travels.
    #[serde(rename = "channel")]
    pub via: Via,
    /// Normalised address.
    #[serde(rename = "address")]
    pub value: String,
}

impl CodeAddress {
    /// An address.
    pub fn new(via: Via, value: impl Into<String>) -> Self {
        Self { via, value: value.into() }
    }
}

/// The data of a credential with these addresses.
#[must_use]
pub fn config(addresses: &[CodeAddress]) -> Value {
    json!({"addresses": addresses})
}

/// The addresses of a credential, phone numbers first, because that is the order in which they are offered.
#[must_use]
pub fn addresses(credential: &Credential) -> Vec<CodeAddress> {
    let listed = credential.config.get("addresses").cloned().unwrap_or_default();
    // What somebody imported in another shape is no address.
    let mut addresses: Vec<CodeAddress> = serde_json::from_value(listed).unwrap_or_default();
    addresses.sort_by(|a, b| b.via.cmp(&a.via).then_with(|| a.value.cmp(&b.value)));
    addresses
}
