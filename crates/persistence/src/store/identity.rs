//! Identities with their credentials and addresses.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::id::{CredentialId, IdentityId};
use orrery_core::{Page, PageRequest, ProjectId, StoreError, TokenHash};
use orrery_identity::credentials::CredentialKind;
use orrery_identity::identity::Identity;
use orrery_identity::store::{CredentialLookup, IdentityFilter, IdentityStore, Updated};
use serde_json::Value;
use uuid::Uuid;

use super::super::{Conn, Db};
use super::Store;
use super::attempt::AttemptRow;
use super::new_identity::{Dependents, NewIdentity, insert_many};
use crate::columns::{Document, Hash, Uid, Word};
use crate::error::{OrConflict, Outcome};
use crate::page;
use crate::queue::Decision;
use crate::rows::identity::{CredentialRow, IdentityRow};
use crate::schema::{
    attempt_counters, credential_identifiers, flow_codes, flows, identities, identity_addresses, identity_credentials,
    projects,
};

/// Kinds whose identifiers an administrator can search. The handles of passkeys mean nothing to anybody.
pub(super) const SEARCHED: [Word<CredentialKind>; 5] = [
    Word(CredentialKind::Password),
    Word(CredentialKind::Webauthn),
    Word(CredentialKind::Code),
    Word(CredentialKind::Oidc),
    Word(CredentialKind::Saml),
];

#[async_trait]
impl IdentityStore for Store {
    async fn identity_create(&self, project: ProjectId, identity: &Identity) -> Result<(), StoreError> {
        let new = [NewIdentity::new(project, identity)];
        let created = self.decide(move |connection| {
            Ok(match insert_many(connection, &new)?.pop() {
                Some(Err(conflict)) => Decision::Undo(Err(conflict)),
                Some(Ok(())) | None => Decision::Keep(Ok(())),
            })
        });
        created.await?.map_err(StoreError::Conflict)
    }

    async fn identity_create_many(
        &self,
        project: ProjectId,
        identities: &[Identity],
    ) -> Result<Vec<Result<(), Conflict>>, StoreError> {
        let new: Vec<_> = identities.iter().map(|identity| NewIdentity::new(project, identity)).collect();
        self.write(move |connection| insert_many(connection, &new)).await
    }

    async fn identity_by_id(
        &self,
        project: ProjectId,
        id: IdentityId,
        credentials: &BTreeSet<CredentialKind>,
    ) -> Result<Option<Identity>, StoreError> {
        let kinds = words(credentials);
        self.read(move |connection| {
            let row = identities::table
                .filter(identities::project_id.eq(Uid(project)))
                .filter(identities::id.eq(Uid(id)))
                .select(IdentityRow::as_select())
                .first(connection)
                .optional()?;
            Ok(with_credentials(connection, project, row.into_iter().collect(), kinds)?.pop())
        })
        .await
    }

    async fn identity_by_external_id(
        &self,
        project: ProjectId,
        external_id: &str,
        credentials: &BTreeSet<CredentialKind>,
    ) -> Result<Option<Identity>, StoreError> {
        let (external_id, kinds) = (external_id.to_owned(), words(credentials));
        self.read(move |connection| {
            let row = identities::table
                .filter(identities::project_id.eq(Uid(project)))
                .filter(identities::external_id.eq(external_id))
                .select(IdentityRow::as_select())
                .first(connection)
                .optional()?;
            Ok(with_credentials(connection, project, row.into_iter().collect(), kinds)?.pop())
        })
        .await
    }

