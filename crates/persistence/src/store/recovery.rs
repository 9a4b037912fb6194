//! Finding accounts to recover, and entering recovery codes and the tokens of recovery links.

use diesel::prelude::*;
use orrery_core::{ProjectId, StoreError};
use orrery_identity::identity::Identity;
use orrery_identity::store::{Recovery, RecoveryDone};

use super::code::{Tried, try_code};
use super::complete::{session_of, write_session};
use super::identity::SEARCHED;
use super::{Store, event, flow, session, verification};
use crate::columns::{Hash, Uid, Word};
use crate::queue::Decision;
use crate::rows::event::NewEventRow;
use crate::rows::flow::{FlowRow, WholeFlowRow};
use crate::rows::identity::{AddressPurpose, IdentityRow};
use crate::schema::{credential_identifiers, identities, identity_addresses};

impl Store {
    /// See `FlowStore::recoverable`.
    pub(super) async fn find_recoverable(
        &self,
        project: ProjectId,
        spellings: &[String],
    ) -> Result<Option<Identity>, StoreError> {
        let spellings = spellings.to_vec();
        self.read(move |connection| {
            let by_address: Option<IdentityRow> = identity_addresses::table
                .inner_join(
                    identities::table.on(identities::project_id
                        .eq(identity_addresses::project_id)
                        .and(identities::id.eq(identity_addresses::identity_id))),
                )
                .filter(identity_addresses::project_id.eq(Uid(project)))
                .filter(identity_addresses::purpose.eq(Word(AddressPurpose::Recovery)))
                .filter(identity_addresses::value.eq_any(spellings.clone()))
                .select(IdentityRow::as_select())
                .first(connection)
                .optional()?;
            // Asked in any case, so that it takes no longer to find nobody.
            let by_name: Option<IdentityRow> = credential_identifiers::table
                .inner_join(
                    identities::table.on(identities::project_id
                        .eq(credential_identifiers::project_id)
                        .and(identities::id.eq(credential_identifiers::identity_id))),
                )
                .filter(credential_identifiers::project_id.eq(Uid(project)))
                .filter(credential_identifiers::kind.eq_any(SEARCHED))
                .filter(credential_identifiers::identifier.eq_any(spellings))
                .select(IdentityRow::as_select())
                .first(connection)
                .optional()?;
            Ok(by_address.or(by_name).map(|row| row.into_identity([])))
        })
        .await
    }

    /// See `FlowStore::recovery_complete`.
    pub(super) async fn complete_recovery(
        &self,
        project: ProjectId,
        done: &RecoveryDone,
    ) -> Result<Recovery, StoreError> {
        let (id, kind, now) = (done.flow.id, done.flow.kind, done.flow.updated_at);
        let (row, settings) = (FlowRow::new(project, &done.flow), WholeFlowRow::new(project, &done.settings));
        let events = NewEventRow::all(project, &done.events);
        let codes: Vec<_> = done.codes.iter().copied().map(Hash).collect();
        let (session, limit, revoke_others) = (done.session.clone(), done.max_submissions, done.revoke_others);
        self.decide(move |connection| {
            let (owner, session_id) = session_of(&session);
            let address = match try_code(connection, project, (id, kind), codes, limit, now)? {
                Tried::Right(identity, address) if identity == owner => address,
                Tried::Right(..) | Tried::Wrong => return Ok(Decision::Keep(Recovery::Wrong)),
                Tried::TooMany => return Ok(Decision::Keep(Recovery::TooMany)),
                Tried::FlowClosed => return Ok(Decision::Keep(Recovery::FlowClosed)),
            };
            if !write_session(connection, project, session)? {
                return Ok(Decision::Keep(Recovery::Inactive));
            }
            if !flow::update_open(connection, project, id, kind, row)? {
                return Ok(Decision::Undo(Recovery::FlowClosed));
            }
            flow::insert(connection, settings)?;
            if let Some((via, value)) = address {
                // The code went there, so whoever entered it reads it. Not every recovery address can be verified.
                verification::verify(connection, project, owner, (via, &value), now)?;
            }
            if revoke_others {
                session::revoke_others(connection, project, owner, Some(session_id))?;
            }
            event::enqueue(connection, events)?;
            Ok(Decision::Keep(Recovery::Done))
        })
        .await
    }
}
