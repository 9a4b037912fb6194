//! JSON Web Keys.

use orrery_core::moving::{Row, Unreadable};
use orrery_keys::jwk::RawJwk;

use super::secrets::SystemSecrets;
use super::words::bytes;

/// The key of a row, with its private half.
///
/// # Errors
/// When no secret opens it, or it is no key.
pub(super) fn translate(row: &Row, secrets: &SystemSecrets) -> Result<RawJwk, Unreadable> {
    let sealed = bytes(row, "keydata")?;
    let plain = secrets.open(&sealed).ok_or(Unreadable("keydata"))?;
    serde_json::from_slice(&plain).map_err(|_| Unreadable("keydata"))
}
