//! Identities, credentials and the two tables that find them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::id::{AddressId, CredentialId, IdentityId, OrganizationId};
use orrery_core::{ProjectId, Timestamp};
use orrery_identity::config::CodeSignIn;
use orrery_identity::credentials::{Credential, CredentialKind};
use orrery_identity::identity::{AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, Via};
use orrery_identity::session::{Aal, Factor, factor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::columns::{At, Document, Uid, Word};
use crate::schema::{credential_identifiers, identities, identity_addresses, identity_credentials};

/// The whole identity but its credentials.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = identities, primary_key(project_id, id))]
#[diesel(treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct IdentityRow {
    pub(crate) project_id: Uid<ProjectId>,
    pub(crate) id: Uid<IdentityId>,
    external_id: Option<String>,
    schema_id: String,
    state: Word<IdentityState>,
    state_changed_at: At,
    traits: Document<Map<String, Value>>,
    metadata_public: Option<Document<Value>>,
    metadata_admin: Option<Document<Value>>,
    organization_id: Option<Uid<OrganizationId>>,
    available_aal: Word<Aal>,
    available_aal_mfa: Option<Word<Aal>>,
    verifiable_addresses: Document<Vec<VerifiableAddressDocument>>,
    recovery_addresses: Document<Vec<RecoveryAddressDocument>>,
    version: i64,
    created_at: At,
    updated_at: At,
    factors: Option<Document<BTreeSet<Factor>>>,
}

impl IdentityRow {
    /// The identity as it is to be stored under the given version.
    pub(crate) fn new(project: ProjectId, identity: &Identity, version: i64) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(identity.id),
            external_id: identity.external_id.clone(),
            schema_id: identity.schema_id.clone(),
            state: Word(identity.state),
            state_changed_at: At(identity.state_changed_at),
            traits: Document(identity.traits.clone()),
            metadata_public: identity.metadata_public.clone().map(Document),
            metadata_admin: identity.metadata_admin.clone().map(Document),
            organization_id: identity.organization_id.map(Uid),
            // For releases that do not know factors yet.
            available_aal: Word(factor::highest(&identity.factors, CodeSignIn::FirstFactor)),
            available_aal_mfa: Some(Word(factor::highest(&identity.factors, CodeSignIn::SecondFactor))),
            verifiable_addresses: Document(identity.verifiable_addresses.iter().cloned().map(Into::into).collect()),
            recovery_addresses: Document(identity.recovery_addresses.iter().cloned().map(Into::into).collect()),
            version,
            created_at: At(identity.created_at),
            updated_at: At(identity.updated_at),
            factors: Some(Document(identity.factors.clone())),
        }
    }

    /// What the identity can prove itself with; as far as the levels tell, where a release wrote them that does not know factors.
    fn factors(&self) -> BTreeSet<Factor> {
        if let Some(Document(factors)) = &self.factors {
            return factors.clone();
        }
        let first = (self.available_aal.0 > Aal::Aal0).then_some(Factor::First);
        let code = (self.available_aal_mfa == Some(Word(Aal::Aal2))).then_some(Factor::Code);
        first.into_iter().chain(code).collect()
    }

    /// The identity with these credentials.
    pub(crate) fn into_identity(self, credentials: impl IntoIterator<Item = CredentialRow>) -> Identity {
        let factors = self.factors();
        let credentials: BTreeMap<_, _> =
            credentials.into_iter().map(|row| (row.kind.0, row.into_credential())).collect();
        Identity {
            id: self.id.0,
            external_id: self.external_id,
            schema_id: self.schema_id,
            state: self.state.0,
            state_changed_at: self.state_changed_at.0,
            traits: self.traits.0,
            metadata_public: self.metadata_public.map(|document| document.0),
            metadata_admin: self.metadata_admin.map(|document| document.0),
            organization_id: self.organization_id.map(|id| id.0),
            factors,
            credentials,
            verifiable_addresses: self.verifiable_addresses.0.into_iter().map(Into::into).collect(),
            recovery_addresses: self.recovery_addresses.0.into_iter().map(Into::into).collect(),
            version: self.version,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        }
    }
}

/// One element of `identities.verifiable_addresses`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VerifiableAddressDocument {
    id: AddressId,
    pub(crate) value: String,
    pub(crate) via: Via,
    pub(crate) verified: bool,
    pub(crate) status: AddressStatus,
    pub(crate) verified_at: Option<Timestamp>,
    created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl From<VerifiableAddress> for VerifiableAddressDocument {
    fn from(address: VerifiableAddress) -> Self {
        let VerifiableAddress { id, value, via, verified, status, verified_at, created_at, updated_at } = address;
        Self { id, value, via, verified, status, verified_at, created_at, updated_at }
    }
}

