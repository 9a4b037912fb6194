//! Completing a login or a registration: everything that it writes, in one transaction, once.

use diesel::prelude::*;
use orrery_core::id::{FlowId, IdentityId, SessionId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::identity::IdentityState;
use orrery_identity::store::{Completion, LoginDone, RegistrationDone, SessionWrite};

use super::super::Conn;
use super::new_identity::NewIdentity;
use super::{Store, attempt, code, event, flow, message, session, verification};
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::event::NewEventRow;
use crate::rows::flow::{FlowRow, WholeFlowRow};
use crate::rows::message::NewMessageRow;
use crate::rows::session::{NewSessionRow, SessionRow};
use crate::schema::{identities, identity_credentials, sessions};

impl Store {
    /// See `FlowStore::login_complete`.
    pub(super) async fn complete_login(&self, project: ProjectId, done: &LoginDone) -> Result<Completion, StoreError> {
        let row = FlowRow::new(project, &done.flow);
        let messages = NewMessageRow::all(project, &done.messages);
        let events = NewEventRow::all(project, &done.events);
        let (id, kind) = (done.flow.id, done.flow.kind);
        let (session, upgraded) = (done.session.clone(), done.upgraded.clone());
        let (clear_attempts, revoke_others) = (done.clear_attempts.clone(), done.revoke_others);
        let (code, proven, now) = (hashes(done.code.as_deref()), done.proven.clone(), done.flow.updated_at);
        self.decide(move |connection| {
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(Completion::FlowClosed));
            }
            let (owner, session_id) = session_of(&session);
            if let Some(code) = code
                && !is_used_by(connection, project, id, code, owner, now)?
            {
                return Ok(Decision::Undo(Completion::CodeUsed));
            }
            if !write_session(connection, project, session)? {
                return Ok(Decision::Undo(Completion::Inactive));
            }
            if let Some((credential, read_at)) = upgraded {
                diesel::update(identity_credentials::table)
                    .filter(identity_credentials::project_id.eq(Uid(project)))
                    .filter(identity_credentials::identity_id.eq(Uid(owner)))
                    .filter(identity_credentials::kind.eq(Word(credential.kind)))
                    .filter(identity_credentials::id.eq(Uid(credential.id)))
                    .filter(identity_credentials::updated_at.eq(At(read_at)))
                    .set((
                        identity_credentials::config.eq(Document(credential.config)),
                        identity_credentials::version.eq(credential.version),
                        identity_credentials::updated_at.eq(At(credential.updated_at)),
                    ))
                    .execute(connection)?;
            }
            if let Some((via, value)) = proven {
                verification::verify(connection, project, owner, (via, &value), now)?;
            }
            if !clear_attempts.is_empty() {
                attempt::clear(connection, project, &clear_attempts)?;
            }
            if revoke_others {
                session::revoke_others(connection, project, owner, Some(session_id))?;
            }
            message::enqueue(connection, messages)?;
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(Completion::Done))
        })
        .await
    }

    /// See `FlowStore::registration_complete`.
    pub(super) async fn complete_registration(
        &self,
        project: ProjectId,
        done: &RegistrationDone,
    ) -> Result<Completion, StoreError> {
        let row = FlowRow::new(project, &done.flow);
        let identity = NewIdentity::new(project, &done.identity);
        let messages = NewMessageRow::all(project, &done.messages);
        let events = NewEventRow::all(project, &done.events);
        let (id, kind, session) = (done.flow.id, done.flow.kind, done.session.clone());
        let verification = done.verification.clone().map(|(flow, code)| (WholeFlowRow::new(project, &flow), code));
        let (code, owner, now) = (hashes(done.code.as_deref()), done.identity.id, done.flow.updated_at);
        self.decide(move |connection| {
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(Completion::FlowClosed));
            }
            if let Some(code) = code
                && !is_used_by(connection, project, id, code, owner, now)?
            {
                return Ok(Decision::Undo(Completion::CodeUsed));
            }
            identity.insert(connection)?;
            if let Some(session) = session
                && !write_session(connection, project, session)?
            {
                return Ok(Decision::Undo(Completion::Inactive));
            }
            if let Some((flow, code)) = verification {
                flow::insert(connection, flow)?;
                code::insert_code(connection, project, &code)?;
            }
            message::enqueue(connection, messages)?;
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(Completion::Done))
        })
        .await
    }
}

fn hashes(code: Option<&[TokenHash]>) -> Option<Vec<Hash>> {
    code.map(|code| code.iter().copied().map(Hash).collect())
}

/// Uses a code that was tried before, if it still is there and `owner`'s.
fn is_used_by(
    connection: &mut Conn,
    project: ProjectId,
    flow: FlowId,
    code: Vec<Hash>,
    owner: IdentityId,
    now: Timestamp,
) -> Outcome<bool> {
    Ok(code::use_code(connection, project, flow, code, now)?.is_some_and(|(identity, _)| identity == owner))
}

pub(super) fn session_of(write: &SessionWrite) -> (IdentityId, SessionId) {
    let (SessionWrite::Create { session, .. } | SessionWrite::Renew(session)) = write;
    (session.identity_id, session.id)
}

/// Writes the session if its identity may sign in and, for a renewal, if it is still active.
pub(super) fn write_session(connection: &mut Conn, project: ProjectId, write: SessionWrite) -> Outcome<bool> {
    let (owner, _) = session_of(&write);
    let may_sign_in: i64 = identities::table
        .filter(identities::project_id.eq(Uid(project)))
        .filter(identities::id.eq(Uid(owner)))
        .filter(identities::state.eq(Word(IdentityState::Active)))
        .count()
        .get_result(connection)?;
    if may_sign_in == 0 {
        return Ok(false);
    }
    let written = match write {
        SessionWrite::Create { session, token } => {
            let row = NewSessionRow::new(project, &session, token);
            diesel::insert_into(sessions::table).values(row).execute(connection)?
        }
        SessionWrite::Renew(session) => diesel::update(sessions::table)
            .filter(sessions::project_id.eq(Uid(project)))
            .filter(sessions::id.eq(Uid(session.id)))
            .filter(sessions::identity_id.eq(Uid(session.identity_id)))
            .filter(sessions::active)
            .set(SessionRow::new(project, &session))
            .execute(connection)?,
    };
    Ok(written > 0)
}
