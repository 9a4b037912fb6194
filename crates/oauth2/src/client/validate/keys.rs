//! The public keys of a client.

use orrery_keys::jwk::{Jwk, RawJwk};
use serde_json::{Map, Value};

use super::wrong;
use crate::client::{AuthMethod, ClientMetadata};
use crate::error::OAuth2Error;

/// Stands in for a missing `kid`, which RFC 7517 lets a client leave out.
const UNNAMED: &str = "-";

/// `jwks` as it is stored: `None` for an empty set.
pub(super) fn check(metadata: &ClientMetadata, method: AuthMethod) -> Result<Option<Map<String, Value>>, OAuth2Error> {
    let by_reference = metadata.jwks_uri.as_ref().is_some_and(|uri| !uri.is_empty());
    let by_value = metadata.jwks.clone().filter(|set| !set.is_empty());
    if method == AuthMethod::PrivateKeyJwt && !by_reference && by_value.is_none() {
        return Err(wrong("A client with private_key_jwt needs jwks or jwks_uri."));
    }
    let Some(set) = by_value else { return Ok(None) };
    if by_reference {
        return Err(wrong("The members jwks and jwks_uri exclude each other."));
    }
    let keys = set.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| wrong("The member jwks is not a JSON Web Key set: it needs a list keys."))?;
    if method == AuthMethod::PrivateKeyJwt && keys.is_empty() {
        return Err(wrong("A client with private_key_jwt needs at least one key in jwks."));
    }
    keys.iter().enumerate().try_for_each(|(index, key)| one(index, key))?;
    Ok(Some(set))
}

fn one(index: usize, key: &Value) -> Result<(), OAuth2Error> {
    let raw: RawJwk = serde_json::from_value(key.clone())
        .map_err(|_| wrong(format!("The member jwks.keys.{index} is not a JSON Web Key.")))?;
    let private = raw.d.is_some() || raw.k.is_some() || raw.p.is_some() || raw.q.is_some();
    if private {
        return Err(wrong(format!("The member jwks.keys.{index} holds a secret. Register the public key alone.")));
    }
    let named = RawJwk { kid: raw.kid.clone().filter(|kid| !kid.is_empty()).or(Some(UNNAMED.to_owned())), ..raw };
    match Jwk::import(named) {
        Ok(_) => Ok(()),
        Err(invalid) => Err(wrong(format!("The member jwks.keys.{index}.{} {}.", invalid.member, invalid.reason))),
    }
}
