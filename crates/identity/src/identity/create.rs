//! Creating identities as an administrator, one or many.

use futures_util::{StreamExt as _, stream};
use orrery_core::id::{IdentityId, OrganizationId};
use orrery_core::{RequestContext, StoreError, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::address::{SuppliedAddress, SuppliedRecoveryAddress};
use super::change::{ChangeError, external_id};
use super::{Identity, IdentityState};
use crate::IdentityService;
use crate::credentials::import::ImportedCredentials;

/// Items of a batch whose passwords are hashed at the same time.
const CONCURRENT: usize = 4;
/// Identities that are stored in one transaction, so that a large batch lets other writers in between.
const STORED_TOGETHER: usize = 250;

/// An identity to be created: the body of `createIdentity`. Unknown members are refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NewIdentity {
    /// The id that it had elsewhere, so that whatever refers to it stays true; a new one when absent.
    pub id: Option<IdentityId>,
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
    /// The same for recovery.
    pub recovery_addresses: Option<Vec<SuppliedRecoveryAddress>>,
    /// When it was created elsewhere; now when absent.
    pub created_at: Option<Timestamp>,
    /// When it last changed elsewhere.
    pub updated_at: Option<Timestamp>,
    /// When its state last changed elsewhere.
    pub state_changed_at: Option<Timestamp>,
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

/// Creates many identities; one that cannot be created does not stop the others. The answers are in the order of the
/// items.
///
/// # Errors
/// When storage fails; some of the items may then be stored, and sending them again says which.
pub async fn create_many(
    service: &IdentityService,
    context: &RequestContext,
    items: Vec<NewIdentity>,
) -> Result<Vec<Result<Identity, ChangeError>>, StoreError> {
    let drafts = stream::iter(items).map(|new| draft(service, context, new)).buffered(CONCURRENT);
    let mut outcomes: Vec<Result<Identity, ChangeError>> = drafts.collect().await;
    let accepted: Vec<usize> = (0..outcomes.len()).filter(|index| outcomes[*index].is_ok()).collect();
    for places in accepted.chunks(STORED_TOGETHER) {
        let identities: Vec<_> = places.iter().filter_map(|place| outcomes[*place].as_ref().ok().cloned()).collect();
        let stored = service.identities.identity_create_many(context.project, &identities).await?;
        for (place, stored) in places.iter().zip(stored) {
            if let Err(conflict) = stored {
                outcomes[*place] = Err(StoreError::Conflict(conflict).into());
            }
        }
    }
    Ok(outcomes)
}

async fn draft(service: &IdentityService, context: &RequestContext, new: NewIdentity) -> Result<Identity, ChangeError> {
    let (now, entropy) = (context.now, &*service.entropy);
    let [created_at, updated_at, state_changed_at] = new.moments(now)?;
    let schema_id = new.schema_id.filter(|id| !id.is_empty());
    let schema_id = schema_id.unwrap_or_else(|| service.config.load().default_schema_id.clone());
    let schemas = service.schemas.load();
    let schema = schemas.get(&schema_id).ok_or(ChangeError::UnknownSchema(schema_id))?;
    let mut identity = Identity::new(schema.id(), now, entropy);
    identity.id = new.id.unwrap_or(identity.id);
    identity.set_traits(schema, new.traits, now, entropy).map_err(ChangeError::Traits)?;
    identity.take_over(&new.verifiable_addresses.unwrap_or_default(), now);
    identity.take_over_recovery(&new.recovery_addresses.unwrap_or_default());
    identity.state = new.state.unwrap_or(IdentityState::Active);
    identity.external_id = external_id(new.external_id)?;
    identity.metadata_public = new.metadata_public;
    identity.metadata_admin = new.metadata_admin;
    identity.organization_id = new.organization_id;
    if let Some(credentials) = new.credentials {
        credentials.apply(service, context, schema, &mut identity).await?;
    }
    (identity.created_at, identity.updated_at, identity.state_changed_at) = (created_at, updated_at, state_changed_at);
    Ok(identity)
}

impl NewIdentity {
    /// When it was created, last changed and last changed its state.
    fn moments(&self, now: Timestamp) -> Result<[Timestamp; 3], ChangeError> {
        for (name, moment) in [
            ("created_at", self.created_at),
            ("updated_at", self.updated_at),
            ("state_changed_at", self.state_changed_at),
        ] {
            if moment.is_some_and(|moment| moment > now) {
                return Err(ChangeError::invalid(name, "lies in the future"));
            }
        }
        let created_at = self.created_at.unwrap_or(now);
        let updated_at = self.updated_at.unwrap_or(created_at).max(created_at);
        Ok([created_at, updated_at, self.state_changed_at.unwrap_or(created_at)])
    }
}
