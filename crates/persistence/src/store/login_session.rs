//! Login sessions.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::dsl::{select, sql};
use diesel::helper_types::{IntoBoxed, Select};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use orrery_core::event::NewEvent;
use orrery_core::id::LoginSessionId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::grant::Authentication;
use orrery_oauth2::session::LoginSession;
use orrery_oauth2::store::{LoginSessionStore, SessionClient, SessionEnd, SessionEnded, SessionWrite, Stepped};

use super::super::{Conn, Db, KEY_SHARE};
use super::{Store, event};
use crate::columns::{At, Document, Hash, Id, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::authorization::LoginSessionRow;
use crate::rows::event::NewEventRow;
use crate::schema::{clients, grants, identities, login_sessions, sessions};

/// What decides whether the identity's session behind a sign-in is active; none when there is no such session.
pub(super) type IdentitySession = Option<(bool, At, Word<IdentityState>)>;

/// Whether a sign-in goes on. On PostgreSQL nobody else can remove it before the transaction has ended, so that whoever ends it
/// finds what is written meanwhile.
macro_rules! goes_on {
    ($project:expr, $id:expr) => {
        sql::<Bool>("EXISTS (SELECT 1 FROM login_sessions AS held WHERE held.project_id = ")
            .bind::<Id, _>(Uid($project))
            .sql(" AND held.id = ")
            .bind::<Id, _>(Uid($id))
            .sql(" AND NOT held.ended ")
            .sql(KEY_SHARE)
            .sql(")")
    };
}
pub(super) use goes_on;

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
            let found: Vec<Document<Client>> =
                clients_of(Uid(project), Uid(id)).select(clients::client).load(connection)?;
            let told: Vec<(String, String, Document<Authentication>)> = grants::table
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::login_session_id.eq(Uid(id)))
                .order(grants::requested_at)
                .select((grants::client_id, grants::subject, grants::authentication))
                .load(connection)?;
            // The last one of each client stays.
            let told: HashMap<_, _> = told
                .into_iter()
                .map(|(client, subject, authentication)| (client, authentication.0.told_subject(&subject).to_owned()))
                .collect();
            let clients = found.into_iter().filter_map(|Document(client)| {
                let subject = told.get(client.id.as_str())?.clone();
                Some(SessionClient { client, subject })
            });
            Ok(Some(SessionEnded { session: session.into_session(), clients: clients.collect() }))
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
            // The identity's session first, as whoever signs out there does: two that end both wait for each other in one order.
            end_behind(connection, project, behind(project).filter(login_sessions::id.eq(Uid(id))))?;
            let ended = diesel::delete(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::id.eq(Uid(id)))
                .execute(connection)?;
            if ended == 0 {
                return Ok(Decision::Undo(SessionEnd::Gone));
            }
            let concerned: Vec<String> = clients_of(Uid(project), Uid(id)).select(clients::id).load(connection)?;
            if concerned.iter().any(|client| !told.contains(client)) {
                return Ok(Decision::Undo(SessionEnd::MoreClients));
            }
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(SessionEnd::Done))
        })
        .await
    }

    async fn login_sessions_end(&self, project: ProjectId, subject: &str) -> Result<(), StoreError> {
        let subject = subject.to_owned();
        self.write(move |connection| {
            end_behind(connection, project, behind(project).filter(login_sessions::subject.eq(subject.clone())))?;
            diesel::update(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::subject.eq(subject))
                .set(login_sessions::ended.eq(true))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn login_sessions_ended(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(ProjectId, LoginSessionId)>, StoreError> {
        self.read(move |connection| {
            let found: Vec<(Uid<ProjectId>, Uid<LoginSessionId>)> = login_sessions::table
                .filter(login_sessions::ended)
                .filter(login_sessions::expires_at.gt(At(now)))
                .order((login_sessions::project_id, login_sessions::id))
                .limit(i64::from(limit))
                .select((login_sessions::project_id, login_sessions::id))
                .load(connection)?;
            Ok(found.into_iter().map(|(project, id)| (project.0, id.0)).collect())
        })
        .await
    }
}

/// The clients that have tokens of a sign-in, by id.
#[diesel::dsl::auto_type]
fn clients_of(project: Uid<ProjectId>, id: Uid<LoginSessionId>) -> _ {
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
        .filter(login_sessions::ended.eq(false))
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

/// Stores what becomes of a sign-in. False when it has ended in the meantime, and somebody is to hear of that still.
pub(super) fn write(connection: &mut Conn, project: ProjectId, write: SessionWrite) -> Outcome<bool> {
    match write {
        SessionWrite::Keep => Ok(true),
        SessionWrite::Begin(session) => {
            let begin = diesel::insert_into(login_sessions::table)
                .values(LoginSessionRow::new(project, &session))
                .on_conflict((login_sessions::project_id, login_sessions::id))
                .do_update()
                .set(LoginSessionRow::new(project, &session));
            let begun = diesel::query_dsl::methods::FilterDsl::filter(begin, login_sessions::ended.eq(false))
                .execute(connection)?;
            Ok(begun > 0)
        }
        SessionWrite::Extend { id, expires_at } => {
            diesel::update(login_sessions::table)
                .filter(login_sessions::project_id.eq(Uid(project)))
                .filter(login_sessions::id.eq(Uid(id)))
                .filter(login_sessions::expires_at.lt(At(expires_at)))
                .set(login_sessions::expires_at.eq(At(expires_at)))
                .execute(connection)?;
            Ok(true)
        }
    }
}

/// Why a step could not be taken that needs the sign-in.
pub(super) fn why_not(connection: &mut Conn, project: ProjectId, id: LoginSessionId) -> Outcome<Stepped> {
    Ok(if holds(connection, project, id)? { Stepped::TooLate } else { Stepped::SignedOut })
}

/// Whether a sign-in goes on, as `goes_on!` asks.
pub(super) fn holds(connection: &mut Conn, project: ProjectId, id: LoginSessionId) -> Outcome<bool> {
    Ok(select(goes_on!(project, id)).get_result(connection)?)
}

/// Ends a sign-in that another one replaced. Its clients are told later.
pub(super) fn end(connection: &mut Conn, project: ProjectId, id: LoginSessionId) -> Outcome<()> {
    diesel::update(login_sessions::table)
        .filter(login_sessions::project_id.eq(Uid(project)))
        .filter(login_sessions::id.eq(Uid(id)))
        .set(login_sessions::ended.eq(true))
        .execute(connection)?;
    Ok(())
}

/// The identity's sessions behind sign-ins of a project.
type Behind = IntoBoxed<'static, Select<login_sessions::table, login_sessions::identity_session_id>, Db>;

fn behind(project: ProjectId) -> Behind {
    login_sessions::table
        .select(login_sessions::identity_session_id)
        .into_boxed()
        .filter(login_sessions::project_id.eq(Uid(project)))
}

/// Revokes the identity's sessions behind sign-ins that end.
fn end_behind(connection: &mut Conn, project: ProjectId, behind: Behind) -> Outcome<()> {
    diesel::update(sessions::table)
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::id.nullable().eq_any(behind))
        .filter(sessions::active)
        .set(sessions::active.eq(false))
        .execute(connection)?;
    Ok(())
}
