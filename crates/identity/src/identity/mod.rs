//! The identity: one person or machine that can sign in.

use std::collections::{BTreeMap, BTreeSet};

use orrery_core::Timestamp;
use orrery_core::id::{AddressId, IdentityId, OrganizationId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::credentials::{Credential, CredentialKind};
use crate::session::Factor;

mod address;
mod change;
pub mod create;
pub mod json;
pub mod patch;
pub mod remove_credential;
mod traits;
pub mod update;

pub use address::{SuppliedAddress, SuppliedRecoveryAddress};
pub use change::{ChangeError, every_credential};

/// Whether an identity may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentityState {
    /// May sign in.
    Active,
    /// May not sign in; its sessions are not active while this lasts.
    Inactive,
}

/// How an address is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// By mail.
    Email,
    /// By text message.
    Sms,
}

/// How far the proof of an address has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AddressStatus {
    /// Nothing was sent yet.
    Pending,
    /// A code or link was sent.
    Sent,
    /// The owner proved the address.
    Completed,
}

/// An address that its owner can prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiableAddress {
    /// Stable while the value and channel stay the same.
    pub id: AddressId,
    /// Normalised address.
    pub value: String,
    /// How it is reached.
    pub via: Via,
    /// Whether it is proven.
    pub verified: bool,
    /// How far the proof has come.
    pub status: AddressStatus,
    /// When it was proven.
    pub verified_at: Option<Timestamp>,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An address through which an account can be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryAddress {
    /// Stable while the value and channel stay the same.
    pub id: AddressId,
    /// Normalised address.
    pub value: String,
    /// How it is reached.
    pub via: Via,
    /// When it was first seen.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One person or machine that can sign in. Traits are the source of truth: identifiers and addresses are derived from
/// them by the schema's extension.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// Chosen by the server, never changes.
    pub id: IdentityId,
    /// The operator's own key for this identity, unique in the project.
    pub external_id: Option<String>,
    /// The schema that its traits were validated with.
    pub schema_id: String,
    /// Whether it may sign in.
    pub state: IdentityState,
    /// When `state` last changed.
    pub state_changed_at: Timestamp,
    /// What the schema describes, with identifiers normalised.
    pub traits: Map<String, Value>,
    /// Readable by the identity itself.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only.
    pub metadata_admin: Option<Value>,
    /// The organisation that the identity belongs to.
    pub organization_id: Option<OrganizationId>,
    /// What it can prove itself with, kept up to date on every credential change. See `Config::available_aal`.
    pub factors: BTreeSet<Factor>,
    /// Credentials by kind. Empty unless the lookup asked for them; never in answers to the identity itself.
    pub credentials: BTreeMap<CredentialKind, Credential>,
    /// Addresses that can be proven.
    pub verifiable_addresses: Vec<VerifiableAddress>,
    /// Addresses for recovery.
    pub recovery_addresses: Vec<RecoveryAddress>,
    /// Counts every stored change; an update names the version that it was computed from.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Identity {
    /// Whether it may sign in.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == IdentityState::Active
    }

    /// Notes that a message is on its way to this address, unless it is proven already.
    pub fn sent_to(&mut self, value: &str, now: Timestamp) {
        let addresses = self.verifiable_addresses.iter_mut();
        for address in addresses.filter(|address| address.value == value && !address.verified) {
            address.status = AddressStatus::Sent;
            address.updated_at = now;
        }
    }

    /// Takes an address for proven. False when the identity does not have it.
    pub fn prove(&mut self, via: Via, value: &str, now: Timestamp) -> bool {
        let mut addresses = self.verifiable_addresses.iter_mut();
        let Some(address) = addresses.find(|address| address.via == via && address.value == value) else {
            return false;
        };
        address.verified = true;
        address.status = AddressStatus::Completed;
        address.verified_at = Some(now);
        address.updated_at = now;
        true
    }

    /// Takes an address for not proven.
    pub fn disprove(&mut self, via: Via, value: &str, now: Timestamp) {
        let mut addresses = self.verifiable_addresses.iter_mut();
        if let Some(address) = addresses.find(|address| address.via == via && address.value == value) {
            address.verified = false;
            address.verified_at = None;
            address.status = AddressStatus::Pending;
            address.updated_at = now;
        }
    }
}
