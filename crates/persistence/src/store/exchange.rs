//! Exchanging the codes of a finished flow for the token of its session.

use diesel::prelude::*;
use orrery_core::id::{FlowId, SessionId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::flow::FlowKind;
use orrery_identity::store::Exchanged;

use super::{Store, session};
use crate::columns::{At, Hash, Uid, Word};
use crate::queue::Decision;
use crate::schema::{flows, sessions};

impl Store {
    /// See `FlowStore::flow_exchange`.
    pub(super) async fn exchange_token(
        &self,
        project: ProjectId,
        (kind, id): (FlowKind, FlowId),
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Exchanged, StoreError> {
        self.decide(move |connection| {
            // Whoever deletes it was first.
            let finished: Option<Option<Uid<SessionId>>> = diesel::delete(flows::table)
                .filter(flows::project_id.eq(Uid(project)))
                .filter(flows::id.eq(Uid(id)))
                .filter(flows::kind.eq(Word(kind)))
                .filter(flows::completed_at.is_not_null())
                .filter(flows::session_id.is_not_null())
                .returning(flows::session_id)
                .get_result(connection)
                .optional()?;
            let Some(Some(Uid(session))) = finished else { return Ok(Decision::Undo(Exchanged::NotReady)) };
            let handed_over = diesel::update(sessions::table)
                .filter(sessions::project_id.eq(Uid(project)))
                .filter(sessions::id.eq(Uid(session)))
                .filter(sessions::active)
                .filter(sessions::expires_at.gt(At(now)))
                .set((sessions::token_hash.eq(Hash(token)), sessions::updated_at.eq(At(now))))
                .execute(connection)?;
            let found = if handed_over > 0 { session::by_id(connection, project, session)? } else { None };
            Ok(match found.filter(|found| found.is_active(now)) {
                Some(found) => Decision::Keep(Exchanged::Session(Box::new(found))),
                None => Decision::Undo(Exchanged::NotReady),
            })
        })
        .await
    }
}
