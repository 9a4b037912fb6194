//! `PATCH /admin/clients/{id}`: JSON Patch (RFC 6902) on the client as it is shown.

use json_patch::{AddOperation, PatchOperation};
use orrery_core::RequestContext;
use serde_json::{Map, Value};

use super::change::replaced;
use super::create::Registered;
use super::document::document;
use super::edit::edit;
use super::version::MeantFor;
use super::{ClientId, ClientMetadata, ClientRecord};
use crate::OAuth2Service;
use crate::error::{ErrorCode, OAuth2Error};

/// Most operations of one patch.
const MAX_OPERATIONS: usize = 1_000;
/// What no patch may touch, and nothing below it.
const CLOSED: [&str; 7] = [
    "/id",
    "/client_id",
    "/RotatedSecrets",
    "/created_at",
    "/updated_at",
    "/registration_access_token",
    "/registration_client_uri",
];

/// Applies a patch. `replace` of a missing member adds it, and missing objects above it are made; `test`, `move` and
/// `copy` are not offered.
///
/// # Errors
/// `invalid_request` for a patch that cannot be applied; otherwise as [`replace`](super::change::replace).
pub async fn patch(
    service: &OAuth2Service,
    context: &RequestContext,
    id: &ClientId,
    meant_for: &MeantFor,
    operations: &[PatchOperation],
) -> Result<Registered, OAuth2Error> {
    if operations.len() > MAX_OPERATIONS {
        return Err(refused(format!("A patch may have at most {MAX_OPERATIONS} operations.")));
    }
    operations.iter().try_for_each(allowed)?;
    let change = async |before: ClientRecord| {
        let metadata = patched(document(&before.client), operations)?;
        replaced(service, context, before, &metadata).await
    };
    let (record, secret) = edit(service, context.project, id, meant_for, change).await?;
    Ok(Registered { record, secret, registration_token: None })
}

fn allowed(operation: &PatchOperation) -> Result<(), OAuth2Error> {
    match operation {
        PatchOperation::Add(_) | PatchOperation::Remove(_) | PatchOperation::Replace(_) => {}
        PatchOperation::Move(_) | PatchOperation::Copy(_) | PatchOperation::Test(_) => {
            return Err(refused("Only the operations add, remove and replace are offered."));
        }
    }
    let path = operation.path().as_str();
    let below = |closed: &str| path.strip_prefix(closed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if path.is_empty() || CLOSED.into_iter().any(below) {
        return Err(refused(format!("The path '{path}' of a client cannot be changed.")));
    }
    Ok(())
}

/// What a patch makes of a document.
fn patched(document: Map<String, Value>, operations: &[PatchOperation]) -> Result<ClientMetadata, OAuth2Error> {
    let mut document = Value::Object(document);
    for operation in operations {
        let operation = prepared(operation, &mut document);
        json_patch::patch(&mut document, std::slice::from_ref(&operation))
            .map_err(|_| refused(format!("The path '{}' leads nowhere in this client.", operation.path().as_str())))?;
    }
    serde_path_to_error::deserialize(document).map_err(|error| {
        let description = format!("The member {} would no longer have the right type.", error.path());
        OAuth2Error::new(ErrorCode::InvalidClientMetadata, description)
    })
}

/// `replace` on an object member that is not there means `add`, and both make the objects above it; on a list they
/// stay what they are.
fn prepared(operation: &PatchOperation, document: &mut Value) -> PatchOperation {
    let (path, value) = match operation {
        PatchOperation::Add(add) => (&add.path, &add.value),
        PatchOperation::Replace(replace) if document.pointer(replace.path.as_str()).is_none() => {
            (&replace.path, &replace.value)
        }
        PatchOperation::Replace(_)
        | PatchOperation::Remove(_)
        | PatchOperation::Move(_)
        | PatchOperation::Copy(_)
        | PatchOperation::Test(_) => return operation.clone(),
    };
    let Some((parents, _)) = path.split_back() else { return operation.clone() };
    let mut place = document;
    for part in parents.tokens() {
        place = match place {
            Value::Object(members) => {
                let next = members.entry(part.decoded().into_owned()).or_insert_with(|| Value::Object(Map::new()));
                if next.is_null() {
                    *next = Value::Object(Map::new());
                }
                next
            }
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return operation.clone();
            }
        };
    }
    if place.is_object() {
        return PatchOperation::Add(AddOperation { path: path.clone(), value: value.clone() });
    }
    operation.clone()
}

fn refused(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuth2Error {
    OAuth2Error::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn apply(operations: Value) -> Result<ClientMetadata, (ErrorCode, String)> {
        let operations: Vec<PatchOperation> = serde_json::from_value(operations).expect("well formed");
        let told = |error: OAuth2Error| (error.code, error.description.into_owned());
        operations.iter().try_for_each(allowed).map_err(told)?;
        let document = json!({"client_name": "before", "redirect_uris": ["https://a/"], "metadata": {}});
        patched(document.as_object().cloned().expect("an object"), &operations).map_err(told)
    }

    #[test]
    fn members_are_added_replaced_and_removed() {
        let patched = apply(json!([
            {"op": "replace", "path": "/client_name", "value": "after"},
            {"op": "replace", "path": "/owner", "value": "ada"},
            {"op": "add", "path": "/redirect_uris/-", "value": "https://b/"},
            {"op": "add", "path": "/metadata/deep/er", "value": 1},
            {"op": "replace", "path": "/implicit_grant_id_token_lifespan", "value": "1h"},
        ]));
        let patched = patched.map_err(|error| error.1).expect("applies");
        assert_eq!((patched.client_name.as_deref(), patched.owner.as_deref()), (Some("after"), Some("ada")));
        assert_eq!(patched.redirect_uris.as_deref().map(<[_]>::len), Some(2));
        assert_eq!(patched.metadata.map(Value::Object), Some(json!({"deep": {"er": 1}})));
        assert_eq!(patched.others["implicit_grant_id_token_lifespan"], json!("1h"));
        let removed = apply(json!([{"op": "remove", "path": "/client_name"}])).map_err(|error| error.1);
        assert_eq!(removed.expect("applies").client_name, None);
    }

    #[test]
    fn what_cannot_be_applied_is_said() {
        for operation in [
            json!({"op": "test", "path": "/client_name", "value": "before"}),
            json!({"op": "move", "from": "/client_name", "path": "/owner"}),
            json!({"op": "copy", "from": "/client_name", "path": "/owner"}),
            json!({"op": "remove", "path": "/nowhere"}),
            json!({"op": "replace", "path": "/redirect_uris/7", "value": "https://b/"}),
            json!({"op": "replace", "path": "", "value": {}}),
            json!({"op": "replace", "path": "/client_id", "value": "other"}),
            json!({"op": "replace", "path": "/id", "value": "other"}),
            json!({"op": "add", "path": "/RotatedSecrets", "value": []}),
            json!({"op": "replace", "path": "/created_at", "value": "2020-01-01T00:00:00Z"}),
        ] {
            let refused = apply(json!([operation])).err().expect("refused");
            assert_eq!(refused.0, ErrorCode::InvalidRequest, "{operation}");
        }
        let wrong_type = apply(json!([{"op": "replace", "path": "/redirect_uris", "value": "https://b/"}]));
        let (code, description) = wrong_type.err().expect("refused");
        assert_eq!(code, ErrorCode::InvalidClientMetadata);
        assert!(description.contains("redirect_uris"), "{description}");
    }
}
