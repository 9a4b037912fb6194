//! Removing what has expired, in small batches, on any number of nodes at once.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use orrery_core::{StoreError, Timestamp};

use super::super::SKIP_LOCKED;
use super::Store;
use crate::columns::{At, Moment};
use crate::sweep::Swept;

/// A finished flow is still shown to the browser that finished it.
const FINISHED_FLOW: Duration = Duration::from_secs(15 * 60);

/// An expired flow is still recognised, so that a late submit is answered "expired" and not "unknown".
const EXPIRED_FLOW: Duration = Duration::from_secs(60 * 60);

/// An error that a browser was sent to can be read this long.
const FLOW_ERROR: Duration = Duration::from_secs(24 * 60 * 60);

/// An expired session stays in the administrator's lists this long.
const EXPIRED_SESSION: Duration = Duration::from_secs(24 * 60 * 60);

/// An issuer whose trust has ended stays in the administrator's lists this long.
const EXPIRED_ISSUER: Duration = Duration::from_secs(24 * 60 * 60);

/// Which rows go, and when.
struct Rule {
    table: &'static str,
    /// The primary key below the project.
    key: &'static str,
    /// The moment that counts.
    moment: &'static str,
    /// How long the row outlives it.
    outlives: Duration,
    /// Where its rows are counted.
    count: fn(&mut Swept) -> &mut u64,
}

const fn rule(
    table: &'static str,
    key: &'static str,
    moment: &'static str,
    outlives: Duration,
    count: fn(&mut Swept) -> &mut u64,
) -> Rule {
    Rule { table, key, moment, outlives, count }
}

/// In order of urgency. Codes that are used are deleted by their use.
const RULES: [Rule; 17] = [
    rule("flows", "id", "completed_at", FINISHED_FLOW, |swept| &mut swept.flows),
    rule("flow_codes", "id", "expires_at", Duration::ZERO, |swept| &mut swept.codes),
    rule("flows", "id", "expires_at", EXPIRED_FLOW, |swept| &mut swept.flows),
    rule("attempt_counters", "counter", "expires_at", Duration::ZERO, |swept| &mut swept.attempts),
    rule("messages", "id", "expires_at", Duration::ZERO, |swept| &mut swept.messages),
    rule("events", "id", "expires_at", Duration::ZERO, |swept| &mut swept.events),
    rule("flow_errors", "id", "created_at", FLOW_ERROR, |swept| &mut swept.flow_errors),
    rule("sessions", "id", "expires_at", EXPIRED_SESSION, |swept| &mut swept.sessions),
    rule("authorizations", "id", "expires_at", Duration::ZERO, |swept| &mut swept.authorizations),
    rule("pushed_requests", "hash", "expires_at", Duration::ZERO, |swept| &mut swept.pushed_requests),
    rule("device_codes", "hash", "expires_at", Duration::ZERO, |swept| &mut swept.device_codes),
    rule("assertion_ids", "hash", "expires_at", Duration::ZERO, |swept| &mut swept.assertion_ids),
    rule("authorization_codes", "hash", "expires_at", Duration::ZERO, |swept| &mut swept.authorization_codes),
    rule("tokens", "hash", "expires_at", Duration::ZERO, |swept| &mut swept.tokens),
    rule("grants", "id", "expires_at", Duration::ZERO, |swept| &mut swept.grants),
    rule("login_sessions", "id", "expires_at", Duration::ZERO, |swept| &mut swept.login_sessions),
    rule("trusted_issuers", "id", "expires_at", EXPIRED_ISSUER, |swept| &mut swept.trusted_issuers),
];

impl Store {
    /// Deletes at most `limit` rows by each rule.
    pub(crate) async fn sweep(&self, now: Timestamp, limit: u32) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for Rule { table, key, moment, outlives, count } in RULES {
            let before = At(now - outlives);
            let removed = self
                .write_one(move |connection| {
                    let statement = format!(
                        "DELETE FROM {table} WHERE (project_id, {key}) IN (SELECT project_id, {key} FROM {table} \
                         WHERE {moment} <= $1 ORDER BY {moment} LIMIT $2 {SKIP_LOCKED})"
                    );
                    let removed = diesel::sql_query(statement)
                        .bind::<Moment, _>(before)
                        .bind::<BigInt, _>(i64::from(limit))
                        .execute(connection)?;
                    Ok(u64::try_from(removed).unwrap_or(u64::MAX))
                })
                .await?;
            *count(&mut swept) += removed;
            swept.more |= removed >= u64::from(limit);
        }
        Ok(swept)
    }
}
