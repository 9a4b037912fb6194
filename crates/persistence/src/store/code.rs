//! Codes and the tokens of links: sending one, trying one, using one. Which flow they belong to makes no difference.

use diesel::prelude::*;
use orrery_core::id::{FlowId, IdentityId, MessageId};
use orrery_core::{ProjectId, StoreError, Timestamp, TokenHash};
use orrery_identity::flow::{Flow, FlowKind};
use orrery_identity::identity::Via;
use orrery_identity::store::{CodeSent, CodeTried, NewCode, Updated};

use super::super::Conn;
use super::{Store, flow, message, verification};
use crate::columns::{At, Hash, Uid, Word};
use crate::error::Outcome;
use crate::rows::flow::{CodeRow, FlowRow, WholeFlowRow};
use crate::rows::message::NewMessageRow;
use crate::schema::{flow_codes, flows, messages};

impl Store {
    /// See `FlowStore::code_send`.
    pub(super) async fn send_code(&self, project: ProjectId, sent: &CodeSent) -> Result<Updated, StoreError> {
        let CodeSent { flow, code, message, marks } = sent.clone();
        let rows = NewMessageRow::all(project, message.as_slice());
        self.write(move |connection| {
            if !open_for_code(connection, project, &flow)? {
                return Ok(Updated::Stale);
            }
            insert_code(connection, project, &code)?;
            if let (Some(owner), Some((via, value))) = (code.identity, marks) {
                verification::mark_sent(connection, project, owner, (via, &value), code.created_at)?;
            }
            if message.is_some() {
                message::enqueue(connection, rows)?;
            } else {
                // Nobody is to get anything: as many statements as if somebody were. No message has this id.
                diesel::delete(messages::table)
                    .filter(messages::project_id.eq(Uid(project)))
                    .filter(messages::id.eq(Uid(MessageId::from_uuid(code.id.as_uuid()))))
                    .execute(connection)?;
            }
            Ok(Updated::Done)
        })
        .await
    }

    /// See `FlowStore::code_try`.
    pub(super) async fn try_one_code(
        &self,
        project: ProjectId,
        (kind, id): (FlowKind, FlowId),
        code: &[TokenHash],
        max_submissions: u32,
        now: Timestamp,
    ) -> Result<CodeTried, StoreError> {
        let code: Vec<_> = code.iter().copied().map(Hash).collect();
        self.write(move |connection| {
            Ok(match count_try(connection, project, (id, kind), max_submissions)? {
                Counted::Yes => {
                    let found: Option<Proof> = usable(Uid(project), Uid(id), code, At(now))
                        .select((flow_codes::identity_id, flow_codes::via, flow_codes::address))
                        .first(connection)
                        .optional()?;
                    match found.and_then(proven) {
                        Some((identity, address)) => CodeTried::Right { identity, address },
                        None => CodeTried::Wrong,
                    }
                }
                Counted::TooMany => CodeTried::TooMany,
                Counted::FlowClosed => CodeTried::FlowClosed,
            })
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

/// Inserts a code that is being sent.
pub(super) fn insert_code(connection: &mut Conn, project: ProjectId, code: &NewCode) -> Outcome<()> {
    diesel::insert_into(flow_codes::table).values(CodeRow::new(project, code)).execute(connection)?;
    Ok(())
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
    match count_try(connection, project, (id, kind), max_submissions)? {
        Counted::Yes => {}
        Counted::TooMany => return Ok(Tried::TooMany),
        Counted::FlowClosed => return Ok(Tried::FlowClosed),
    }
    let used = use_code(connection, project, id, code, now)?;
    Ok(used.map_or(Tried::Wrong, |(identity, address)| Tried::Right(identity, address)))
}

/// Whose a code is, and the address that it went to.
type Used = (IdentityId, Option<(Via, String)>);

/// Uses a code, if it is the right one.
pub(super) fn use_code(
    connection: &mut Conn,
    project: ProjectId,
    flow: FlowId,
    code: Vec<Hash>,
    now: Timestamp,
) -> Outcome<Option<Used>> {
    // Deleting is using: of several that enter the same code only one finds it.
    let used: Option<Proof> = diesel::delete(usable(Uid(project), Uid(flow), code, At(now)))
        .returning((flow_codes::identity_id, flow_codes::via, flow_codes::address))
        .get_result(connection)
        .optional()?;
    Ok(used.and_then(proven))
}

/// Whether a try counts.
enum Counted {
    Yes,
    /// The flow has used up its tries.
    TooMany,
    /// The flow was completed before, or is gone.
    FlowClosed,
}

/// Counts a try, if the flow has any left.
fn count_try(
    connection: &mut Conn,
    project: ProjectId,
    (id, kind): (FlowId, FlowKind),
    max_submissions: u32,
) -> Outcome<Counted> {
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
    if counted > 0 {
        return Ok(Counted::Yes);
    }
    let still_open: i64 = open.count().get_result(connection)?;
    Ok(if still_open > 0 { Counted::TooMany } else { Counted::FlowClosed })
}

fn proven((identity, via, address): Proof) -> Option<Used> {
    identity.map(|identity| (identity.0, via.map(|via| via.0).zip(address)))
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
