//! Flows: storing, reading, and the errors that browsers are shown. Completing them: `login.rs`, `registration.rs`,
//! `verification.rs`.

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::event::NewEvent;
use orrery_core::id::{FlowErrorId, FlowId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::flow::{Flow, FlowKind};
use orrery_identity::identity::{Identity, VerifiableAddress, Via};
use orrery_identity::store::{
    CodeSent, CodeTried, Completion, Exchanged, FailedAttempt, FlowAndSession, FlowStore, LoginDone, Recovery,
    RecoveryDone, Redeemed, RegistrationDone, SettingsDone, SettingsStored, Updated, VerifiedChange,
};
use serde_json::Value;

use super::super::Conn;
use super::{Store, attempt, event, session};
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Outcome;
use crate::rows::event::NewEventRow;
use crate::rows::flow::{FlowRow, WholeFlowRow};
use crate::rows::identity::{AddressPurpose, IdentityRow};
use crate::rows::session::SessionRow;
use crate::schema::{flow_errors, flows, projects, sessions};

#[async_trait]
impl FlowStore for Store {
    async fn flow_create(&self, project: ProjectId, flow: &Flow) -> Result<(), StoreError> {
        let row = WholeFlowRow::new(project, flow);
        self.write_one(move |connection| insert(connection, row)).await
    }

    async fn flow_begin(&self, project: ProjectId, flow: &Flow, events: &[NewEvent]) -> Result<(), StoreError> {
        let (row, events) = (WholeFlowRow::new(project, flow), NewEventRow::all(project, events));
        self.write(move |connection| {
            insert(connection, row)?;
            event::enqueue(connection, events)
        })
        .await
    }

    async fn flow_exchange(
        &self,
        project: ProjectId,
        flow: (FlowKind, FlowId),
        token: TokenHash,
        now: Timestamp,
    ) -> Result<Exchanged, StoreError> {
        self.exchange_token(project, flow, token, now).await
    }

    async fn flow_by_id(&self, project: ProjectId, kind: FlowKind, id: FlowId) -> Result<Option<Flow>, StoreError> {
        self.read(move |connection| {
            let row = flows::table
                .filter(flows::project_id.eq(Uid(project)))
                .filter(flows::id.eq(Uid(id)))
                .filter(flows::kind.eq(Word(kind)))
                .select(WholeFlowRow::as_select())
                .first(connection)
                .optional()?;
            row.map(WholeFlowRow::into_flow).transpose()
        })
        .await
    }

    async fn flow_with_session(
        &self,
        project: ProjectId,
        kind: FlowKind,
        id: FlowId,
        token: &[TokenHash],
    ) -> Result<FlowAndSession, StoreError> {
        if token.is_empty() {
            return Ok(FlowAndSession { flow: self.flow_by_id(project, kind, id).await?, session: None });
        }
        let token: Vec<_> = token.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            // From the project's row, which is always there: one statement finds the flow, the session, both or none.
            // The inner join stands inside the outer one: as a chain of outer joins this takes minutes to compile.
            let found: Option<(Option<WholeFlowRow>, Option<(SessionRow, IdentityRow)>)> =
                projects::table
                    .left_join(flows::table.on(
                        flows::project_id.eq(projects::id).and(flows::id.eq(Uid(id))).and(flows::kind.eq(Word(kind))),
                    ))
                    .left_join(
                        session::with_identity()
                            .on(sessions::project_id.eq(projects::id).and(sessions::token_hash.eq_any(token))),
                    )
                    .filter(projects::id.eq(Uid(project)))
                    .select((Option::<WholeFlowRow>::as_select(), Option::<(SessionRow, IdentityRow)>::as_select()))
                    .first(connection)
                    .optional()?;
            let (flow, session) = found.unwrap_or_default();
            Ok(FlowAndSession {
                flow: flow.map(WholeFlowRow::into_flow).transpose()?,
                session: session.map(|(session, identity)| session.with_identity(identity)),
            })
        })
        .await
    }

    async fn flow_update(
        &self,
        project: ProjectId,
        flow: &Flow,
        failed: Option<&FailedAttempt>,
    ) -> Result<Updated, StoreError> {
        let (row, id, kind, failed) = (FlowRow::new(project, flow), flow.id, flow.kind, failed.copied());
        self.write(move |connection| {
            // Counted whatever becomes of the flow: closing it first must not make guesses free.
            if let Some(failed) = failed {
                attempt::count(connection, project, &failed)?;
            }
            if update_open(connection, project, id, kind, row)? {
                return Ok(Updated::Done);
            }
            Ok(if exists(connection, project, id, kind)? { Updated::Stale } else { Updated::Unknown })
        })
        .await
    }

    async fn login_complete(&self, project: ProjectId, done: &LoginDone) -> Result<Completion, StoreError> {
        self.complete_login(project, done).await
    }

    async fn registration_complete(
        &self,
        project: ProjectId,
        done: &RegistrationDone,
    ) -> Result<Completion, StoreError> {
        self.complete_registration(project, done).await
    }

    async fn verification_redeem(
        &self,
        project: ProjectId,
        passed: &Flow,
        code: &[TokenHash],
        max_submissions: u32,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        self.redeem_verification(project, passed, code, max_submissions, events, now).await
    }

    async fn verification_code_fits(
        &self,
        project: ProjectId,
        flow: FlowId,
        code: &[TokenHash],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.code_fits(project, flow, code, now).await
    }

    async fn verifiable_address(
        &self,
        project: ProjectId,
        via: Via,
        value: &str,
    ) -> Result<Option<(Identity, VerifiableAddress)>, StoreError> {
        self.find_verifiable_address(project, via, value).await
    }

    async fn settings_complete(&self, project: ProjectId, done: &SettingsDone) -> Result<SettingsStored, StoreError> {
        self.complete_settings(project, done).await
    }

    async fn verified_change(&self, project: ProjectId, change: &VerifiedChange) -> Result<Redeemed, StoreError> {
        self.complete_verified_change(project, change).await
    }

    async fn recovery_address(
        &self,
        project: ProjectId,
        via: Via,
        value: &str,
    ) -> Result<Option<Identity>, StoreError> {
        self.find_address(project, AddressPurpose::Recovery, via, value).await
    }

    async fn recoverable(&self, project: ProjectId, spellings: &[String]) -> Result<Option<Identity>, StoreError> {
        self.find_recoverable(project, spellings).await
    }

    async fn code_send(&self, project: ProjectId, sent: &CodeSent) -> Result<Updated, StoreError> {
        self.send_code(project, sent).await
    }

    async fn code_try(
        &self,
        project: ProjectId,
        flow: (FlowKind, FlowId),
        code: &[TokenHash],
        max_submissions: u32,
        now: Timestamp,
    ) -> Result<CodeTried, StoreError> {
        self.try_one_code(project, flow, code, max_submissions, now).await
    }

    async fn recovery_complete(&self, project: ProjectId, done: &RecoveryDone) -> Result<Recovery, StoreError> {
        self.complete_recovery(project, done).await
    }

    async fn flow_error_create(
        &self,
        project: ProjectId,
        id: FlowErrorId,
        error: &Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let error = error.clone();
        self.write_one(move |connection| {
            diesel::insert_into(flow_errors::table)
                .values((
                    flow_errors::project_id.eq(Uid(project)),
                    flow_errors::id.eq(Uid(id)),
                    flow_errors::error.eq(Document(error)),
                    flow_errors::created_at.eq(At(now)),
                ))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn flow_error_by_id(
        &self,
        project: ProjectId,
        id: FlowErrorId,
    ) -> Result<Option<(Value, Timestamp)>, StoreError> {
        self.read(move |connection| {
            let found: Option<(Document<Value>, At)> = flow_errors::table
                .filter(flow_errors::project_id.eq(Uid(project)))
                .filter(flow_errors::id.eq(Uid(id)))
                .select((flow_errors::error, flow_errors::created_at))
                .first(connection)
                .optional()?;
            Ok(found.map(|(error, created_at)| (error.0, created_at.0)))
        })
        .await
    }
}

/// Inserts a flow.
pub(super) fn insert(connection: &mut Conn, row: WholeFlowRow) -> Outcome<()> {
    diesel::insert_into(flows::table).values(row).execute(connection)?;
    Ok(())
}

/// Stores the flow unless it was completed. This is the guard that lets every flow be completed once.
pub(super) fn update_open(
    connection: &mut Conn,
    project: ProjectId,
    id: FlowId,
    kind: FlowKind,
    row: FlowRow,
) -> Outcome<bool> {
    let updated = diesel::update(flows::table)
        .filter(flows::project_id.eq(Uid(project)))
        .filter(flows::id.eq(Uid(id)))
        .filter(flows::kind.eq(Word(kind)))
        .filter(flows::completed_at.is_null())
        .set(row)
        .execute(connection)?;
    Ok(updated > 0)
}

/// Whether there is such a flow, completed or not.
pub(super) fn exists(connection: &mut Conn, project: ProjectId, id: FlowId, kind: FlowKind) -> Outcome<bool> {
    let count: i64 = flows::table
        .filter(flows::project_id.eq(Uid(project)))
        .filter(flows::id.eq(Uid(id)))
        .filter(flows::kind.eq(Word(kind)))
        .count()
        .get_result(connection)?;
    Ok(count > 0)
}
