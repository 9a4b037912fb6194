//! Authorizations in progress: each step is one guarded statement, and what comes of it is in the same transaction.

use async_trait::async_trait;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use orrery_core::id::ChallengeId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_oauth2::challenge::{AuthorizationFlow, FlowState};
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::store::{
    AuthorizationStore, AuthorizationWithClient, Begins, Begun, Finished, LoginCompleted, PushedRequest, SessionWrite,
    Stepped,
};

use super::super::{Conn, KEY_SHARE};
use super::login_session::{self, IdentitySession, goes_on};
use super::{Store, grant};
use crate::columns::{At, Document, Hash, Id, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::authorization::{AuthorizationChange, AuthorizationRow, LoginSessionRow, PushedRequestRow};
use crate::schema::{authorizations, clients, identities, login_sessions, pushed_requests, sessions};

#[async_trait]
impl AuthorizationStore for Store {
    async fn authorization_begin(
        &self,
        project: ProjectId,
        client: &ClientId,
        session: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<Begun>, StoreError> {
        let client = client.to_string();
        let tokens: Vec<_> = session.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let signed_in = login_sessions::project_id
                .eq(Uid(project))
                .and(login_sessions::token_hash.eq_any(tokens))
                .and(login_sessions::remember)
                .and(login_sessions::ended.eq(false));
            let found: Option<(Document<Client>, Option<LoginSessionRow>, IdentitySession)> = clients::table
                .left_join(login_sessions::table.on(signed_in))
                .left_join(
                    sessions::table.on(sessions::project_id
                        .eq(Uid(project))
                        .and(sessions::id.nullable().eq(login_sessions::identity_session_id))),
                )
                .left_join(
                    identities::table
                        .on(identities::project_id.eq(Uid(project)).and(identities::id.eq(sessions::identity_id))),
                )
                .filter(clients::project_id.eq(Uid(project)))
                .filter(clients::id.eq(client))
                .select((
                    clients::client,
                    Option::<LoginSessionRow>::as_select(),
                    (sessions::active, sessions::expires_at, identities::state).nullable(),
                ))
                .first(connection)
                .optional()?;
            Ok(found.map(|(client, session, identity)| Begun {
                client: client.0,
                session: session.and_then(|session| login_session::counted(session, identity, now)),
            }))
        })
        .await
    }

    async fn request_keep(&self, project: ProjectId, request: &PushedRequest) -> Result<(), StoreError> {
        let row = PushedRequestRow::new(project, request);
        self.write_one(move |connection| {
            diesel::insert_into(pushed_requests::table).values(row).execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn request_by_hash(
        &self,
        project: ProjectId,
        hash: &[TokenHash],
    ) -> Result<Option<PushedRequest>, StoreError> {
        let hash: Vec<_> = hash.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let row = pushed_requests::table
                .filter(pushed_requests::project_id.eq(Uid(project)))
                .filter(pushed_requests::hash.eq_any(hash))
                .select(PushedRequestRow::as_select())
                .first(connection)
                .optional()?;
            row.map(PushedRequestRow::into_request).transpose()
        })
        .await
    }

    async fn login_decide(
        &self,
        project: ProjectId,
        flow: &AuthorizationFlow,
        now: Timestamp,
    ) -> Result<Stepped, StoreError> {
        let (row, pushed) = (AuthorizationRow::new(project, flow), flow.request.pushed);
        self.decide(move |connection| {
            Ok(if insert(connection, row)? && use_request(connection, project, pushed, now)? {
                Decision::Keep(Stepped::Done)
            } else {
                Decision::Undo(Stepped::TooLate)
            })
        })
        .await
    }

    async fn authorization_by_id(
        &self,
        project: ProjectId,
        id: ChallengeId,
        now: Timestamp,
    ) -> Result<Option<AuthorizationWithClient>, StoreError> {
        self.read(move |connection| {
            let found: Option<(AuthorizationRow, Document<Client>, Option<LoginSessionRow>, IdentitySession)> =
                authorizations::table
                    .inner_join(
                        clients::table
                            .on(clients::project_id.eq(Uid(project)).and(clients::id.eq(authorizations::client_id))),
                    )
                    .left_join(
                        login_sessions::table.on(login_sessions::project_id
                            .eq(Uid(project))
                            .and(login_sessions::id.eq(authorizations::login_session_id))
                            .and(login_sessions::ended.eq(false))),
                    )
                    .left_join(
                        sessions::table.on(sessions::project_id
                            .eq(Uid(project))
                            .and(sessions::id.nullable().eq(login_sessions::identity_session_id))),
                    )
                    .left_join(
                        identities::table
                            .on(identities::project_id.eq(Uid(project)).and(identities::id.eq(sessions::identity_id))),
                    )
                    .filter(authorizations::project_id.eq(Uid(project)))
                    .filter(authorizations::id.eq(Uid(id)))
                    .select((
                        AuthorizationRow::as_select(),
                        clients::client,
                        Option::<LoginSessionRow>::as_select(),
                        (sessions::active, sessions::expires_at, identities::state).nullable(),
                    ))
                    .first(connection)
                    .optional()?;
            Ok(found.map(|(flow, client, session, identity)| AuthorizationWithClient {
                flow: flow.into_flow(),
                client: client.0,
                session: session.and_then(|session| login_session::counted(session, identity, now)),
            }))
        })
        .await
    }

    async fn login_complete(&self, project: ProjectId, done: &LoginCompleted) -> Result<Stepped, StoreError> {
        let LoginCompleted { flow, begins, session, ends, granted, now } = done.clone();
        self.decide(move |connection| {
            let stepped = match begins {
                Begins::Decided => {
                    let change = AuthorizationChange::new(&flow);
                    advance(connection, project, flow.id, FlowState::LoginDecided, change)?
                }
                Begins::Fresh => {
                    use_request(connection, project, flow.request.pushed, now)?
                        // What is finished at once has no step left to guard.
                        && (flow.state == FlowState::Finished
                            || insert(connection, AuthorizationRow::new(project, &flow))?)
                }
            };
            if !stepped {
                return Ok(Decision::Undo(Stepped::TooLate));
            }
            // A sign-in that is written now is locked by that.
            let written = matches!(session, SessionWrite::Begin(_));
            if !login_session::write(connection, project, session)? {
                return Ok(Decision::Undo(Stepped::SignedOut));
            }
            if let Some(id) = ends {
                login_session::end(connection, project, id)?;
            }
            if let Some(granted) = granted {
                if !written && !login_session::holds(connection, project, flow.session)? {
                    return Ok(Decision::Undo(Stepped::SignedOut));
                }
                grant::write(connection, project, &granted)?;
            }
            Ok(Decision::Keep(Stepped::Done))
        })
        .await
    }

    async fn consent_decide(&self, project: ProjectId, flow: &AuthorizationFlow) -> Result<Stepped, StoreError> {
        let (id, change) = (flow.id, AuthorizationChange::new(flow));
        self.write_one(move |connection| {
            let stepped = advance(connection, project, id, FlowState::LoginUsed, change)?;
            Ok(if stepped { Stepped::Done } else { Stepped::TooLate })
        })
        .await
    }

    async fn authorization_finish(&self, project: ProjectId, done: &Finished) -> Result<Stepped, StoreError> {
        let Finished { id, from, granted } = done.clone();
        self.decide(move |connection| {
            let this = diesel::update(authorizations::table)
                .filter(authorizations::project_id.eq(Uid(project)))
                .filter(authorizations::id.eq(Uid(id)))
                .filter(authorizations::state.eq(Word(from)));
            let finished = authorizations::state.eq(Word(FlowState::Finished));
            let Some(granted) = granted else {
                let finished = this.set(finished).execute(connection)?;
                return Ok(if finished > 0 { Decision::Keep(Stepped::Done) } else { Decision::Undo(Stepped::TooLate) });
            };
            let session = granted.grant.authentication.session;
            if this.filter(goes_on!(project, session)).set(finished).execute(connection)? == 0 {
                return Ok(Decision::Undo(login_session::why_not(connection, project, session)?));
            }
            grant::write(connection, project, &granted)?;
            Ok(Decision::Keep(Stepped::Done))
        })
        .await
    }
}

/// Inserts an authorization. False when it is there already.
fn insert(connection: &mut Conn, row: AuthorizationRow) -> Outcome<bool> {
    let inserted = diesel::insert_into(authorizations::table)
        .values(row)
        .on_conflict((authorizations::project_id, authorizations::id))
        .do_nothing()
        .execute(connection)?;
    Ok(inserted > 0)
}

/// Takes a step from one state. False when somebody else took it.
fn advance(
    connection: &mut Conn,
    project: ProjectId,
    id: ChallengeId,
    from: FlowState,
    change: AuthorizationChange,
) -> Outcome<bool> {
    let changed = diesel::update(authorizations::table)
        .filter(authorizations::project_id.eq(Uid(project)))
        .filter(authorizations::id.eq(Uid(id)))
        .filter(authorizations::state.eq(Word(from)))
        .set(change)
        .execute(connection)?;
    Ok(changed > 0)
}

/// Uses a pushed request, if there is one. False when it was used before, or is gone.
fn use_request(connection: &mut Conn, project: ProjectId, pushed: Option<TokenHash>, now: Timestamp) -> Outcome<bool> {
    let Some(hash) = pushed else { return Ok(true) };
    let used = diesel::update(pushed_requests::table)
        .filter(pushed_requests::project_id.eq(Uid(project)))
        .filter(pushed_requests::hash.eq(Hash(hash)))
        .filter(pushed_requests::used_at.is_null())
        .set(pushed_requests::used_at.eq(Some(At(now))))
        .execute(connection)?;
    Ok(used > 0)
}
