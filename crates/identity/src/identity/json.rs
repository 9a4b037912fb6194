//! How an identity looks on the wire.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_core::Timestamp;
use orrery_core::id::{AddressId, IdentityId, OrganizationId};
use serde::Serialize;
use serde_json::{Map, Value};
use url::Url;

use super::{AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, Via};

/// An identity without its credentials: what the person sees, and with `metadata_admin` what an administrator sees
/// beside a session.
#[derive(Debug, Serialize)]
pub struct IdentityJson<'a> {
    id: IdentityId,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'a str>,
    schema_id: &'a str,
    schema_url: String,
    state: IdentityState,
    state_changed_at: Timestamp,
    traits: &'a Map<String, Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verifiable_addresses: Vec<VerifiableAddressJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_addresses: Vec<RecoveryAddressJson<'a>>,
    /// Absent rather than null: the first generation's decoders refuse null, and to all others both are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_public: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata_admin: Option<&'a Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    organization_id: Option<OrganizationId>,
}

#[derive(Debug, Serialize)]
struct VerifiableAddressJson<'a> {
    id: AddressId,
    value: &'a str,
    verified: bool,
    via: Via,
    status: AddressStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<Timestamp>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(Debug, Serialize)]
struct RecoveryAddressJson<'a> {
    id: AddressId,
    value: &'a str,
    via: Via,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl<'a> IdentityJson<'a> {
    /// What the identity itself and the front ends acting for it may see.
    #[must_use]
    pub fn public(identity: &'a Identity, public_url: &Url) -> Self {
        Self {
            id: identity.id,
            external_id: identity.external_id.as_deref(),
            schema_id: &identity.schema_id,
            schema_url: schema_url(&identity.schema_id, public_url),
            state: identity.state,
            state_changed_at: identity.state_changed_at,
            traits: &identity.traits,
            verifiable_addresses: identity.verifiable_addresses.iter().map(VerifiableAddressJson::from).collect(),
            recovery_addresses: identity.recovery_addresses.iter().map(RecoveryAddressJson::from).collect(),
            metadata_public: identity.metadata_public.as_ref(),
            metadata_admin: None,
            created_at: identity.created_at,
            updated_at: identity.updated_at,
            organization_id: identity.organization_id,
        }
    }

    /// What an administrator sees.
    #[must_use]
    pub fn admin(identity: &'a Identity, public_url: &Url) -> Self {
        Self { metadata_admin: identity.metadata_admin.as_ref(), ..Self::public(identity, public_url) }
    }
}

/// Where a schema can be read: its id in base64url, because an id may hold any character.
#[must_use]
pub fn schema_url(schema_id: &str, public_url: &Url) -> String {
    format!("{}/schemas/{}", public_url.as_str().trim_end_matches('/'), URL_SAFE_NO_PAD.encode(schema_id))
}

impl<'a> From<&'a VerifiableAddress> for VerifiableAddressJson<'a> {
    fn from(address: &'a VerifiableAddress) -> Self {
        Self {
            id: address.id,
            value: &address.value,
            verified: address.verified,
            via: address.via,
            status: address.status,
            verified_at: address.verified_at,
            created_at: address.created_at,
            updated_at: address.updated_at,
        }
    }
}

impl<'a> From<&'a RecoveryAddress> for RecoveryAddressJson<'a> {
    fn from(address: &'a RecoveryAddress) -> Self {
        Self {
            id: address.id,
            value: &address.value,
            via: address.via,
            created_at: address.created_at,
            updated_at: address.updated_at,
        }
    }
}
