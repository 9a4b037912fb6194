//! Counters of failed attempts.

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::id::IdentityId;
use orrery_core::{ProjectId, StoreError, TokenHash};
use orrery_identity::store::{AttemptStore, Attempts, FailedAttempt};

use super::super::Conn;
use super::Store;
use crate::columns::{At, Hash, Uid};
use crate::error::{Failure, Outcome};
use crate::schema::attempt_counters;

#[async_trait]
impl AttemptStore for Store {
    async fn attempts(&self, project: ProjectId, counter: TokenHash) -> Result<Option<Attempts>, StoreError> {
        self.read(move |connection| {
            let row = attempt_counters::table
                .filter(attempt_counters::project_id.eq(Uid(project)))
                .filter(attempt_counters::counter.eq(Hash(counter)))
                .select(AttemptRow::as_select())
                .first(connection)
                .optional()?;
            row.map(AttemptRow::into_attempts).transpose()
        })
        .await
    }

    async fn attempt_failed(&self, project: ProjectId, failed: &FailedAttempt) -> Result<Attempts, StoreError> {
        let failed = *failed;
        self.write(move |connection| count(connection, project, &failed)).await
    }

    async fn attempts_clear(&self, project: ProjectId, counter: TokenHash) -> Result<(), StoreError> {
        self.write_one(move |connection| clear(connection, project, &[counter])).await
    }
}

/// Counts one failure at the door and at the account that it leads to. Says how the door stands then.
pub(super) fn count(connection: &mut Conn, project: ProjectId, failed: &FailedAttempt) -> Outcome<Attempts> {
    // The door first, always: two names of one account never wait for each other in a circle.
    let door = count_one(connection, project, failed, None)?;
    if let Some(account) = failed.account {
        let failed = FailedAttempt { counter: account.counter, account: None, ..*failed };
        count_one(connection, project, &failed, account.owner)?;
    }
    Ok(door)
}

fn count_one(
    connection: &mut Conn,
    project: ProjectId,
    failed: &FailedAttempt,
    owner: Option<IdentityId>,
) -> Outcome<Attempts> {
    let before = hold(connection, project, failed, owner)?;
    raise(connection, project, before, failed)
}

/// Makes sure that there is a row and locks it, so that one failure is counted at a time. Says how the door stands.
pub(super) fn hold(
    connection: &mut Conn,
    project: ProjectId,
    failed: &FailedAttempt,
    owner: Option<IdentityId>,
) -> Outcome<Attempts> {
    let new = (
        attempt_counters::project_id.eq(Uid(project)),
        attempt_counters::counter.eq(Hash(failed.counter)),
        attempt_counters::failures.eq(0),
        attempt_counters::since.eq(At(failed.at)),
        attempt_counters::expires_at.eq(At(failed.at)),
        attempt_counters::identity_id.eq(owner.map(Uid)),
    );
    diesel::insert_into(attempt_counters::table)
        .values(new)
        .on_conflict((attempt_counters::project_id, attempt_counters::counter))
        .do_update()
        .set(attempt_counters::project_id.eq(Uid(project)))
        .returning(AttemptRow::as_returning())
        .get_result(connection)?
        .into_attempts()
}

/// Counts one failure at a door that is held.
pub(super) fn raise(
    connection: &mut Conn,
    project: ProjectId,
    before: Attempts,
    failed: &FailedAttempt,
) -> Outcome<Attempts> {
    let after = next(before, failed);
    let expires_at = after.locked_until.unwrap_or(after.since + failed.window);
    diesel::update(attempt_counters::table)
        .filter(attempt_counters::project_id.eq(Uid(project)))
        .filter(attempt_counters::counter.eq(Hash(failed.counter)))
        .set((
            attempt_counters::failures.eq(i32::try_from(after.failures).unwrap_or(i32::MAX)),
            attempt_counters::since.eq(At(after.since)),
            attempt_counters::locked_until.eq(after.locked_until.map(At)),
            attempt_counters::expires_at.eq(At(expires_at)),
        ))
        .execute(connection)?;
    Ok(after)
}

/// Forgets the failures of doors.
pub(super) fn clear(connection: &mut Conn, project: ProjectId, counters: &[TokenHash]) -> Outcome<()> {
    let counters: Vec<_> = counters.iter().copied().map(Hash).collect();
    diesel::delete(attempt_counters::table)
        .filter(attempt_counters::project_id.eq(Uid(project)))
        .filter(attempt_counters::counter.eq_any(counters))
        .execute(connection)?;
    Ok(())
}

/// The state after one more failure.
fn next(before: Attempts, failed: &FailedAttempt) -> Attempts {
    // A lock that has ended, or a window that has passed quietly, is forgotten.
    let over = match before.locked_until {
        Some(until) => until <= failed.at,
        None => before.since + failed.window <= failed.at,
    };
    let (failures, since, locked_until) = if over {
        (1, failed.at, None)
    } else {
        (before.failures.saturating_add(1), before.since, before.locked_until)
    };
    // Failures that were already under way when the door was locked do not prolong the lock.
    let locked_until = locked_until.or_else(|| (failures >= failed.limit).then(|| failed.at + failed.lock));
    Attempts { failures, since, locked_until }
}

/// One counter.
#[derive(Queryable, Selectable)]
#[diesel(table_name = attempt_counters)]
pub(super) struct AttemptRow {
    failures: i32,
    since: At,
    locked_until: Option<At>,
}

impl AttemptRow {
    pub(super) fn into_attempts(self) -> Outcome<Attempts> {
        Ok(Attempts {
            failures: u32::try_from(self.failures).map_err(|_| Failure::Corrupt("attempt_counters.failures"))?,
            since: self.since.0,
            locked_until: self.locked_until.map(|at| at.0),
        })
    }
}
