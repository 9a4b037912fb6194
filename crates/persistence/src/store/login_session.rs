//! Login sessions.

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::event::NewEvent;
use orrery_core::id::{LoginSessionId, SessionId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{LoginSessionStore, SessionEnd, SessionEnded, SessionWrite};

use super::super::Conn;
use super::{Store, event};
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::authorization::LoginSessionRow;
use crate::rows::event::NewEventRow;
use crate::schema::{clients, grants, identities, login_sessions, sessions};

/// What decides whether the identity's session behind a sign-in is active; none when there is no such session.
pub(super) type IdentitySession = Option<(bool, At, Word<IdentityState>)>;

#[async_trait]
impl LoginSessionStore for Store {
    async fn login_session_by_token(
        &self,
        project: ProjectId,
        tokens: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError> {
        let tokens: Vec<_> = tokens.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let found: Option<(LoginSessionRow, IdentitySession)> = with_identity(Uid(project))
                .filter(login_sessions::token_hash.eq_any(tokens))
                .filter(login_sessions::remember)
                .select((
                    LoginSessionRow::as_select(),
                    (sessions::active, sessions::expires_at, identities::state).nullable(),
                ))
                .first(connection)
                .optional()?;
            Ok(found.and_then(|(session, identity)| counted(session, identity, now)))
        })
        .await
    }

    async fn login_session_by_id(
        &self,
        project: ProjectId,
        id: LoginSessionId,
        now: Timestamp,
    ) -> Result<Option<LoginSession>, StoreError> {
        self.read(move |connection| {
            let found: Option<(LoginSessionRow, IdentitySession)> = with_identity(Uid(project))
                .filter(login_sessions::id.eq(Uid(id)))
                .select((
                    LoginSessionRow::as_select(),
                    (sessions::active, sessions::expires_at, identities::state).nullable(),
                ))
                .first(connection)
                .optional()?;
            Ok(found.and_then(|(session, identity)| counted(session, identity, now)))
        })
        .await
    }

    async fn login_session_with_clients(
        &self,
        project: ProjectId,
        id: LoginSessionId,
    ) -> Result<Option<SessionEnded>, StoreError> {
        self.read(move |connection| {
            let session: Option<LoginSessionRow> = login_sessions::table
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::id.eq(Uid(id)))
                .select(LoginSessionRow::as_select())
                .first(connection)
                .optional()?;
            let Some(session) = session else { return Ok(None) };
            let found: Vec<Document<Client>> = clients_of(project, id).select(clients::client).load(connection)?;
            let clients = found.into_iter().map(|client| client.0).collect();
            Ok(Some(SessionEnded { session: session.into_session(), clients }))
        })
        .await
    }

    async fn login_session_end(
        &self,
        project: ProjectId,
        id: LoginSessionId,
        told: &[ClientId],
        events: &[NewEvent],
    ) -> Result<SessionEnd, StoreError> {
        let told: Vec<_> = told.iter().map(ToString::to_string).collect();
        let events = NewEventRow::all(project, events);
        self.decide(move |connection| {
            let ended: Option<LoginSessionRow> = diesel::delete(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::id.eq(Uid(id)))
                .returning(LoginSessionRow::as_returning())
                .get_result(connection)
                .optional()?;
            let Some(ended) = ended else { return Ok(Decision::Undo(SessionEnd::Gone)) };
            let concerned: Vec<String> = clients_of(project, id).select(clients::id).load(connection)?;
            if concerned.iter().any(|client| !told.contains(client)) {
                return Ok(Decision::Undo(SessionEnd::MoreClients));
            }
            revoke(connection, project, ended.into_session().identity_session.into_iter().collect())?;
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(SessionEnd::Done))
        })
        .await
    }

    async fn login_sessions_end(&self, project: ProjectId, subject: &str) -> Result<u64, StoreError> {
        let subject = subject.to_owned();
        self.write(move |connection| {
            let ended: Vec<LoginSessionRow> = diesel::delete(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::subject.eq(subject))
                .returning(LoginSessionRow::as_returning())
                .get_results(connection)?;
            let behind = ended.iter().filter_map(|session| session.identity_session_id).map(|id| id.0).collect();
            revoke(connection, project, behind)?;
            Ok(u64::try_from(ended.len()).unwrap_or(u64::MAX))
        })
        .await
    }
}

/// The clients that have tokens of a sign-in, by id.
#[diesel::dsl::auto_type]
fn clients_of(project: ProjectId, id: LoginSessionId) -> _ {
    let project: Uid<ProjectId> = Uid(project);
    let id: Uid<LoginSessionId> = Uid(id);
    let theirs = grants::table
        .filter(grants::project_id.eq(project))
        .filter(grants::login_session_id.eq(id))
        .select(grants::client_id);
    clients::table.filter(clients::project_id.eq(project)).filter(clients::id.eq_any(theirs)).order(clients::id)
}

/// Sign-ins, each with the identity's session and the identity behind it.
#[diesel::dsl::auto_type]
fn with_identity(project: Uid<ProjectId>) -> _ {
    let session = sessions::project_id
        .eq(login_sessions::project_id)
        .and(sessions::id.nullable().eq(login_sessions::identity_session_id));
    let identity = identities::project_id.eq(login_sessions::project_id).and(identities::id.eq(sessions::identity_id));
    login_sessions::table
        .left_join(sessions::table.on(session))
        .left_join(identities::table.on(identity))
        .filter(login_sessions::project_id.eq(project))
}

/// The session, unless it has ended, or the identity's session behind it has.
pub(super) fn counted(row: LoginSessionRow, identity: IdentitySession, now: Timestamp) -> Option<LoginSession> {
    let session = row.into_session();
    let stands = session.identity_session.is_none()
        || identity.is_some_and(|(active, expires_at, state)| {
            active && expires_at.0 > now && state.0 == IdentityState::Active
        });
    (stands && session.expires_at > now).then_some(session)
}

/// Stores what becomes of a sign-in.
pub(super) fn write(connection: &mut Conn, project: ProjectId, write: SessionWrite) -> Outcome<()> {
    match write {
        SessionWrite::Keep => {}
        SessionWrite::Begin(session) => {
            diesel::insert_into(login_sessions::table)
                .values(LoginSessionRow::new(project, &session))
                .on_conflict((login_sessions::project_id, login_sessions::id))
                .do_update()
                .set(LoginSessionRow::new(project, &session))
                .execute(connection)?;
        }
        SessionWrite::Extend { id, expires_at } => {
            diesel::update(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::id.eq(Uid(id)))
                .filter(login_sessions::expires_at.lt(At(expires_at)))
                .set(login_sessions::expires_at.eq(At(expires_at)))
                .execute(connection)?;
        }
    }
    Ok(())
}

/// Forgets a sign-in that another one replaced.
pub(super) fn delete(connection: &mut Conn, project: ProjectId, id: LoginSessionId) -> Outcome<()> {
    diesel::delete(login_sessions::table)
        .filter(login_sessions::project_id.eq(Uid(project)))
        .filter(login_sessions::id.eq(Uid(id)))
        .execute(connection)?;
    Ok(())
}

/// Revokes the identity's sessions behind sign-ins that have ended.
fn revoke(connection: &mut Conn, project: ProjectId, behind: Vec<SessionId>) -> Outcome<()> {
    if behind.is_empty() {
        return Ok(());
    }
    diesel::update(sessions::table)
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::id.eq_any(behind.into_iter().map(Uid).collect::<Vec<_>>()))
        .filter(sessions::active)
        .set(sessions::active.eq(false))
        .execute(connection)?;
    Ok(())
}
