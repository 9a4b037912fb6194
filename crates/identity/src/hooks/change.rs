//! The identity as a hook wants it to be.

use serde_json::{Map, Value};

use super::{Caller, HookError};
use crate::config::WebHook;
use crate::flow::{FlowError, PlacedMessage};
use crate::identity::{Identity, IdentityState, Via};
use crate::schema::TraitError;
use crate::schema::normalize::normalize;

/// Changes an identity that is not stored yet. Members that are missing or empty leave it as it is, except that an empty
/// `external_id` removes it. Returns what its schema has against the traits, for the form.
///
/// # Errors
/// [`FlowError::Hook`] for an answer that makes no identity.
pub(super) fn apply(
    caller: Caller<'_>,
    hook: &WebHook,
    identity: &mut Identity,
    change: &Value,
) -> Result<Option<Vec<PlacedMessage>>, FlowError> {
    let unusable = |why: &str| FlowError::from(HookError::Answer { hook: hook.name.clone(), why: why.to_owned() });
    let (now, entropy) = (caller.context.now, &*caller.service.entropy);
    let schema_id = change.get("schema_id").and_then(Value::as_str).filter(|id| !id.is_empty());
    let traits = change.get("traits").and_then(Value::as_object).filter(|traits| !traits.is_empty());
    if schema_id.is_some() || traits.is_some() {
        let schemas = caller.service.schemas.load();
        let schema = schemas.get(schema_id.unwrap_or(&identity.schema_id));
        let schema = schema.ok_or_else(|| unusable("its schema_id names no schema"))?;
        let traits = traits.unwrap_or(&identity.traits).clone();
        if let Err(errors) = identity.set_traits(schema, traits, now, entropy) {
            return Ok(Some(errors.into_iter().map(TraitError::placed).collect()));
        }
    }
    let state = match change.get("state").and_then(Value::as_str) {
        None | Some("") => identity.state,
        Some("active") => IdentityState::Active,
        Some("inactive") => IdentityState::Inactive,
        Some(_) => return Err(unusable("its state is neither active nor inactive")),
    };
    if state != identity.state {
        identity.state = state;
        identity.state_changed_at = now;
    }
    let metadata = |name| change.get(name).filter(|value: &&Value| !value.is_null()).cloned();
    identity.metadata_public = metadata("metadata_public").or(identity.metadata_public.take());
    identity.metadata_admin = metadata("metadata_admin").or(identity.metadata_admin.take());
    match change.get("external_id") {
        None | Some(Value::Null) => {}
        Some(Value::String(id)) if id.chars().count() <= 255 && !id.chars().any(char::is_control) => {
            identity.external_id = Some(id.clone()).filter(|id| !id.is_empty());
        }
        Some(_) => return Err(unusable("its external_id is not a text of at most 255 characters")),
    }
    // Recovery addresses follow from the traits alone.
    for address in change.get("verifiable_addresses").and_then(Value::as_array).into_iter().flatten() {
        prove(identity, address.as_object().ok_or_else(|| unusable("an address is not an object"))?, caller);
    }
    Ok(None)
}

/// What the hook knows about an address of the identity; others are none of it.
fn prove(identity: &mut Identity, given: &Map<String, Value>, caller: Caller<'_>) {
    let text = |name: &str| given.get(name).and_then(Value::as_str);
    let via = if text("via") == Some("sms") { Via::Sms } else { Via::Email };
    let Some(value) = text("value").map(normalize) else { return };
    match given.get("verified").and_then(Value::as_bool) {
        Some(true) => {
            identity.prove(via, &value, caller.context.now);
        }
        Some(false) => identity.disprove(via, &value, caller.context.now),
        None => {}
    }
}
