//! Trusted issuers.

use orrery_core::Timestamp;
use orrery_core::id::TrustedIssuerId;
use orrery_core::moving::{Row, Unreadable};
use orrery_keys::jwk::{Jwk, RawJwk};

use super::words::list;
use crate::trust::TrustedIssuer;

/// The entry of a row. `key` is the one that it names, which Hydra files under a key set.
///
/// # Errors
/// When a column that is needed cannot be understood, or the key is none.
pub(super) fn translate(row: &Row, key: RawJwk) -> Result<TrustedIssuer, Unreadable> {
    let subject = row.text("subject").map(str::to_owned).filter(|_| !row.flag("allow_any_subject"));
    if subject.is_none() && !row.flag("allow_any_subject") {
        return Err(Unreadable("subject"));
    }
    let public = Jwk::import(key).ok().and_then(|key| key.public_value().ok()).ok_or(Unreadable("key_id"))?;
    Ok(TrustedIssuer {
        id: TrustedIssuerId::from_uuid(row.needed_id("id")?),
        issuer: row.needed_text("issuer")?.to_owned(),
        subject,
        scope: list(row, "scope")?,
        kid: row.needed_text("key_id")?.to_owned(),
        public_jwk: public,
        created_at: Timestamp::from_seconds(row.needed_moment("created_at")?.as_seconds()),
        expires_at: row.needed_moment("expires_at")?,
    })
}
