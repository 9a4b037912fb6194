//! Sending and entering verification codes.

use diesel::prelude::*;
use orrery_core::id::{FlowId, IdentityId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_courier::message::NewMessage;
use orrery_identity::flow::{Flow, FlowKind};
use orrery_identity::identity::{AddressStatus, Identity, VerifiableAddress, Via};
use orrery_identity::store::{NewCode, Redeemed, Updated};

use super::super::Conn;
use super::{Store, flow, message};
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Outcome;
use crate::queue::Decision;
use crate::rows::flow::{CodeRow, FlowRow, WholeFlowRow};
use crate::rows::identity::{AddressPurpose, IdentityRow, VerifiableAddressDocument};
use crate::rows::message::NewMessageRow;
use crate::schema::{flow_codes, flows, identities, identity_addresses};

impl Store {
    /// See `FlowStore::verification_send`.
    pub(super) async fn send_verification(
        &self,
        project: ProjectId,
        flow: &Flow,
        code: &NewCode,
        messages: &[NewMessage],
    ) -> Result<Updated, StoreError> {
        let (flow, code, messages) = (flow.clone(), code.clone(), NewMessageRow::all(project, messages));
        self.write(move |connection| {
            if !open_for_code(connection, project, &flow)? {
                return Ok(Updated::Stale);
            }
            insert_code(connection, project, &code)?;
            message::enqueue(connection, messages)?;
            Ok(Updated::Done)
        })
        .await
    }

    /// See `FlowStore::verification_redeem`.
    pub(super) async fn redeem_verification(
        &self,
        project: ProjectId,
        passed: &Flow,
        code: &[TokenHash],
        max_submissions: u32,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let (id, kind, row) = (passed.id, passed.kind, FlowRow::new(project, passed));
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
            Ok(Decision::Keep(Redeemed::Done { identity, address }))
        })
        .await
    }

    /// See `FlowStore::verification_code_fits`.
    pub(super) async fn code_fits(
        &self,
        project: ProjectId,
        flow: FlowId,
        code: &[TokenHash],
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let code: Vec<_> = code.iter().copied().map(Hash).collect();
        self.read(move |connection| {
            let found: i64 = usable(Uid(project), Uid(flow), code, At(now)).count().get_result(connection)?;
            Ok(found > 0)
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

/// Stores a flow that waits for a code, unless it was completed, and removes its earlier codes.
pub(super) fn open_for_code(connection: &mut Conn, project: ProjectId, flow: &Flow) -> Outcome<bool> {
    if !flow::update_open(connection, project, flow.id, flow.kind, FlowRow::new(project, flow))? {
        let inserted = diesel::insert_into(flows::table)
            .values(WholeFlowRow::new(project, flow))
            .on_conflict((flows::project_id, flows::id))
            .do_nothing()
            .execute(connection)?;
        if inserted == 0 {
            return Ok(false);
        }
    }
    diesel::delete(flow_codes::table)
        .filter(flow_codes::project_id.eq(Uid(project)))
        .filter(flow_codes::flow_id.eq(Uid(flow.id)))
        .execute(connection)?;
    Ok(true)
}

/// What became of trying a code.
pub(super) enum Tried {
    /// It was right, and is used now: whose it is, and the address that it went to.
    Right(IdentityId, Option<(Via, String)>),
    /// Wrong, used or expired.
    Wrong,
    /// The flow has used up its tries.
    TooMany,
    /// The flow was completed before, or is gone.
    FlowClosed,
}

/// Counts a try, and uses the code if it is right.
pub(super) fn try_code(
    connection: &mut Conn,
    project: ProjectId,
    (id, kind): (FlowId, FlowKind),
    code: Vec<Hash>,
    max_submissions: u32,
    now: Timestamp,
) -> Outcome<Tried> {
    let limit = i32::try_from(max_submissions).unwrap_or(i32::MAX);
    let open = flows::table
        .filter(flows::project_id.eq(Uid(project)))
        .filter(flows::id.eq(Uid(id)))
        .filter(flows::kind.eq(Word(kind)))
        .filter(flows::completed_at.is_null());
    let counted = diesel::update(open)
        .filter(flows::submissions.lt(limit))
        .set(flows::submissions.eq(flows::submissions + 1))
        .execute(connection)?;
    if counted == 0 {
        let still_open: i64 = open.count().get_result(connection)?;
        return Ok(if still_open > 0 { Tried::TooMany } else { Tried::FlowClosed });
    }
    // Deleting is using: of several that enter the same code only one finds it.
    let used: Option<Proof> = diesel::delete(usable(Uid(project), Uid(id), code, At(now)))
        .returning((flow_codes::identity_id, flow_codes::via, flow_codes::address))
        .get_result(connection)
        .optional()?;
    let Some((Some(identity), via, address)) = used else { return Ok(Tried::Wrong) };
    Ok(Tried::Right(identity.0, via.map(|via| via.0).zip(address)))
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

/// Whose address a code proves, and which.
type Proof = (Option<Uid<IdentityId>>, Option<Word<Via>>, Option<String>);

/// The codes of a flow that would be accepted: unexpired, one of these, and not made for an address of nobody.
#[diesel::dsl::auto_type]
fn usable(project: Uid<ProjectId>, flow: Uid<FlowId>, code: Vec<Hash>, now: At) -> _ {
    flow_codes::table
        .filter(flow_codes::project_id.eq(project))
        .filter(flow_codes::flow_id.eq(flow))
        .filter(flow_codes::code_hash.eq_any(code))
        .filter(flow_codes::expires_at.gt(now))
        .filter(flow_codes::identity_id.is_not_null())
}

/// Inserts a code that is being sent, and marks its address accordingly unless it is proven already.
pub(super) fn insert_code(connection: &mut Conn, project: ProjectId, code: &NewCode) -> Outcome<()> {
    diesel::insert_into(flow_codes::table).values(CodeRow::new(project, code)).execute(connection)?;
    if let (Some(identity), Some((via, value))) = (code.identity, &code.address) {
        change_address(connection, project, identity, *via, value, |address| {
            if !address.verified {
                address.status = AddressStatus::Sent;
                address.updated_at = code.created_at;
            }
        })?;
    }
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
