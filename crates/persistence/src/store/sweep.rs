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

/// A table, the primary key below the project, the moment that counts, and how long the row outlives it.
type Rule = (&'static str, &'static str, &'static str, Duration);

/// In order of urgency. Codes that are used are deleted by their use.
const RULES: [Rule; 7] = [
    ("flows", "id", "completed_at", FINISHED_FLOW),
    ("flow_codes", "id", "expires_at", Duration::ZERO),
    ("flows", "id", "expires_at", EXPIRED_FLOW),
    ("attempt_counters", "counter", "expires_at", Duration::ZERO),
    ("messages", "id", "expires_at", Duration::ZERO),
    ("flow_errors", "id", "created_at", FLOW_ERROR),
    ("sessions", "id", "expires_at", EXPIRED_SESSION),
];

impl Store {
    /// Deletes at most `limit` rows by each rule.
    pub(crate) async fn sweep(&self, now: Timestamp, limit: u32) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for (table, key, moment, outlives) in RULES {
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
            swept.add(table, removed, u64::from(limit));
        }
        Ok(swept)
    }
}