    async fn identity_list(
        &self,
        project: ProjectId,
        filter: &IdentityFilter,
        credentials: &BTreeSet<CredentialKind>,
        page: &PageRequest,
    ) -> Result<Page<Identity>, StoreError> {
        let (filter, kinds, page) = (filter.clone(), words(credentials), page.clone());
        self.read(move |connection| {
            let found = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = filtered(project, &filter).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Ok(after) = after.parse() else { return Ok(page::empty()) };
                        query = query.filter(identities::id.gt(Uid::<IdentityId>(after)));
                    }
                    let rows = query.order(identities::id).select(IdentityRow::as_select()).load(connection)?;
                    page::keyset(rows, *size, |row: &IdentityRow| row.id.0.to_string())
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = filtered(project, &filter).count().get_result(connection)?;
                    let items = filtered(project, &filter)
                        .order(identities::id)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(IdentityRow::as_select())
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            let Page { items, next, total } = found;
            Ok(Page { items: with_credentials(connection, project, items, kinds)?, next, total })
        })
        .await
    }

    async fn identity_update(
        &self,
        project: ProjectId,
        identity: &Identity,
        removed: &BTreeSet<CredentialKind>,
    ) -> Result<Updated, StoreError> {
        let change = IdentityChange::new(project, identity, removed);
        self.write(move |connection| change.apply(connection)).await
    }

    async fn identity_delete(&self, project: ProjectId, id: IdentityId) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let deleted = diesel::delete(identities::table)
                .filter(identities::project_id.eq(Uid(project)))
                .filter(identities::id.eq(Uid(id)))
                .execute(connection)?;
            if deleted == 0 {
                return Ok(false);
            }
            // Codes and flows may be about nobody, so that no foreign key takes them along.
            diesel::delete(flow_codes::table)
                .filter(flow_codes::project_id.eq(Uid(project)))
                .filter(flow_codes::identity_id.eq(Some(Uid(id))))
                .execute(connection)?;
            diesel::delete(flows::table)
                .filter(flows::project_id.eq(Uid(project)))
                .filter(flows::identity_id.eq(Some(Uid(id))))
                .execute(connection)?;
            Ok(true)
        })
        .await
    }

    async fn credential_by_identifier(
        &self,
        project: ProjectId,
        kind: CredentialKind,
        identifiers: &[String],
        counter: TokenHash,
    ) -> Result<CredentialLookup, StoreError> {
        let identifiers = identifiers.to_vec();
        self.read(move |connection| {
            // From the project's row, which is always there: one statement finds the account, the counters, all or none, and
            // the stand-in, and takes the same time for all of them. (Why the inner joins stand inside: see `flow.rs`.)
            let account = diesel::alias!(attempt_counters as account_counters);
            let at_account = (attempt_counters::failures, attempt_counters::since, attempt_counters::locked_until);
            let others = diesel::alias!(identity_credentials as others);
            let other = || {
                others
                    .filter(others.field(identity_credentials::project_id).eq(Uid(project)))
                    .filter(others.field(identity_credentials::kind).eq(Word(kind)))
                    .order(others.field(identity_credentials::id))
                    .select(others.field(identity_credentials::config))
                    .limit(1)
            };
            let next = other().filter(others.field(identity_credentials::id).ge(place(counter)));
            let found: Option<Found> =
                projects::table
                    .left_join(attempt_counters::table.on(
                        attempt_counters::project_id.eq(projects::id).and(attempt_counters::counter.eq(Hash(counter))),
                    ))
                    .left_join(
                        credential_identifiers::table
                            .inner_join(
                                identities::table.on(identities::project_id
                                    .eq(credential_identifiers::project_id)
                                    .and(identities::id.eq(credential_identifiers::identity_id))),
                            )
                            .inner_join(
                                identity_credentials::table.on(identity_credentials::project_id
                                    .eq(credential_identifiers::project_id)
                                    .and(identity_credentials::identity_id.eq(credential_identifiers::identity_id))
                                    .and(identity_credentials::kind.eq(credential_identifiers::kind))),
                            )
                            .on(credential_identifiers::project_id
                                .eq(projects::id)
                                .and(credential_identifiers::kind.eq(Word(kind)))
                                .and(credential_identifiers::identifier.eq_any(identifiers))),
                    )
                    .left_join(
                        account.on(account
                            .field(attempt_counters::project_id)
                            .eq(projects::id)
                            .and(account.field(attempt_counters::identity_id).eq(identities::id.nullable()))),
                    )
                    .filter(projects::id.eq(Uid(project)))
                    .select((
                        Option::<AttemptRow>::as_select(),
                        Option::<(IdentityRow, CredentialRow)>::as_select(),
                        account.fields(at_account).nullable(),
                        next.single_value(),
                        other().single_value(),
                    ))
                    .first(connection)
                    .optional()?;
            let (attempts, owner, account, next, first) = found.unwrap_or_default();
            let stand_in = next.or(first).map(|config| config.0);
            let owner = owner.map(|(identity, credential)| (identity.into_identity([]), credential.into_credential()));
            let counted = |row: Option<AttemptRow>| row.map(AttemptRow::into_attempts).transpose();
            Ok(CredentialLookup { owner, attempts: counted(attempts)?, account_attempts: counted(account)?, stand_in })
        })
        .await
    }
}

/// The counter of the door, the account behind the name, the counter of the account, and the `config`s of two credentials.
type Found = (
    Option<AttemptRow>,
    Option<(IdentityRow, CredentialRow)>,
    Option<AttemptRow>,
    Option<Document<Value>>,
    Option<Document<Value>>,
);

/// Where a keyed hash points among ids, which are as random as it is.
fn place(hash: TokenHash) -> Uid<CredentialId> {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.0[..16]);
    Uid(CredentialId::from_uuid(Uuid::from_bytes(bytes)))
}

/// What an identity becomes.
pub(super) struct IdentityChange {
    project: ProjectId,
    id: IdentityId,
    /// The version that the change was computed from.
    version: i64,
    row: IdentityRow,
    dependents: Dependents,
    replaced: Vec<Word<CredentialKind>>,
}

