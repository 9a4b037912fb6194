//! Sessions.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::not;
use diesel::helper_types::IntoBoxed;
use diesel::prelude::*;
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_identity::session::SessionWithIdentity;
use orrery_identity::store::{Extended, SessionEnding, SessionFilter, SessionSelection, SessionStore};

use super::super::{Conn, Db};
use super::Store;
use crate::columns::{At, Hash, Uid, Word};
use crate::error::Outcome;
use crate::page::{self, Place};
use crate::rows::identity::IdentityRow;
use crate::rows::session::SessionRow;
use crate::schema::{identities, sessions};

/// Sessions that one statement ends.
const CHUNK: usize = 1000;

#[async_trait]
impl SessionStore for Store {
    async fn session_by_token(
        &self,
        project: ProjectId,
        token: &[TokenHash],
    ) -> Result<Option<Arc<SessionWithIdentity>>, StoreError> {
        if let Some(known) = self.caches.sessions.find(token.iter().map(|token| (project, *token))) {
            return Ok(Some(known));
        }
        let as_of = self.caches.changes.as_of();
        let token: Vec<_> = token.iter().copied().map(Hash).collect();
        let read = self.read(move |connection| {
            let query = with_identity().filter(sessions::project_id.eq(Uid(project))).select((
                sessions::token_hash,
                SessionRow::as_select(),
                IdentityRow::as_select(),
            ));
            // This is the hottest statement of all. With one secret it is the same text every time, so that SQLite
            // keeps it prepared.
            let found = match token.as_slice() {
                [only] => query.filter(sessions::token_hash.eq(*only)).first(connection),
                several => query.filter(sessions::token_hash.eq_any(several.to_vec())).first(connection),
            };
            let found: Option<(Hash, SessionRow, IdentityRow)> = found.optional()?;
            Ok(found.map(|(token, session, identity)| (token.0, Arc::new(session.with_identity(identity)))))
        });
        Ok(read.await?.map(|(token, session)| {
            let subject = session.identity.id.as_uuid();
            self.caches.sessions.keep(as_of, (project, token), subject.as_bytes(), &session);
            session
        }))
    }

    async fn session_by_id(
        &self,
        project: ProjectId,
        id: SessionId,
    ) -> Result<Option<SessionWithIdentity>, StoreError> {
        self.read(move |connection| by_id(connection, project, id)).await
    }

