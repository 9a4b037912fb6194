//! Inserting identities, one or many, with everything that belongs to them.

use diesel::Connection as _;
use diesel::prelude::*;
use orrery_core::ProjectId;
use orrery_core::error::Conflict;
use orrery_identity::identity::Identity;

use super::super::Conn;
use crate::error::{Failure, OrConflict, Outcome};
use crate::rows::identity::{AddressPurpose, AddressRow, CredentialRow, IdentifierRow, IdentityRow};
use crate::schema::{credential_identifiers, identities, identity_addresses, identity_credentials};

/// Rows of one statement. Both databases bound how many values a statement may carry; seventeen columns are the most.
const ROWS: usize = 500;

/// What is inserted for a new identity.
pub(super) struct NewIdentity {
    row: IdentityRow,
    dependents: Dependents,
}

impl NewIdentity {
    pub(super) fn new(project: ProjectId, identity: &Identity) -> Self {
        Self {
            row: IdentityRow::new(project, identity, identity.version),
            dependents: Dependents::new(project, identity),
        }
    }

    pub(super) fn insert(&self, connection: &mut Conn) -> Outcome<()> {
        insert_all(connection, std::slice::from_ref(self))
    }

    fn exists(&self, connection: &mut Conn) -> Outcome<bool> {
        let same = identities::table
            .filter(identities::project_id.eq(self.row.project_id))
            .filter(identities::id.eq(self.row.id));
        let count: i64 = same.count().get_result(connection)?;
        Ok(count > 0)
    }
}

/// Inserts all that can be inserted, and says for each what it clashed with. Whole tables are filled with one statement;
/// the few that are refused are found by halving.
pub(super) fn insert_many(connection: &mut Conn, new: &[NewIdentity]) -> Outcome<Vec<Result<(), Conflict>>> {
    let refused = match connection.transaction(|savepoint| insert_all(savepoint, new)) {
        Ok(()) => return Ok(vec![Ok(()); new.len()]),
        Err(Failure::Conflict(conflict)) => conflict,
        Err(failure) => return Err(failure),
    };
    if let [only] = new {
        // Which of several broken rules is told depends on the database; that it exists says most.
        let exists = only.exists(connection)?;
        return Ok(vec![Err(if exists { Conflict::Identity } else { refused })]);
    }
    let (first, second) = new.split_at(new.len() / 2);
    let mut outcomes = insert_many(connection, first)?;
    outcomes.extend(insert_many(connection, second)?);
    Ok(outcomes)
}

fn insert_all(connection: &mut Conn, new: &[NewIdentity]) -> Outcome<()> {
    let rows: Vec<_> = new.iter().map(|new| &new.row).collect();
    for rows in rows.chunks(ROWS) {
        diesel::insert_into(identities::table)
            .values(rows.to_vec())
            .execute(connection)
            .or_conflict(Conflict::ExternalId)?;
    }
    insert_dependents(connection, &new.iter().map(|new| &new.dependents).collect::<Vec<_>>())
}

/// The rows that belong to an identity.
pub(super) struct Dependents {
    credentials: Vec<CredentialRow>,
    identifiers: Vec<IdentifierRow>,
    verifiable: Vec<AddressRow>,
    recovery: Vec<AddressRow>,
}

impl Dependents {
    pub(super) fn new(project: ProjectId, identity: &Identity) -> Self {
        Self {
            credentials: CredentialRow::of(project, identity),
            identifiers: IdentifierRow::of(project, identity),
            verifiable: AddressRow::of(project, identity, AddressPurpose::Verifiable),
            recovery: AddressRow::of(project, identity, AddressPurpose::Recovery),
        }
    }

    pub(super) fn insert(&self, connection: &mut Conn) -> Outcome<()> {
        insert_dependents(connection, &[self])
    }
}

fn insert_dependents(connection: &mut Conn, all: &[&Dependents]) -> Outcome<()> {
    let credentials: Vec<_> = all.iter().flat_map(|one| &one.credentials).collect();
    for rows in credentials.chunks(ROWS) {
        diesel::insert_into(identity_credentials::table).values(rows.to_vec()).execute(connection)?;
    }
    let identifiers: Vec<_> = all.iter().flat_map(|one| &one.identifiers).collect();
    for rows in identifiers.chunks(ROWS) {
        diesel::insert_into(credential_identifiers::table)
            .values(rows.to_vec())
            .execute(connection)
            .or_conflict(Conflict::CredentialIdentifier)?;
    }
    let verifiable: Vec<_> = all.iter().flat_map(|one| &one.verifiable).collect();
    let recovery: Vec<_> = all.iter().flat_map(|one| &one.recovery).collect();
    for (addresses, conflict) in [(verifiable, Conflict::VerifiableAddress), (recovery, Conflict::RecoveryAddress)] {
        for rows in addresses.chunks(ROWS) {
            diesel::insert_into(identity_addresses::table)
                .values(rows.to_vec())
                .execute(connection)
                .or_conflict(conflict)?;
        }
    }
    Ok(())
}