impl From<VerifiableAddressDocument> for VerifiableAddress {
    fn from(address: VerifiableAddressDocument) -> Self {
        let VerifiableAddressDocument { id, value, via, verified, status, verified_at, created_at, updated_at } =
            address;
        Self { id, value, via, verified, status, verified_at, created_at, updated_at }
    }
}

/// One element of `identities.recovery_addresses`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecoveryAddressDocument {
    id: AddressId,
    value: String,
    via: Via,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<RecoveryAddress> for RecoveryAddressDocument {
    fn from(address: RecoveryAddress) -> Self {
        let RecoveryAddress { id, value, via, created_at, updated_at } = address;
        Self { id, value, via, created_at, updated_at }
    }
}

impl From<RecoveryAddressDocument> for RecoveryAddress {
    fn from(address: RecoveryAddressDocument) -> Self {
        let RecoveryAddressDocument { id, value, via, created_at, updated_at } = address;
        Self { id, value, via, created_at, updated_at }
    }
}

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AddressPurpose {
    Verifiable,
    Recovery,
}

/// Finds an identity by address.
#[derive(Insertable)]
#[diesel(table_name = identity_addresses, treat_none_as_default_value = false)]
pub(crate) struct AddressRow {
    project_id: Uid<ProjectId>,
    purpose: Word<AddressPurpose>,
    via: Word<Via>,
    value: String,
    identity_id: Uid<IdentityId>,
}

impl AddressRow {
    /// One row per distinct address of the identity, by purpose.
    pub(crate) fn of(project: ProjectId, identity: &Identity, purpose: AddressPurpose) -> Vec<Self> {
        let mut addresses: Vec<_> = match purpose {
            AddressPurpose::Verifiable => identity.verifiable_addresses.iter().map(|a| (a.via, &a.value)).collect(),
            AddressPurpose::Recovery => identity.recovery_addresses.iter().map(|a| (a.via, &a.value)).collect(),
        };
        addresses.sort_unstable();
        addresses.dedup();
        let rows = addresses.into_iter().map(|(via, value)| Self {
            project_id: Uid(project),
            purpose: Word(purpose),
            via: Word(via),
            value: value.clone(),
            identity_id: Uid(identity.id),
        });
        rows.collect()
    }
}

/// One credential.
#[derive(Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = identity_credentials, treat_none_as_default_value = false)]
pub(crate) struct CredentialRow {
    project_id: Uid<ProjectId>,
    pub(crate) identity_id: Uid<IdentityId>,
    kind: Word<CredentialKind>,
    id: Uid<CredentialId>,
    identifiers: Document<Vec<String>>,
    config: Document<Value>,
    version: i32,
    created_at: At,
    updated_at: At,
}

impl CredentialRow {
    /// One row per credential of the identity.
    pub(crate) fn of(project: ProjectId, identity: &Identity) -> Vec<Self> {
        let rows = identity.credentials.values().map(|credential| Self {
            project_id: Uid(project),
            identity_id: Uid(identity.id),
            kind: Word(credential.kind),
            id: Uid(credential.id),
            identifiers: Document(credential.identifiers.clone()),
            config: Document(credential.config.clone()),
            version: credential.version,
            created_at: At(credential.created_at),
            updated_at: At(credential.updated_at),
        });
        rows.collect()
    }

    pub(crate) fn into_credential(self) -> Credential {
        Credential {
            id: self.id.0,
            kind: self.kind.0,
            identifiers: self.identifiers.0,
            config: self.config.0,
            version: self.version,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
        }
    }
}

/// Finds a credential by identifier.
#[derive(Insertable)]
#[diesel(table_name = credential_identifiers, treat_none_as_default_value = false)]
pub(crate) struct IdentifierRow {
    project_id: Uid<ProjectId>,
    kind: Word<CredentialKind>,
    identifier: String,
    identity_id: Uid<IdentityId>,
}

impl IdentifierRow {
    /// One row per distinct identifier of the identity and kind.
    pub(crate) fn of(project: ProjectId, identity: &Identity) -> Vec<Self> {
        let mut identifiers: Vec<_> = identity
            .credentials
            .values()
            .flat_map(|credential| credential.identifiers.iter().map(|identifier| (credential.kind, identifier)))
            .collect();
        identifiers.sort_unstable();
        identifiers.dedup();
        let rows = identifiers.into_iter().map(|(kind, identifier)| Self {
            project_id: Uid(project),
            kind: Word(kind),
            identifier: identifier.clone(),
            identity_id: Uid(identity.id),
        });
        rows.collect()
    }
}