    async fn session_list(
        &self,
        project: ProjectId,
        filter: &SessionFilter,
        page: &PageRequest,
    ) -> Result<Page<SessionWithIdentity>, StoreError> {
        let (filter, page) = (*filter, page.clone());
        self.read(move |connection| {
            let newest_first = (sessions::created_at.desc(), sessions::id.desc());
            let columns = (SessionRow::as_select(), IdentityRow::as_select(), sessions::created_at);
            let found: Page<(SessionRow, IdentityRow, At)> = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, filter).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Some(place) = Place::parse(after) else { return Ok(page::empty()) };
                        let id = Uid(SessionId::from_uuid(place.id));
                        query = query
                            .filter(sessions::created_at.le(At(place.at)))
                            .filter(sessions::created_at.lt(At(place.at)).or(sessions::id.lt(id)));
                    }
                    let rows = query.order(newest_first).select(columns).load(connection)?;
                    let key = |(session, _, created_at): &(SessionRow, IdentityRow, At)| {
                        Place { at: created_at.0, id: session.id.0.as_uuid() }.key()
                    };
                    let mut found = page::keyset(rows, *size, key);
                    if filter.identity.is_some() {
                        // Nearly always the first page is all there is.
                        found.total = match (after, &found.next) {
                            (None, None) => u64::try_from(found.items.len()).ok(),
                            (Some(_), _) | (_, Some(_)) => Some(count(connection, project, filter)?),
                        };
                    }
                    found
                }
                PageRequest::Numbered { page, size } => {
                    let total = count(connection, project, filter)?;
                    let items = shown(project, filter)
                        .order(newest_first)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(columns)
                        .load(connection)?;
                    Page { items, next: None, total: Some(total) }
                }
            };
            Ok(found.map(|(session, identity, _)| session.with_identity(identity)))
        })
        .await
    }

    async fn session_revoke(&self, project: ProjectId, id: SessionId) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let revoked = diesel::update(sessions::table)
                .filter(sessions::project_id.eq(Uid(project)))
                .filter(sessions::id.eq(Uid(id)))
                .filter(sessions::active)
                .set(sessions::active.eq(false))
                .execute(connection)?;
            Ok(revoked > 0)
        })
        .await
    }

    async fn session_revoke_own(
        &self,
        project: ProjectId,
        owner: IdentityId,
        id: SessionId,
    ) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let revoked = diesel::update(sessions::table)
                .filter(sessions::project_id.eq(Uid(project)))
                .filter(sessions::id.eq(Uid(id)))
                .filter(sessions::identity_id.eq(Uid(owner)))
                .filter(sessions::active)
                .set(sessions::active.eq(false))
                .execute(connection)?;
            Ok(revoked > 0)
        })
        .await
    }

    async fn session_revoke_others(
        &self,
        project: ProjectId,
        owner: IdentityId,
        keep: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        self.write_one(move |connection| revoke_others(connection, project, owner, keep)).await
    }

    async fn session_delete_all(&self, project: ProjectId, owner: IdentityId) -> Result<u64, StoreError> {
        self.write_one(move |connection| {
            let deleted = diesel::delete(sessions::table)
                .filter(sessions::project_id.eq(Uid(project)))
                .filter(sessions::identity_id.eq(Uid(owner)))
                .execute(connection)?;
            Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn sessions_end(
        &self,
        project: ProjectId,
        selection: &SessionSelection,
        ending: SessionEnding,
    ) -> Result<u64, StoreError> {
        let selection = selection.clone();
        self.write(move |connection| {
            let mut these = sessions::table.into_boxed().filter(sessions::project_id.eq(Uid(project)));
            if ending == SessionEnding::Disable {
                these = these.filter(sessions::active);
            }
            let these = these.select(sessions::id);
            let ids: Vec<Uid<SessionId>> = match selection {
                SessionSelection::Sessions(ids) => ids.into_iter().map(Uid).collect(),
                SessionSelection::OfIdentities(owners) => {
                    let owners: Vec<_> = owners.into_iter().map(Uid).collect();
                    these.filter(sessions::identity_id.eq_any(owners)).load(connection)?
                }
                SessionSelection::Everybodys { at_most } => these.limit(at_most.into()).load(connection)?,
            };
            let mut ended = 0;
            // A statement holds only so many values.
            for ids in ids.chunks(CHUNK) {
                let these = sessions::table
                    .filter(sessions::project_id.eq(Uid(project)))
                    .filter(sessions::id.eq_any(ids.to_vec()));
                ended += match ending {
                    SessionEnding::Disable => {
                        let active = diesel::update(these).filter(sessions::active);
                        active.set(sessions::active.eq(false)).execute(connection)?
                    }
                    SessionEnding::Delete => diesel::delete(these).execute(connection)?,
                };
            }
            Ok(u64::try_from(ended).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn session_extend(
        &self,
        project: ProjectId,
        id: SessionId,
        expires_at: Timestamp,
        extendable_before: Timestamp,
        now: Timestamp,
    ) -> Result<Extended, StoreError> {
        self.write(move |connection| {
            diesel::update(sessions::table)
                .filter(sessions::project_id.eq(Uid(project)))
                .filter(sessions::id.eq(Uid(id)))
                .filter(sessions::active)
                .filter(sessions::expires_at.gt(At(now)))
                .filter(sessions::expires_at.lt(At(extendable_before)))
                .set(sessions::expires_at.eq(At(expires_at)))
                .execute(connection)?;
            let session = by_id(connection, project, id)?;
            Ok(session.map_or(Extended::Unknown, |session| Extended::Session(Box::new(session))))
        })
        .await
    }
}

/// Deactivates every active session of `owner` but `keep`.
pub(super) fn revoke_others(
    connection: &mut Conn,
    project: ProjectId,
    owner: IdentityId,
    keep: Option<SessionId>,
) -> Outcome<u64> {
    let theirs = diesel::update(sessions::table)
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::identity_id.eq(Uid(owner)))
        .filter(sessions::active)
        .set(sessions::active.eq(false));
    let revoked = match keep {
        Some(keep) => theirs.filter(sessions::id.ne(Uid(keep))).execute(connection)?,
        None => theirs.execute(connection)?,
    };
    Ok(u64::try_from(revoked).unwrap_or(u64::MAX))
}

pub(super) fn by_id(connection: &mut Conn, project: ProjectId, id: SessionId) -> Outcome<Option<SessionWithIdentity>> {
    let found = with_identity()
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::id.eq(Uid(id)))
        .select((SessionRow::as_select(), IdentityRow::as_select()))
        .first(connection)
        .optional()?;
    Ok(found.map(|(session, identity): (SessionRow, _)| session.with_identity(identity)))
}

/// Every session beside whom it belongs to.
#[diesel::dsl::auto_type]
pub(super) fn with_identity() -> _ {
    sessions::table.inner_join(
        identities::table
            .on(identities::project_id.eq(sessions::project_id).and(identities::id.eq(sessions::identity_id))),
    )
}

/// How many sessions a list has.
fn count(connection: &mut Conn, project: ProjectId, filter: SessionFilter) -> Outcome<u64> {
    let counted: i64 = shown(project, filter).count().get_result(connection)?;
    Ok(u64::try_from(counted).unwrap_or_default())
}

/// The sessions that a list shows.
fn shown(project: ProjectId, filter: SessionFilter) -> IntoBoxed<'static, with_identity, Db> {
    let mut query = with_identity().into_boxed().filter(sessions::project_id.eq(Uid(project)));
    if let Some(owner) = filter.identity {
        query = query.filter(sessions::identity_id.eq(Uid(owner)));
    }
    if let Some(except) = filter.except {
        query = query.filter(sessions::id.ne(Uid(except)));
    }
    if let Some((active, now)) = filter.active {
        let is_active = sessions::active
            .and(sessions::expires_at.gt(At(now)))
            .and(identities::state.eq(Word(IdentityState::Active)));
        query = if active { query.filter(is_active) } else { query.filter(not(is_active)) };
    }
    query
}

#[cfg(test)]
mod tests {
    use super::super::tests::tell_of_their_changes;
    use super::*;

    #[test]
    fn every_table_that_a_cached_session_is_read_from_tells_of_its_changes() {
        tell_of_their_changes(&with_identity(), &["sessions", "identities"]);
    }
}
