//! Devices that wait for approval.

use std::time::Duration;

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use orrery_core::error::Conflict;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::store::FailedAttempt;
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::device::{DeviceCode, DeviceState};
use orrery_oauth2::store::{DeviceRedemption, DeviceStore, Granted, Polled, Recognised, Redeemed, Stepped, TypedCode};

use super::super::KEY_SHARE;
use super::login_session::{self, goes_on};
use super::token::{client, hold_grant, insert};
use super::{Store, attempt, grant};
use crate::columns::{At, Document, Hash, Id, Uid, Word};
use crate::error::OrConflict;
use crate::queue::Decision;
use crate::rows::device::DeviceRow;
use crate::rows::grant::GrantRow;
use crate::schema::{clients, device_codes, grants};

/// What a device that asks too soon has to wait longer, in seconds (RFC 8628 section 3.5).
const LONGER: i32 = 5;

#[async_trait]
impl DeviceStore for Store {
    async fn device_create(&self, project: ProjectId, code: &DeviceCode) -> Result<(), StoreError> {
        let row = DeviceRow::new(project, code);
        self.write_one(move |connection| {
            diesel::insert_into(device_codes::table).values(row).execute(connection).or_conflict(Conflict::Other)?;
            Ok(())
        })
        .await
    }

    async fn device_poll(
        &self,
        project: ProjectId,
        hashes: &[TokenHash],
        client: &ClientId,
        now: Timestamp,
    ) -> Result<(Polled, Option<TokenHash>), StoreError> {
        let hashes: Vec<_> = hashes.iter().copied().map(Hash).collect();
        let owner = client.to_string();
        self.write(move |connection| {
            let found: Option<(DeviceRow, Option<GrantRow>)> = device_codes::table
                .left_join(
                    grants::table.on(grants::project_id
                        .eq(device_codes::project_id)
                        .and(grants::id.nullable().eq(device_codes::grant_id))),
                )
                .filter(device_codes::project_id.eq(Uid(project)))
                .filter(device_codes::hash.eq_any(hashes))
                .filter(device_codes::client_id.eq(owner))
                .select((DeviceRow::as_select(), Option::<GrantRow>::as_select()))
                .first(connection)
                .optional()?;
            let Some((row, grant)) = found else { return Ok((Polled::Unknown, None)) };
            let code = row.into_code()?;
            let hash = Some(code.hash);
            if code.expires_at <= now {
                return Ok((Polled::Expired, hash));
            }
            let polled = match (code.state, grant) {
                (DeviceState::Denied, _) => Polled::Denied,
                (DeviceState::Approved, Some(grant)) => Polled::Approved(Box::new(grant.into_grant()?)),
                // What was granted has been taken back since.
                (DeviceState::Approved, None) => Polled::Denied,
                (DeviceState::Waiting, _) if now < code.poll_after => Polled::TooSoon,
                (DeviceState::Waiting, _) => Polled::Waiting,
            };
            if matches!(polled, Polled::Waiting | Polled::TooSoon) {
                let longer = if polled == Polled::TooSoon { LONGER } else { 0 };
                let interval = code.poll_interval.saturating_add(longer);
                let wait = Duration::from_secs(u64::try_from(interval).unwrap_or(0));
                diesel::update(device_codes::table)
                    .filter(device_codes::project_id.eq(Uid(project)))
                    .filter(device_codes::hash.eq(Hash(code.hash)))
                    .set((device_codes::poll_interval.eq(interval), device_codes::poll_after.eq(At(now + wait))))
                    .execute(connection)?;
            }
            Ok((polled, hash))
        })
        .await
    }

    async fn device_recognise(&self, project: ProjectId, typed: &TypedCode) -> Result<Recognised, StoreError> {
        let TypedCode { hashes, network, misses, wait, now } = typed.clone();
        let hashes: Vec<_> = hashes.into_iter().map(Hash).collect();
        let miss = FailedAttempt { counter: network, account: None, at: now, window: wait, limit: misses, lock: wait };
        self.decide(move |connection| {
            // The counter first: whoever guesses in parallel waits here.
            let before = attempt::hold(connection, project, &miss, None)?;
            if let Some(until) = before.locked_until.filter(|until| *until > now) {
                return Ok(Decision::Undo(Recognised::TooManyMisses { until }));
            }
            let waiting = waiting(Uid(project), hashes, At(now));
            let found: Option<DeviceRow> = waiting.select(DeviceRow::as_select()).first(connection).optional()?;
            if let Some(row) = found {
                return Ok(Decision::Undo(Recognised::Device(Box::new(row.into_code()?))));
            }
            attempt::raise(connection, project, before, &miss)?;
            Ok(Decision::Keep(Recognised::Unknown))
        })
        .await
    }