impl IdentityChange {
    pub(super) fn new(project: ProjectId, identity: &Identity, removed: &BTreeSet<CredentialKind>) -> Self {
        let version = identity.version;
        Self {
            project,
            id: identity.id,
            version,
            row: IdentityRow::new(project, identity, version.saturating_add(1)),
            dependents: Dependents::new(project, identity),
            replaced: words(&identity.credentials.keys().copied().chain(removed.iter().copied()).collect()),
        }
    }

    /// Stores it unless somebody else was faster.
    pub(super) fn apply(self, connection: &mut Conn) -> Outcome<Updated> {
        let (project, id) = (self.project, self.id);
        let this = identities::table.filter(identities::project_id.eq(Uid(project))).filter(identities::id.eq(Uid(id)));
        let updated = diesel::update(this)
            .filter(identities::version.eq(self.version))
            .set(self.row)
            .execute(connection)
            .or_conflict(Conflict::ExternalId)?;
        if updated == 0 {
            let there: i64 = this.count().get_result(connection)?;
            return Ok(if there == 0 { Updated::Unknown } else { Updated::Stale });
        }
        diesel::delete(identity_addresses::table)
            .filter(identity_addresses::project_id.eq(Uid(project)))
            .filter(identity_addresses::identity_id.eq(Uid(id)))
            .execute(connection)?;
        if !self.replaced.is_empty() {
            // Their identifiers go with them.
            diesel::delete(identity_credentials::table)
                .filter(identity_credentials::project_id.eq(Uid(project)))
                .filter(identity_credentials::identity_id.eq(Uid(id)))
                .filter(identity_credentials::kind.eq_any(self.replaced))
                .execute(connection)?;
        }
        self.dependents.insert(connection)?;
        Ok(Updated::Done)
    }
}

fn words(kinds: &BTreeSet<CredentialKind>) -> Vec<Word<CredentialKind>> {
    kinds.iter().copied().map(Word).collect()
}

/// The identities with their credentials of these kinds, in the order of the rows.
fn with_credentials(
    connection: &mut Conn,
    project: ProjectId,
    rows: Vec<IdentityRow>,
    kinds: Vec<Word<CredentialKind>>,
) -> Outcome<Vec<Identity>> {
    let mut credentials: BTreeMap<IdentityId, Vec<CredentialRow>> = BTreeMap::new();
    if !kinds.is_empty() && !rows.is_empty() {
        let owners: Vec<_> = rows.iter().map(|row| row.id).collect();
        let found = identity_credentials::table
            .filter(identity_credentials::project_id.eq(Uid(project)))
            .filter(identity_credentials::identity_id.eq_any(owners))
            .filter(identity_credentials::kind.eq_any(kinds))
            .select(CredentialRow::as_select())
            .load(connection)?;
        for credential in found {
            credentials.entry(credential.identity_id.0).or_default().push(credential);
        }
    }
    let with = rows.into_iter().map(|row| {
        let own = credentials.remove(&row.id.0).unwrap_or_default();
        row.into_identity(own)
    });
    Ok(with.collect())
}

/// The identities that a list shows.
fn filtered(project: ProjectId, filter: &IdentityFilter) -> identities::BoxedQuery<'static, Db> {
    let mut query = identities::table.filter(identities::project_id.eq(Uid(project))).into_boxed();
    let owners = || {
        credential_identifiers::table
            .filter(credential_identifiers::project_id.eq(Uid(project)))
            .filter(credential_identifiers::kind.eq_any(SEARCHED))
            .select(credential_identifiers::identity_id)
    };
    if let Some(external_id) = filter.external_id.clone() {
        query = query.filter(identities::external_id.eq(external_id));
    }
    if let Some(ids) = &filter.ids {
        query = query.filter(identities::id.eq_any(ids.iter().copied().map(Uid).collect::<Vec<_>>()));
    }
    if let Some(organization) = filter.organization {
        query = query.filter(identities::organization_id.eq(Uid(organization)));
    }
    if let Some(identifiers) = filter.credentials_identifier.clone() {
        let owners = owners().filter(credential_identifiers::identifier.eq_any(identifiers));
        query = query.filter(identities::id.eq_any(owners));
    }
    if let Some(prefix) = filter.identifier_prefix.clone() {
        // A range instead of LIKE: it uses the index, needs no escaping, and means the same in both databases.
        let end = format!("{prefix}\u{10ffff}");
        let owners = owners()
            .filter(credential_identifiers::identifier.ge(prefix))
            .filter(credential_identifiers::identifier.lt(end));
        query = query.filter(identities::id.eq_any(owners));
    }
    query
}
