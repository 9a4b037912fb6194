//! Sessions and messages of another system.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::id::IdentityId;
use orrery_core::{ProjectId, StoreError};
use orrery_identity::store::{ImportStore, Imported, ImportedMessage, ImportedSession};

use super::super::Conn;
use super::Store;
use crate::columns::{At, Uid};
use crate::error::Outcome;
use crate::rows::message::{DispatchRow, NewMessageRow};
use crate::rows::session::{NewSessionRow, SessionRow};
use crate::schema::{identities, message_dispatches, messages, sessions};

#[async_trait]
impl ImportStore for Store {
    async fn sessions_import(
        &self,
        project: ProjectId,
        sessions: &[ImportedSession],
    ) -> Result<Vec<Imported>, StoreError> {
        let sessions = sessions.to_vec();
        self.write(move |connection| {
            let wanted: Vec<_> = sessions.iter().map(|session| Uid(session.session.identity_id)).collect();
            let owners: Vec<Uid<IdentityId>> = identities::table
                .filter(identities::project_id.eq(Uid(project)))
                .filter(identities::id.eq_any(wanted))
                .select(identities::id)
                .load(connection)?;
            let owners: BTreeSet<IdentityId> = owners.into_iter().map(|id| id.0).collect();
            let stored = sessions.iter().map(|session| {
                if owners.contains(&session.session.identity_id) {
                    import_session(connection, project, session)
                } else {
                    Ok(Imported::Orphan)
                }
            });
            stored.collect()
        })
        .await
    }

    async fn messages_import(
        &self,
        project: ProjectId,
        messages: &[ImportedMessage],
    ) -> Result<Vec<Imported>, StoreError> {
        let rows: Vec<_> = messages
            .iter()
            .map(|imported| {
                let id = imported.message.id;
                let dispatches = imported.dispatches.iter().map(|dispatch| DispatchRow::new(project, id, dispatch));
                (NewMessageRow::over(project, &imported.message, imported.expires_at), dispatches.collect::<Vec<_>>())
            })
            .collect();
        self.write(move |connection| {
            let stored = rows.into_iter().map(|(message, dispatches)| {
                let inserted = diesel::insert_into(messages::table)
                    .values(message)
                    .on_conflict_do_nothing()
                    .execute(connection)?;
                if inserted == 0 {
                    return Ok(Imported::Known);
                }
                if !dispatches.is_empty() {
                    diesel::insert_into(message_dispatches::table).values(dispatches).execute(connection)?;
                }
                Ok(Imported::Stored)
            });
            stored.collect()
        })
        .await
    }
}

fn import_session(connection: &mut Conn, project: ProjectId, imported: &ImportedSession) -> Outcome<Imported> {
    let inserted = diesel::insert_into(sessions::table)
        .values(NewSessionRow::imported(project, imported))
        .on_conflict_do_nothing()
        .execute(connection)?;
    if inserted > 0 {
        return Ok(Imported::Stored);
    }
    let replaced = diesel::update(sessions::table)
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::id.eq(Uid(imported.session.id)))
        .filter(sessions::active)
        .filter(sessions::updated_at.lt(At(imported.updated_at)))
        .set(SessionRow::imported(project, imported))
        .execute(connection)?;
    Ok(if replaced > 0 { Imported::Stored } else { Imported::Known })
}
