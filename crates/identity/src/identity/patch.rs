//! Changing parts of an identity as an administrator, by JSON Patch (RFC 6902).

use std::collections::BTreeMap;

use json_patch::{AddOperation, PatchOperation};
use orrery_core::id::{IdentityId, OrganizationId};
use orrery_core::{Entropy, RequestContext, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::address::SuppliedAddress;
use super::change::{ChangeError, change, external_id};
use super::{Identity, IdentityState};
use crate::IdentityService;
use crate::credentials::CredentialKind;
use crate::credentials::password::PasswordHash;
use crate::schema::Schemas;

/// Most operations of one patch.
const MAX_OPERATIONS: usize = 1_000;
/// What no patch may touch, and nothing below it.
const CLOSED: [&str; 7] =
    ["/id", "/state_changed_at", "/stateChangedAt", "/schema_url", "/created_at", "/updated_at", "/credentials/oidc"];

/// Applies a patch. `replace` of a missing object member adds it; `test`, `move` and `copy` are not offered.
///
/// # Errors
/// See [`ChangeError`].
pub async fn patch(
    service: &IdentityService,
    context: &RequestContext,
    id: IdentityId,
    operations: &[PatchOperation],
) -> Result<Identity, ChangeError> {
    if operations.len() > MAX_OPERATIONS {
        return Err(refused(format!("more than {MAX_OPERATIONS} operations")));
    }
    for operation in operations {
        allowed(operation)?;
    }
    let schemas = service.schemas.load_full();
    change(service, context, id, async |identity: &mut Identity| {
        patched(identity, operations, &schemas, context.now, &*service.entropy)
    })
    .await
}

fn allowed(operation: &PatchOperation) -> Result<(), ChangeError> {
    match operation {
        PatchOperation::Add(_) | PatchOperation::Remove(_) | PatchOperation::Replace(_) => {}
        PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {
            return Err(refused("only the operations add, remove and replace are offered"));
        }
    }
    let path = operation.path().as_str();
    let below = |closed: &str| path.strip_prefix(closed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path.is_empty() || path == "/credentials" || below("/credentials/saml") || CLOSED.into_iter().any(below) {
        return Err(refused(format!("the path \"{path}\" cannot be changed")));
    }
    Ok(())
}

fn patched(
    identity: &mut Identity,
    operations: &[PatchOperation],
    schemas: &Schemas,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), ChangeError> {
    let before = document(identity);
    let mut after = before.clone();
    for operation in operations {
        let operation = adding(operation, &after);
        json_patch::patch(&mut after, std::slice::from_ref(&operation)).map_err(|_| {
            refused(format!("the path \"{}\" leads nowhere in this identity", operation.path().as_str()))
        })?;
    }
    let after: Document = serde_path_to_error::deserialize(after)
        .map_err(|error| refused(format!("the member \"{}\" would no longer be valid", error.path())))?;
    let schema_id = Some(after.schema_id).filter(|id| !id.is_empty()).unwrap_or_else(|| identity.schema_id.clone());
    let schema = schemas.get(&schema_id).ok_or(ChangeError::UnknownSchema(schema_id))?;
    credentials(identity, &before["credentials"], after.credentials, now, entropy)?;
    identity.set_traits(schema, after.traits, now, entropy).map_err(ChangeError::Traits)?;
    identity.take_over(&after.verifiable_addresses, now);
    identity.state = after.state;
    identity.external_id = external_id(after.external_id)?;
    identity.metadata_public = after.metadata_public;
    identity.metadata_admin = after.metadata_admin;
    identity.organization_id = after.organization_id;
    Ok(())
}

/// `replace` on an object member that is not there means `add`; on a list it stays what it is.
fn adding(operation: &PatchOperation, document: &Value) -> PatchOperation {
    if let PatchOperation::Replace(replace) = operation {
        let parent = replace.path.parent().and_then(|parent| document.pointer(parent.as_str()));
        if document.pointer(replace.path.as_str()).is_none() && parent.is_some_and(Value::is_object) {
            return PatchOperation::Add(AddOperation { path: replace.path.clone(), value: replace.value.clone() });
        }
    }
    operation.clone()
}

/// What a patch works on. Of credentials only the password's data can be seen.
fn document(identity: &Identity) -> Value {
    let credentials: Map<_, _> = identity
        .credentials
        .iter()
        .map(|(kind, credential)| {
            let config = if *kind == CredentialKind::Password { credential.config.clone() } else { json!({}) };
            (kind.to_string(), json!({"type": kind, "identifiers": credential.identifiers, "config": config}))
        })
        .collect();
    let addresses: Vec<_> = identity
        .verifiable_addresses
        .iter()
        .map(|address| {
            json!({
                "id": address.id, "value": address.value, "via": address.via, "verified": address.verified,
                "status": address.status, "verified_at": address.verified_at,
                "created_at": address.created_at, "updated_at": address.updated_at,
            })
        })
        .collect();
    json!({
        "id": identity.id, "schema_id": identity.schema_id, "state": identity.state, "traits": identity.traits,
        "external_id": identity.external_id, "organization_id": identity.organization_id,
        "metadata_public": identity.metadata_public, "metadata_admin": identity.metadata_admin,
        "verifiable_addresses": addresses, "recovery_addresses": [], "credentials": credentials,
    })
}

/// What a patch leaves behind.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    schema_id: String,
    state: IdentityState,
    traits: Map<String, Value>,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    organization_id: Option<OrganizationId>,
    #[serde(default)]
    metadata_public: Option<Value>,
    #[serde(default)]
    metadata_admin: Option<Value>,
    #[serde(default)]
    verifiable_addresses: Vec<SuppliedAddress>,
    #[serde(default)]
    credentials: BTreeMap<CredentialKind, Value>,
}

/// Takes over changed credentials: a new password hash, or a removal. Identifiers follow from the traits.
fn credentials(
    identity: &mut Identity,
    before: &Value,
    mut after: BTreeMap<CredentialKind, Value>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), ChangeError> {
    identity.credentials.retain(|kind, _| after.contains_key(kind));
    identity.recompute_factors();
    after.retain(|kind, credential| before.get(kind.as_str()) != Some(credential));
    for (kind, credential) in after {
        if credential.get("type").is_some_and(|named| named != kind.as_str()) {
            return Err(refused(format!("the type of the credential \"{kind}\" must stay \"{kind}\"")));
        }
        if kind != CredentialKind::Password {
            return Err(refused(format!("the credential \"{kind}\" cannot be changed, only removed")));
        }
        let config = credential.get("config").cloned().unwrap_or_else(|| json!({}));
        let hash = config.get("hashed_password").and_then(Value::as_str);
        let config = match hash {
            Some(hash) => match hash.parse::<PasswordHash>() {
                Ok(hash) => json!({"hashed_password": hash.encode()}),
                Err(_) => {
                    return Err(refused(
                        "the member \"credentials.password.config.hashed_password\" is not an accepted password hash",
                    ));
                }
            },
            None if config.as_object().is_some_and(Map::is_empty) => config,
            None => return Err(refused("the member \"credentials.password.config\" needs a hashed_password")),
        };
        identity.set_credential(kind, config, now, entropy);
    }
    Ok(())
}

fn refused(reason: impl Into<String>) -> ChangeError {
    ChangeError::invalid("patch", reason)
}

#[cfg(test)]
mod tests {
    use orrery_core::entropy::SeededEntropy;
    use proptest::prelude::*;

    use super::*;
    use crate::schema::IdentitySchema;

    const SCHEMA: &str = r#"{"properties": {"traits": {"required": ["email"], "properties": {
        "tags": {"type": "array", "items": {"type": "string"}},
        "email": {"type": "string", "format": "email", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}}}
    }}}}"#;
    const HASH: &str = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

    fn identity() -> (Identity, Schemas) {
        let schemas = Schemas::new(vec![IdentitySchema::parse("x", SCHEMA).expect("valid")]);
        let entropy = SeededEntropy::new(1);
        let mut identity = Identity::new("x", Timestamp::EPOCH, &entropy);
        let traits = json!({"email": "a@example.org", "tags": ["t"]}).as_object().cloned().expect("an object");
        identity.set_traits(schemas.get("x").expect("there"), traits, Timestamp::EPOCH, &entropy).expect("valid");
        let totp = json!({"totp_url": "sealed"});
        identity.set_credential(CredentialKind::Totp, totp, Timestamp::EPOCH, &entropy);
        (identity, schemas)
    }

    fn apply(operations: Value) -> Result<Identity, String> {
        let operations: Vec<PatchOperation> = serde_json::from_value(operations).expect("well formed");
        let (mut identity, schemas) = identity();
        operations.iter().try_for_each(allowed).map_err(|error| error.to_string())?;
        let now = Timestamp::from_seconds(1);
        patched(&mut identity, &operations, &schemas, now, &SeededEntropy::new(2))
            .map_err(|error| error.to_string())?;
        Ok(identity)
    }

    #[test]
    fn parts_change_and_the_rest_stays() {
        let patched = apply(json!([
            {"op": "replace", "path": "/traits/email", "value": "b@example.org"},
            {"op": "add", "path": "/metadata_public", "value": {"a": 1}},
            {"op": "replace", "path": "/metadata_public/b", "value": 2},
            {"op": "replace", "path": "/state", "value": "inactive"},
            {"op": "add", "path": "/traits/tags/-", "value": "u"},
            {"op": "replace", "path": "/credentials/password/config/hashed_password", "value": HASH},
        ]));
        let patched = patched.expect("valid");
        assert_eq!(patched.traits["tags"], json!(["t", "u"]));
        assert_eq!(patched.metadata_public, Some(json!({"a": 1, "b": 2})));
        assert_eq!(patched.state, IdentityState::Inactive);
        let password = &patched.credentials[&CredentialKind::Password];
        assert_eq!(
            (&password.identifiers[..], &password.config["hashed_password"]),
            (&["b@example.org".to_owned()][..], &json!(HASH))
        );
        assert_eq!(patched.credentials[&CredentialKind::Totp].config, json!({"totp_url": "sealed"}));
    }

    #[test]
    fn an_address_can_be_declared_proven() {
        let patched = apply(json!([{"op": "replace", "path": "/verifiable_addresses/0/verified", "value": true}]));
        let address = &patched.expect("valid").verifiable_addresses[0];
        assert!(address.verified && address.verified_at == Some(Timestamp::from_seconds(1)));
    }

    #[test]
    fn a_second_factor_can_be_removed_but_not_planted() {
        let removed = apply(json!([{"op": "remove", "path": "/credentials/totp"}])).expect("valid");
        assert!(!removed.credentials.contains_key(&CredentialKind::Totp));
        for planted in [
            json!([{"op": "replace", "path": "/credentials/totp/config", "value": {"totp_url": "mine"}}]),
            json!([{"op": "add", "path": "/credentials/webauthn", "value": {"type": "webauthn", "config": {}}}]),
            json!([{"op": "replace", "path": "/credentials/password/type", "value": "totp"}]),
            json!([{"op": "replace", "path": "/credentials/password/config/hashed_password", "value": "plain"}]),
            json!([{"op": "add", "path": "/credentials/bogus", "value": {}}]),
        ] {
            assert!(apply(planted.clone()).is_err(), "{planted}");
        }
    }

    #[test]
    fn closed_paths_and_operations_are_refused() {
        for path in [
            "",
            "/id",
            "/stateChangedAt",
            "/credentials",
            "/credentials/oidc",
            "/credentials/oidc/config",
            "/credentials/saml/x",
        ] {
            assert!(apply(json!([{"op": "replace", "path": path, "value": {}}])).is_err(), "{path}");
        }
        for operation in [
            json!({"op": "test", "path": "/state", "value": "active"}),
            json!({"op": "move", "from": "/id", "path": "/traits/email"}),
            json!({"op": "copy", "from": "/credentials/password/config/hashed_password", "path": "/traits/email"}),
            json!({"op": "replace", "path": "/traits/tags/7", "value": "x"}),
            json!({"op": "remove", "path": "/nowhere"}),
            json!({"op": "remove", "path": "/traits/email"}),
            json!({"op": "remove", "path": "/traits"}),
            json!({"op": "replace", "path": "/state", "value": "bogus"}),
            json!({"op": "replace", "path": "/schema_id", "value": "bogus"}),
        ] {
            assert!(apply(json!([operation])).is_err(), "{operation}");
        }
    }

    proptest! {
        #[test]
        fn no_path_breaks_it(path in "(/(traits|credentials|verifiable_addresses|metadata_admin|password|0|-|~0|config)){0,4}", text in ".{0,8}") {
            let _: Result<Identity, String> = apply(json!([{"op": "replace", "path": path, "value": text}]));
        }
    }
}
