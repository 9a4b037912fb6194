//! Storing a change that somebody makes to their own account: everything that it writes, in one transaction.

use diesel::prelude::*;
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::{ProjectId, StoreError, Timestamp};
use orrery_identity::store::{Redeemed, SettingsDone, SettingsStored, Updated, VerifiedChange};

use super::super::Conn;
use super::code::{Tried, insert_code, try_code};
use super::identity::IdentityChange;
use super::{Store, event, flow, message, session};
use crate::columns::{At, Hash, Uid};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::event::NewEventRow;
use crate::rows::flow::{FlowRow, WholeFlowRow};
use crate::rows::message::NewMessageRow;
use crate::schema::sessions;

impl Store {
    /// See `FlowStore::settings_complete`.
    pub(super) async fn complete_settings(
        &self,
        project: ProjectId,
        done: &SettingsDone,
    ) -> Result<SettingsStored, StoreError> {
        let row = FlowRow::new(project, &done.flow);
        let (id, kind, now) = (done.flow.id, done.flow.kind, done.flow.updated_at);
        let (owner, keep, revoke_others) = (done.identity.id, done.session, done.revoke_others);
        let change = IdentityChange::new(project, &done.identity, &done.removed);
        let messages = NewMessageRow::all(project, &done.messages);
        let events = NewEventRow::all(project, &done.events);
        let started = done.verifications.iter();
        let started: Vec<_> = started.map(|(flow, code)| (WholeFlowRow::new(project, flow), code.clone())).collect();
        self.decide(move |connection| {
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(SettingsStored::FlowClosed));
            }
            if !is_signed_in(connection, project, owner, keep, now)? {
                return Ok(Decision::Undo(SettingsStored::SignedOut));
            }
            match change.apply(connection)? {
                Updated::Done => {}
                Updated::Stale => return Ok(Decision::Undo(SettingsStored::Stale)),
                Updated::Unknown => return Ok(Decision::Undo(SettingsStored::SignedOut)),
            }
            if revoke_others {
                session::revoke_others(connection, project, owner, Some(keep))?;
            }
            for (flow, code) in started {
                flow::insert(connection, flow)?;
                insert_code(connection, project, &code)?;
            }
            message::enqueue(connection, messages)?;
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(SettingsStored::Done))
        })
        .await
    }
}

impl Store {
    /// See `FlowStore::verified_change`.
    pub(super) async fn complete_verified_change(
        &self,
        project: ProjectId,
        change: &VerifiedChange,
    ) -> Result<Redeemed, StoreError> {
        let (id, kind, now) = (change.flow.id, change.flow.kind, change.flow.updated_at);
        let row = FlowRow::new(project, &change.flow);
        let codes: Vec<_> = change.codes.iter().copied().map(Hash).collect();
        let (owner, keep, limit) = (change.identity.id, change.session, change.max_submissions);
        let revoke_others = change.revoke_others;
        let addresses = change.identity.verifiable_addresses.clone();
        let events = NewEventRow::all(project, &change.events);
        let change = IdentityChange::new(project, &change.identity, &change.removed);
        self.decide(move |connection| {
            let value = match try_code(connection, project, (id, kind), codes, limit, now)? {
                Tried::Right(identity, Some((_, value))) if identity == owner => value,
                Tried::Right(..) | Tried::Wrong => return Ok(Decision::Keep(Redeemed::Wrong)),
                Tried::TooMany => return Ok(Decision::Keep(Redeemed::TooMany)),
                Tried::FlowClosed => return Ok(Decision::Keep(Redeemed::FlowClosed)),
            };
            let Some(address) = addresses.into_iter().find(|address| address.verified && address.value == value) else {
                return Ok(Decision::Keep(Redeemed::Wrong));
            };
            if !is_signed_in(connection, project, owner, keep, now)? {
                return Ok(Decision::Keep(Redeemed::Wrong));
            }
            match change.apply(connection)? {
                Updated::Done => {}
                Updated::Stale | Updated::Unknown => return Ok(Decision::Keep(Redeemed::Wrong)),
            }
            if revoke_others {
                session::revoke_others(connection, project, owner, Some(keep))?;
            }
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(Redeemed::FlowClosed));
            }
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(Redeemed::Done { identity: owner, address }))
        })
        .await
    }
}

/// Whether the session is still active. Writing to it locks it, so that it cannot be revoked until the change is stored.
fn is_signed_in(
    connection: &mut Conn,
    project: ProjectId,
    owner: IdentityId,
    session: SessionId,
    now: Timestamp,
) -> Outcome<bool> {
    let found = diesel::update(sessions::table)
        .filter(sessions::project_id.eq(Uid(project)))
        .filter(sessions::id.eq(Uid(session)))
        .filter(sessions::identity_id.eq(Uid(owner)))
        .filter(sessions::active)
        .filter(sessions::expires_at.gt(At(now)))
        .set(sessions::updated_at.eq(At(now)))
        .execute(connection)?;
    Ok(found > 0)
}
