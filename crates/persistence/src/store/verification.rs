//! Entering verification codes, and what becomes of addresses.

use diesel::prelude::*;
use orrery_core::event::NewEvent;
use orrery_core::id::IdentityId;
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::flow::Flow;
use orrery_identity::identity::{AddressStatus, Identity, VerifiableAddress, Via};
use orrery_identity::store::Redeemed;

use super::super::Conn;
use super::code::{Tried, try_code};
use super::{Store, event, flow};
use crate::columns::{Document, Hash, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::event::NewEventRow;
use crate::rows::flow::FlowRow;
use crate::rows::identity::{AddressPurpose, IdentityRow, VerifiableAddressDocument};
use crate::schema::{identities, identity_addresses};

impl Store {
    /// See `FlowStore::verification_redeem`.
    pub(super) async fn redeem_verification(
        &self,
        project: ProjectId,
        passed: &Flow,
        code: &[TokenHash],
        max_submissions: u32,
        events: &[NewEvent],
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let (id, kind, row) = (passed.id, passed.kind, FlowRow::new(project, passed));
        let events = NewEventRow::all(project, events);
        let code: Vec<_> = code.iter().copied().map(Hash).collect();
        self.decide(move |connection| {
            let (identity, via, value) = match try_code(connection, project, (id, kind), code, max_submissions, now)? {
                Tried::Right(identity, Some((via, value))) => (identity, via, value),
                Tried::Right(_, None) | Tried::Wrong => return Ok(Decision::Keep(Redeemed::Wrong)),
                Tried::TooMany => return Ok(Decision::Keep(Redeemed::TooMany)),
                Tried::FlowClosed => return Ok(Decision::Keep(Redeemed::FlowClosed)),
            };
            let proven = verify(connection, project, identity, (via, &value), now)?;
            // The address may have been changed since the code was sent.
            let Some(address) = proven else { return Ok(Decision::Keep(Redeemed::Wrong)) };
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(Redeemed::FlowClosed));
            }
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(Redeemed::Done { identity, address }))
        })
        .await
    }

    /// See `FlowStore::verifiable_address`.
    pub(super) async fn find_verifiable_address(
        &self,
        project: ProjectId,
        via: Via,
        value: &str,
    ) -> Result<Option<(Identity, VerifiableAddress)>, StoreError> {
        let found = self.find_address(project, AddressPurpose::Verifiable, via, value).await?;
        let Some(identity) = found else { return Ok(None) };
        let mut addresses = identity.verifiable_addresses.iter();
        let address = addresses.find(|address| address.via == via && address.value == value).cloned();
        Ok(address.map(|address| (identity, address)))
    }

    /// Whose address this is.
    pub(super) async fn find_address(
        &self,
        project: ProjectId,
        purpose: AddressPurpose,
        via: Via,
        value: &str,
    ) -> Result<Option<Identity>, StoreError> {
        let value = value.to_owned();
        self.read(move |connection| {
            let found = identity_addresses::table
                .inner_join(
                    identities::table.on(identities::project_id
                        .eq(identity_addresses::project_id)
                        .and(identities::id.eq(identity_addresses::identity_id))),
                )
                .filter(identity_addresses::project_id.eq(Uid(project)))
                .filter(identity_addresses::purpose.eq(Word(purpose)))
                .filter(identity_addresses::via.eq(Word(via)))
                .filter(identity_addresses::value.eq(value))
                .select(IdentityRow::as_select())
                .first(connection)
                .optional()?;
            Ok(found.map(|row: IdentityRow| row.into_identity([])))
        })
        .await
    }
}

/// Marks an address as proven, if the identity still has it.
pub(super) fn verify(
    connection: &mut Conn,
    project: ProjectId,
    identity: IdentityId,
    (via, value): (Via, &str),
    now: Timestamp,
) -> Outcome<Option<VerifiableAddress>> {
    change_address(connection, project, identity, via, value, |address| {
        address.verified = true;
        address.status = AddressStatus::Completed;
        address.verified_at = Some(now);
        address.updated_at = now;
    })
}

/// Marks an address as sent to, unless it is proven already.
pub(super) fn mark_sent(
    connection: &mut Conn,
    project: ProjectId,
    identity: IdentityId,
    (via, value): (Via, &str),
    now: Timestamp,
) -> Outcome<()> {
    change_address(connection, project, identity, via, value, |address| {
        if !address.verified {
            address.status = AddressStatus::Sent;
            address.updated_at = now;
        }
    })?;
    Ok(())
}

/// Changes one address of an identity, if it is still there, and returns it.
fn change_address(
    connection: &mut Conn,
    project: ProjectId,
    identity: IdentityId,
    via: Via,
    value: &str,
    change: impl FnOnce(&mut VerifiableAddressDocument),
) -> Outcome<Option<VerifiableAddress>> {
    let this =
        identities::table.filter(identities::project_id.eq(Uid(project))).filter(identities::id.eq(Uid(identity)));
    // Counting the version up locks the row, and makes every change that was computed before this one stale.
    let addresses: Option<Document<Vec<VerifiableAddressDocument>>> = diesel::update(this)
        .set(identities::version.eq(identities::version + 1))
        .returning(identities::verifiable_addresses)
        .get_result(connection)
        .optional()?;
    let Some(Document(mut addresses)) = addresses else { return Ok(None) };
    let Some(address) = addresses.iter_mut().find(|address| address.via == via && address.value == value) else {
        return Ok(None);
    };
    change(address);
    let changed = address.clone();
    diesel::update(this).set(identities::verifiable_addresses.eq(Document(addresses))).execute(connection)?;
    Ok(Some(changed.into()))
}
