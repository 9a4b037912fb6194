//! Identities with their credentials and addresses.

use std::collections::BTreeMap;

use orrery_core::Timestamp;
use orrery_core::id::{AddressId, IdentityId, OrganizationId};
use orrery_core::moving::{Failed, Row, Unreadable};
use uuid::Uuid;

use super::Table;
use super::credential::{self, Tools};
use crate::credentials::CredentialKind;
use crate::identity::{AddressStatus, Identity, IdentityState, RecoveryAddress, VerifiableAddress, Via};
use crate::schema::normalize::normalize;

/// An identity and everything that belongs to it.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) identity: Row,
    /// With the name of its type and its identifiers.
    pub(super) credentials: Vec<(Row, String, Vec<Row>)>,
    pub(super) verifiable: Vec<Row>,
    pub(super) recovery: Vec<Row>,
}

impl Rows {
    /// How many rows of each table.
    pub(super) fn counts(&self) -> [(Table, usize); 5] {
        let identifiers = self.credentials.iter().map(|(_, _, identifiers)| identifiers.len()).sum();
        [
            (Table::Identities, 1),
            (Table::Credentials, self.credentials.len()),
            (Table::Identifiers, identifiers),
            (Table::VerifiableAddresses, self.verifiable.len()),
            (Table::RecoveryAddresses, self.recovery.len()),
        ]
    }
}

/// An identity of ours, and what of it could not be had.
#[derive(Debug)]
pub(super) struct Translated {
    pub(super) identity: Identity,
    pub(super) failed: Vec<Failed<Table>>,
    /// Credentials of types that exist only there.
    pub(super) strange: usize,
    /// Their identifiers.
    pub(super) strange_identifiers: usize,
    /// Tokens of providers that nobody could open.
    pub(super) lost_tokens: usize,
}

/// The identity. Names and addresses are those that Kratos kept, so that everybody still signs in who could, even when
/// the schema has changed since; `updated_at` is when anything about it last changed.
///
/// # Errors
/// When the identity itself cannot be understood. A credential or an address that cannot is only left out.
pub(super) fn translate(rows: &Rows, tools: Tools<'_>) -> Result<Translated, Unreadable> {
    let row = &rows.identity;
    let id = IdentityId::from_uuid(row.needed_id("id")?);
    let created_at = row.needed_moment("created_at")?;
    let traits = row.document("traits")?.unwrap_or_default();
    let mut identity = Identity {
        id,
        external_id: row.text("external_id").map(str::to_owned),
        schema_id: row.needed_text("schema_id")?.to_owned(),
        state: match row.text("state") {
            None | Some("active") => IdentityState::Active,
            Some("inactive") => IdentityState::Inactive,
            Some(_) => return Err(Unreadable("state")),
        },
        state_changed_at: row.moment("state_changed_at")?.unwrap_or(created_at),
        traits: traits.as_object().cloned().ok_or(Unreadable("traits"))?,
        metadata_public: row.document("metadata_public")?,
        metadata_admin: row.document("metadata_admin")?,
        organization_id: row.id("organization_id")?.filter(|id| !id.is_nil()).map(OrganizationId::from_uuid),
        factors: [].into(),
        credentials: BTreeMap::new(),
        verifiable_addresses: Vec::new(),
        recovery_addresses: Vec::new(),
        version: 0,
        created_at,
        updated_at: row.moment("updated_at")?.unwrap_or(created_at).max(created_at),
    };
    let mut translated = Translated {
        identity: identity.clone(),
        failed: Vec::new(),
        strange: 0,
        strange_identifiers: 0,
        lost_tokens: 0,
    };
    credentials(rows, tools, &mut identity, &mut translated);
    addresses(rows, &mut identity, &mut translated.failed);
    let changes = rows.credentials.iter().map(|(row, ..)| row).chain(&rows.verifiable).chain(&rows.recovery);
    let last = changes.filter_map(|row| row.moment("updated_at").ok().flatten()).max();
    identity.updated_at = identity.updated_at.max(last.unwrap_or(identity.updated_at));
    identity.recompute_factors();
    translated.identity = identity;
    Ok(translated)
}

fn credentials(rows: &Rows, tools: Tools<'_>, identity: &mut Identity, translated: &mut Translated) {
    for (row, kind, identifiers) in &rows.credentials {
        let fail = |reason: &str| Failed { table: Table::Credentials, id: row.name(), reason: reason.to_owned() };
        let Ok(kind) = kind.parse::<CredentialKind>() else {
            translated.strange += 1;
            translated.strange_identifiers += identifiers.len();
            continue;
        };
        if identity.credentials.contains_key(&kind) {
            translated.failed.push(fail("the identity has another credential of the same type"));
            continue;
        }
        match credential::translate(row, kind, identifiers, identity.id, tools) {
            Ok(found) => {
                translated.lost_tokens += found.lost_tokens;
                translated.failed.extend(found.lost.map(fail));
                // A name stays reserved; a second factor without its secret would be in everybody's way.
                if found.lost.is_none() || kind == CredentialKind::Password {
                    identity.credentials.insert(kind, found.credential);
                }
            }
            Err(why) => translated.failed.push(fail(&why.to_string())),
        }
    }
}

fn addresses(rows: &Rows, identity: &mut Identity, failed: &mut Vec<Failed<Table>>) {
    for row in &rows.verifiable {
        match verifiable(row) {
            Ok(address) => {
                let known = &mut identity.verifiable_addresses;
                if known.iter().all(|known| (known.via, &known.value) != (address.via, &address.value)) {
                    known.push(address);
                }
            }
            Err(why) => {
                failed.push(Failed { table: Table::VerifiableAddresses, id: row.name(), reason: why.to_string() });
            }
        }
    }
    for row in &rows.recovery {
        match recovery(row) {
            Ok(address) => {
                let known = &mut identity.recovery_addresses;
                if known.iter().all(|known| (known.via, &known.value) != (address.via, &address.value)) {
                    known.push(address);
                }
            }
            Err(why) => {
                failed.push(Failed { table: Table::RecoveryAddresses, id: row.name(), reason: why.to_string() });
            }
        }
    }
}

fn verifiable(row: &Row) -> Result<VerifiableAddress, Unreadable> {
    let (id, via, value, created_at) = address(row)?;
    let updated_at = row.moment("updated_at")?.unwrap_or(created_at);
    let verified = row.flag("verified");
    let status = match (verified, row.text("status")) {
        (true, _) => AddressStatus::Completed,
        (false, Some("sent")) => AddressStatus::Sent,
        (false, _) => AddressStatus::Pending,
    };
    let verified_at = row.moment("verified_at")?.filter(|moment| *moment > Timestamp::EPOCH);
    let verified_at = verified.then(|| verified_at.unwrap_or(updated_at));
    Ok(VerifiableAddress { id, value, via, verified, status, verified_at, created_at, updated_at })
}

fn recovery(row: &Row) -> Result<RecoveryAddress, Unreadable> {
    let (id, via, value, created_at) = address(row)?;
    let updated_at = row.moment("updated_at")?.unwrap_or(created_at);
    Ok(RecoveryAddress { id, value, via, created_at, updated_at })
}

fn address(row: &Row) -> Result<(AddressId, Via, String, Timestamp), Unreadable> {
    let id: Uuid = row.needed_id("id")?;
    let via = match row.needed_text("via")? {
        "email" => Via::Email,
        "sms" | "phone" => Via::Sms,
        _ => return Err(Unreadable("via")),
    };
    let value = normalize(row.needed_text("value")?);
    Ok((AddressId::from_uuid(id), via, value, row.needed_moment("created_at")?))
}
