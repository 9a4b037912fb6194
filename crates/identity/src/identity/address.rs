//! Addresses that an administrator supplies: what is already known about addresses that the traits produce.

use orrery_core::Timestamp;
use orrery_core::id::AddressId;
use serde::Deserialize;

use super::{AddressStatus, Identity, Via};
use crate::schema::normalize::normalize;

/// A verifiable address as supplied. Only what it says about proof counts; the rest follows from the traits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuppliedAddress {
    value: String,
    via: Via,
    #[serde(default)]
    verified: bool,
    #[serde(default)]
    status: Option<AddressStatus>,
    #[serde(default)]
    verified_at: Option<Timestamp>,
    #[serde(default)]
    id: Option<AddressId>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default, rename = "updated_at")]
    _updated_at: Option<Timestamp>,
}

/// A recovery address as supplied. Which there are follows from the traits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuppliedRecoveryAddress {
    value: String,
    via: Via,
    #[serde(default)]
    id: Option<AddressId>,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default, rename = "updated_at")]
    _updated_at: Option<Timestamp>,
}

impl Identity {
    /// Takes over what is known about addresses that the traits produce; others are dropped. A proven address is
    /// always complete, whatever status came with it, and an address that is not proven never is.
    pub(super) fn take_over(&mut self, supplied: &[SuppliedAddress], now: Timestamp) {
        for address in &mut self.verifiable_addresses {
            let same = |known: &&SuppliedAddress| known.via == address.via && normalize(&known.value) == address.value;
            let Some(known) = supplied.iter().find(same) else { continue };
            address.id = known.id.unwrap_or(address.id);
            address.created_at = known.created_at.unwrap_or(address.created_at).min(now);
            let status = match (known.verified, known.status) {
                (true, _) => AddressStatus::Completed,
                (false, Some(AddressStatus::Sent)) => AddressStatus::Sent,
                (false, Some(AddressStatus::Pending | AddressStatus::Completed) | None) => AddressStatus::Pending,
            };
            let verified_at = known.verified.then(|| known.verified_at.or(address.verified_at).unwrap_or(now));
            if (address.verified, address.status, address.verified_at) != (known.verified, status, verified_at) {
                address.verified = known.verified;
                address.status = status;
                address.verified_at = verified_at;
                address.updated_at = now;
            }
        }
    }

    /// Takes over the ids and ages of recovery addresses that the traits produce; others are dropped.
    pub(super) fn take_over_recovery(&mut self, supplied: &[SuppliedRecoveryAddress]) {
        for address in &mut self.recovery_addresses {
            let same =
                |known: &&SuppliedRecoveryAddress| known.via == address.via && normalize(&known.value) == address.value;
            let Some(known) = supplied.iter().find(same) else { continue };
            address.id = known.id.unwrap_or(address.id);
            address.created_at = known.created_at.unwrap_or(address.created_at).min(address.updated_at);
        }
    }
}
