//! Creating identities as an administrator, one or many.

use futures_util::{StreamExt as _, stream};
use orrery_core::RequestContext;
use orrery_core::id::OrganizationId;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::address::{SuppliedAddress, SuppliedRecoveryAddress};
use super::change::{ChangeError, external_id};
use super::{Identity, IdentityState};
use crate::IdentityService;
use crate::credentials::import::ImportedCredentials;

/// Items of a batch that are worked on at the same time.
const CONCURRENT: usize = 4;

/// An identity to be created: the body of `createIdentity`. Unknown members are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewIdentity {
    /// The schema; the default one when absent or empty.
    pub schema_id: Option<String>,
    /// What the schema describes.
    pub traits: Map<String, Value>,
    /// Active unless given.
    pub state: Option<IdentityState>,
    /// The operator's own key.
    pub external_id: Option<String>,
    /// Readable by the identity itself.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only.
    pub metadata_admin: Option<Value>,
    /// The organisation it belongs to.
    pub organization_id: Option<OrganizationId>,
    /// Credentials to bring along.
    pub credentials: Option<ImportedCredentials>,
    /// What is already known about addresses that the traits produce.
    pub verifiable_addresses: Option<Vec<SuppliedAddress>>,
    /// Accepted for the contract.
    pub recovery_addresses: Option<Vec<SuppliedRecoveryAddress>>,
}

impl NewIdentity {
    /// Whether a password in clear has to be hashed.
    #[must_use]
    pub fn has_clear_password(&self) -> bool {
        self.credentials.as_ref().is_some_and(ImportedCredentials::has_clear_password)
    }
}

/// Creates an identity. No mail is sent and the password policy does not apply.
///
/// # Errors
/// See [`ChangeError`]; a taken identifier, address or `external_id` is a conflict.
pub async fn create(
    service: &IdentityService,
    context: &RequestContext,
    new: NewIdentity,
) -> Result<Identity, ChangeError> {
    let identity = draft(service, context, new).await?;
    service.identities.identity_create(context.project, &identity).await?;
    Ok(identity)
}

/// Creates many identities, a few at a time; one that cannot be created does not stop the others. The answers are in
/// the order of the items.
pub async fn create_many(
    service: &IdentityService,
    context: &RequestContext,
    items: Vec<NewIdentity>,
) -> Vec<Result<Identity, ChangeError>> {
    stream::iter(items).map(|new| create(service, context, new)).buffered(CONCURRENT).collect().await
}

async fn draft(service: &IdentityService, context: &RequestContext, new: NewIdentity) -> Result<Identity, ChangeError> {
    let (now, entropy) = (context.now, &*service.entropy);
    let schema_id = new.schema_id.filter(|id| !id.is_empty());
    let schema_id = schema_id.unwrap_or_else(|| service.config.load().default_schema_id.clone());
    let schemas = service.schemas.load();
    let schema = schemas.get(&schema_id).ok_or(ChangeError::UnknownSchema(schema_id))?;
    let mut identity = Identity::new(schema.id(), now, entropy);
    identity.set_traits(schema, new.traits, now, entropy).map_err(ChangeError::Traits)?;
    identity.take_over(&new.verifiable_addresses.unwrap_or_default(), now);
    identity.state = new.state.unwrap_or(IdentityState::Active);
    identity.external_id = external_id(new.external_id)?;
    identity.metadata_public = new.metadata_public;
    identity.metadata_admin = new.metadata_admin;
    identity.organization_id = new.organization_id;
    if let Some(credentials) = new.credentials {
        credentials.apply(service, &mut identity, now).await?;
    }
    Ok(identity)
}
