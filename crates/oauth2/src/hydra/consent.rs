//! Remembered consents.

use std::time::Duration;

use orrery_core::Timestamp;
use orrery_core::id::GrantId;
use orrery_core::moving::{Row, Unreadable};
use serde_json::Value;

use super::refresh_token::{derived, kind};
use super::session;
use super::words::list;
use crate::consent::LONGEST;
use crate::grant::Grant;
use crate::store::ImportedGrant;

/// Whether somebody was asked, agreed, and need not be asked again. A row that cannot be understood counts as one, so that
/// it is told.
pub(super) fn is_remembered(row: &Row, now: Timestamp) -> bool {
    let refused = row.document("consent_error").map_or(true, |error| error.is_some_and(|error| !is_empty(&error)));
    let agreed = row.flag("consent_remember") && row.text("consent_handled_at").is_some() && !row.flag("consent_skip");
    let over = until(row).is_ok_and(|until| until.is_some_and(|until| until <= now));
    agreed && !refused && !over
}

fn is_empty(error: &Value) -> bool {
    error.is_null() || error.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Until when; none for ever.
fn until(row: &Row) -> Result<Option<Timestamp>, Unreadable> {
    let begun = row.needed_moment("requested_at")?;
    Ok(Some(remember_for(row)).filter(|seconds| *seconds > 0).map(|seconds| begun + Duration::from_secs(seconds)))
}

/// How long, in seconds, and no longer than what is granted here; 0 for ever.
fn remember_for(row: &Row) -> u64 {
    row.number("consent_remember_for").and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0).min(LONGEST)
}

/// The id of the consent of a row, if it has one.
pub(super) fn id(row: &Row) -> Option<GrantId> {
    row.text("consent_challenge_id").map(|challenge| derived(b"orrery/hydra-consent/v1", challenge.as_bytes()))
}

/// The consent of a row.
///
/// # Errors
/// When a column that is needed cannot be understood.
pub(super) fn translate(row: &Row, now: Timestamp) -> Result<ImportedGrant, Unreadable> {
    let id = id(row).ok_or(Unreadable("consent_challenge_id"))?;
    let requested_at = row.needed_moment("requested_at")?;
    let subject = row.needed_text("subject")?.to_owned();
    let grant = Grant {
        id,
        client: row.needed_text("client_id")?.parse().map_err(|_| Unreadable("client_id"))?,
        identity: None,
        kind: kind(Some(row)),
        scope: list(row, "granted_scope")?,
        audience: list(row, "granted_at_audience")?,
        session: session::claims(None, Some(row))?,
        authentication: session::authentication(None, Some(row), &subject, requested_at, id)?,
        requested: session::requested(None, Some(row))?,
        remember: true,
        remember_for: remember_for(row),
        skipped: false,
        context: row.document("context")?.unwrap_or(Value::Null),
        requested_at,
        handled_at: row.needed_moment("consent_handled_at")?,
        expires_at: until(row)?.unwrap_or(now + Duration::from_secs(LONGEST)),
        subject,
    };
    Ok(ImportedGrant { grant, refresh: None })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn flow(changes: Value) -> Row {
        let mut row = json!({
            "consent_challenge_id": "c", "client_id": "shop", "subject": "ada", "consent_remember": true,
            "consent_remember_for": 0, "consent_handled_at": "2025-12-31T00:00:00", "requested_at": "2025-12-31T00:00:00",
            "granted_scope": "openid|offline", "consent_skip": false, "consent_error": "{}",
        });
        for (name, value) in changes.as_object().expect("an object") {
            row[name.as_str()] = value.clone();
        }
        Row(row.as_object().cloned().expect("an object"))
    }

    #[test]
    fn only_what_somebody_agreed_to_is_remembered() {
        let now = Timestamp::parse_rfc3339(NOW).expect("a moment");
        for kept in [
            json!({}),
            json!({"consent_remember_for": 90_000}),
            json!({"consent_error": {}}),
            json!({"consent_error": null}),
        ] {
            assert!(is_remembered(&flow(kept.clone()), now), "{kept}");
        }
        for left in [
            json!({"consent_remember": 0}),
            json!({"consent_skip": 1}),
            json!({"consent_handled_at": null}),
            json!({"consent_remember_for": 3600}),
            json!({"consent_error": "{\"error\": \"access_denied\"}"}),
            json!({"consent_error": {"error": "access_denied"}}),
        ] {
            assert!(!is_remembered(&flow(left.clone()), now), "{left}");
        }
    }

    #[test]
    fn nothing_is_remembered_for_longer_than_databases_can_count() {
        let now = Timestamp::parse_rfc3339(NOW).expect("a moment");
        let row = flow(json!({"consent_remember_for": 99_999_999_999_999_i64}));
        assert!(is_remembered(&row, now));
        assert_eq!(translate(&row, now).expect("readable").grant.remember_for, LONGEST);
    }

    #[test]
    fn a_consent_keeps_what_was_granted() {
        let now = Timestamp::parse_rfc3339(NOW).expect("a moment");
        let grant = translate(&flow(json!({"consent_remember_for": 90_000})), now).expect("readable").grant;
        assert_eq!((grant.scope.len(), grant.remember, grant.skipped, grant.remember_for), (2, true, false, 90_000));
        assert_eq!(grant.expires_at.to_string(), "2026-01-01T01:00:00Z");
        assert_eq!(translate(&flow(json!({})), now).expect("readable").grant.id, grant.id, "always the same");
        for column in ["consent_challenge_id", "subject", "client_id", "requested_at"] {
            assert_eq!(translate(&flow(json!({column: null})), now).err(), Some(Unreadable(column)));
        }
    }
}
