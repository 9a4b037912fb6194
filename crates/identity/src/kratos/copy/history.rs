//! Sessions, and messages that were sent.

use orrery_core::moving::{Row, Tally};

use super::{BEFORE, CopyError, Copying, ids};
use crate::kratos::{Table, message, session};
use crate::store::Imported;

const ENDED: &str = "the session has ended";
const ORPHAN: &str = "its identity was not copied";
const UNDER_WAY: &str = "Kratos still delivers it";
const TOO_OLD: &str = "older than messages are kept";

impl Copying<'_> {
    pub(super) async fn sessions(&self, page: Vec<Row>, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let mut devices = self.dependents(Table::SessionDevices, "session_id", &ids(&page)).await?;
        let mut ready = Vec::new();
        for row in page {
            let own = row.needed_id("id").ok().and_then(|id| devices.remove(&id)).unwrap_or_default();
            match session::translate(&row, &own, self.keyring) {
                // A revoked one is copied while it lasts: it may have been copied before it was revoked.
                Ok(found) if found.session.expires_at <= self.now => {
                    tally.skip(Table::Sessions, 1, ENDED);
                    tally.skip(Table::SessionDevices, own.len(), ENDED);
                }
                Ok(found) => ready.push((found, own.len())),
                Err(why) => {
                    tally.fail(Table::Sessions, row.name(), why.to_string());
                    tally.skip(Table::SessionDevices, own.len(), "its session could not be copied");
                }
            }
        }
        let (sessions, devices): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
        let outcomes = self.imports.sessions_import(self.project, &sessions).await?;
        for (outcome, devices) in outcomes.into_iter().zip(devices) {
            settle(outcome, [(Table::Sessions, 1), (Table::SessionDevices, devices)], tally);
        }
        Ok(())
    }

    pub(super) async fn messages(&self, page: Vec<Row>, tally: &mut Tally<Table>) -> Result<(), CopyError> {
        let mut dispatches = self.dependents(Table::Dispatches, "message_id", &ids(&page)).await?;
        let place = message::Place { project: self.project, keyring: self.keyring, entropy: self.entropy };
        let mut ready = Vec::new();
        for row in page {
            let own = row.needed_id("id").ok().and_then(|id| dispatches.remove(&id)).unwrap_or_default();
            let leave = |why, tally: &mut Tally<Table>| {
                tally.skip(Table::Messages, 1, why);
                tally.skip(Table::Dispatches, own.len(), why);
            };
            let translated = match (message::state(&row), row.needed_moment("created_at")) {
                (Ok(message::State::UnderWay), _) => {
                    leave(UNDER_WAY, tally);
                    continue;
                }
                (Ok(message::State::Over(_)), Ok(created_at)) if created_at + self.retention <= self.now => {
                    leave(TOO_OLD, tally);
                    continue;
                }
                (Ok(message::State::Over(status)), Ok(created_at)) => {
                    message::translate(&row, &own, status, created_at + self.retention, place)
                }
                (Err(why), _) | (_, Err(why)) => Err(why),
            };
            match translated {
                Ok(found) => ready.push((found, own.len())),
                Err(why) => {
                    tally.fail(Table::Messages, row.name(), why.to_string());
                    tally.skip(Table::Dispatches, own.len(), "its message could not be copied");
                }
            }
        }
        let (messages, dispatches): (Vec<_>, Vec<_>) = ready.into_iter().unzip();
        let outcomes = self.imports.messages_import(self.project, &messages).await?;
        for (outcome, dispatches) in outcomes.into_iter().zip(dispatches) {
            settle(outcome, [(Table::Messages, 1), (Table::Dispatches, dispatches)], tally);
        }
        Ok(())
    }
}

fn settle(outcome: Imported, rows: [(Table, usize); 2], tally: &mut Tally<Table>) {
    for (table, count) in rows {
        match outcome {
            Imported::Stored => tally.copied(table, count),
            Imported::Known => tally.skip(table, count, BEFORE),
            Imported::Orphan => tally.skip(table, count, ORPHAN),
        }
    }
}