    async fn device_by_user_code(
        &self,
        project: ProjectId,
        hashes: &[TokenHash],
        now: Timestamp,
    ) -> Result<Option<(DeviceCode, Client)>, StoreError> {
        let hashes: Vec<_> = hashes.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let client = clients::project_id.eq(device_codes::project_id).and(clients::id.eq(device_codes::client_id));
            let found: Option<(DeviceRow, Document<Client>)> = waiting(Uid(project), hashes, At(now))
                .inner_join(clients::table.on(client))
                .select((DeviceRow::as_select(), clients::client))
                .first(connection)
                .optional()?;
            found.map(|(row, client)| Ok((row.into_code()?, client.0))).transpose()
        })
        .await
    }

    async fn device_decide(
        &self,
        project: ProjectId,
        code: TokenHash,
        granted: Option<&Granted>,
        now: Timestamp,
    ) -> Result<Stepped, StoreError> {
        let granted = granted.cloned();
        self.decide(move |connection| {
            let this = diesel::update(device_codes::table)
                .filter(device_codes::project_id.eq(Uid(project)))
                .filter(device_codes::hash.eq(Hash(code)))
                .filter(device_codes::state.eq(Word(DeviceState::Waiting)))
                .filter(device_codes::expires_at.gt(At(now)));
            let Some(granted) = granted else {
                let denied = this.set(device_codes::state.eq(Word(DeviceState::Denied))).execute(connection)?;
                return Ok(if denied > 0 { Decision::Keep(Stepped::Done) } else { Decision::Undo(Stepped::TooLate) });
            };
            let session = granted.grant.authentication.session;
            let approved = this.filter(goes_on!(project, session)).set((
                device_codes::state.eq(Word(DeviceState::Approved)),
                device_codes::grant_id.eq(Uid(granted.grant.id)),
            ));
            if approved.execute(connection)? == 0 {
                return Ok(Decision::Undo(login_session::why_not(connection, project, session)?));
            }
            grant::write(connection, project, &granted)?;
            Ok(Decision::Keep(Stepped::Done))
        })
        .await
    }

    async fn device_redeem(&self, project: ProjectId, redemption: &DeviceRedemption) -> Result<Redeemed, StoreError> {
        let redemption = redemption.clone();
        self.decide(move |connection| {
            let DeviceRedemption { code, client: owner, grant, tokens, grant_until, now } = redemption;
            if !hold_grant(connection, project, grant, grant_until)? {
                return Ok(Decision::Undo(Redeemed::Gone));
            }
            // Deleting is using: of several that ask at once only one finds it.
            let used = diesel::delete(device_codes::table)
                .filter(device_codes::project_id.eq(Uid(project)))
                .filter(device_codes::hash.eq(Hash(code)))
                .filter(device_codes::state.eq(Word(DeviceState::Approved)))
                .filter(device_codes::grant_id.eq(Uid(grant)))
                .filter(device_codes::expires_at.gt(At(now)))
                .filter(exists(client(Uid(project), owner.to_string())))
                .execute(connection)?;
            if used == 0 {
                return Ok(Decision::Undo(Redeemed::Gone));
            }
            insert(connection, project, &tokens)?;
            Ok(Decision::Keep(Redeemed::Done))
        })
        .await
    }
}

/// Devices that show one of these codes and that somebody may decide about.
#[diesel::dsl::auto_type]
fn waiting(project: Uid<ProjectId>, hashes: Vec<Hash>, now: At) -> _ {
    let state: Word<DeviceState> = Word(DeviceState::Waiting);
    device_codes::table
        .filter(device_codes::project_id.eq(project))
        .filter(device_codes::user_code_hash.eq_any(hashes))
        .filter(device_codes::state.eq(state))
        .filter(device_codes::expires_at.gt(now))
}
