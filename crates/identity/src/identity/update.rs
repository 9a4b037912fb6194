//! Replacing an identity as an administrator.

use orrery_core::RequestContext;
use orrery_core::id::IdentityId;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::change::{ChangeError, change, external_id};
use super::{Identity, IdentityState};
use crate::IdentityService;
use crate::credentials::import::ImportedCredentials;

/// What an identity shall be from now on: the body of `updateIdentity`. What is absent is cleared, except the state, the
/// schema and the credentials, which then stay.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct IdentityUpdate {
    /// Another schema.
    pub schema_id: Option<String>,
    /// All traits.
    pub traits: Map<String, Value>,
    /// Another state; an identity that is not active has no active session.
    pub state: Option<IdentityState>,
    /// The operator's own key.
    pub external_id: Option<String>,
    /// Readable by the identity itself.
    pub metadata_public: Option<Value>,
    /// Readable by administrators only.
    pub metadata_admin: Option<Value>,
    /// Credentials to add or replace.
    pub credentials: Option<ImportedCredentials>,
}

/// Replaces an identity. What was proven about an address that stays is kept.
///
/// # Errors
/// See [`ChangeError`].
pub async fn update(
    service: &IdentityService,
    context: &RequestContext,
    id: IdentityId,
    update: IdentityUpdate,
) -> Result<Identity, ChangeError> {
    let (now, entropy) = (context.now, &*service.entropy);
    let schemas = service.schemas.load_full();
    let external_id = external_id(update.external_id)?;
    change(service, context, id, async |identity: &mut Identity| {
        let schema_id = update.schema_id.as_deref().filter(|id| !id.is_empty()).unwrap_or(&identity.schema_id);
        let schema = schemas.get(schema_id).ok_or_else(|| ChangeError::UnknownSchema(schema_id.to_owned()))?;
        identity.set_traits(schema, update.traits.clone(), now, entropy).map_err(ChangeError::Traits)?;
        identity.state = update.state.unwrap_or(identity.state);
        identity.external_id.clone_from(&external_id);
        identity.metadata_public.clone_from(&update.metadata_public);
        identity.metadata_admin.clone_from(&update.metadata_admin);
        if let Some(credentials) = &update.credentials {
            credentials.apply(service, context, schema, identity).await?;
        }
        Ok(())
    })
    .await
}
