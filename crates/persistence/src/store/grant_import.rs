//! Grants of another system.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use orrery_core::id::{GrantId, IdentityId};
use orrery_core::{ProjectId, StoreError};
use orrery_oauth2::store::{GrantImportStore, GrantImported, ImportedGrant};
use orrery_oauth2::token::TokenKind;
use uuid::Uuid;

use super::super::Conn;
use super::{Store, token};
use crate::columns::{Uid, Word};
use crate::error::Outcome;
use crate::rows::grant::GrantRow;
use crate::schema::{clients, grants, identities, tokens};

#[async_trait]
impl GrantImportStore for Store {
    async fn grants_import(
        &self,
        project: ProjectId,
        network: Uuid,
        grants: &[ImportedGrant],
    ) -> Result<Vec<GrantImported>, StoreError> {
        let imported = grants.to_vec();
        self.write(move |connection| {
            let names: Vec<_> = imported.iter().map(|imported| imported.grant.client.to_string()).collect();
            let known: Vec<String> = clients::table
                .filter(clients::project_id.eq(Uid(project)))
                .filter(clients::id.eq_any(names))
                .select(clients::id)
                .load(connection)?;
            let known: BTreeSet<String> = known.into_iter().collect();
            let people = people(connection, project, &imported)?;
            let stored = imported.into_iter().map(|mut imported| {
                if !known.contains(imported.grant.client.as_str()) {
                    return Ok(GrantImported::Orphan);
                }
                imported.grant.identity = account(&imported.grant.subject).filter(|id| people.contains(id));
                import(connection, project, network, &imported)
            });
            stored.collect()
        })
        .await
    }

    async fn grants_take_back(&self, project: ProjectId, network: Uuid, grants: &[GrantId]) -> Result<u64, StoreError> {
        let ids: Vec<_> = grants.iter().copied().map(Uid).collect();
        self.write_one(move |connection| {
            let taken = diesel::delete(grants::table)
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::imported_from.eq(Uid(network)))
                .filter(grants::id.eq_any(ids))
                .filter(not(exists(used())))
                .execute(connection)?;
            Ok(u64::try_from(taken).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn grants_imported(
        &self,
        project: ProjectId,
        network: Uuid,
        after: Option<GrantId>,
        limit: u32,
    ) -> Result<Vec<GrantId>, StoreError> {
        self.read(move |connection| {
            let mut query = grants::table
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::imported_from.eq(Uid(network)))
                .filter(not(exists(used())))
                .into_boxed();
            if let Some(after) = after {
                query = query.filter(grants::id.gt(Uid(after)));
            }
            let ids: Vec<Uid<GrantId>> =
                query.order(grants::id).limit(i64::from(limit)).select(grants::id).load(connection)?;
            Ok(ids.into_iter().map(|id| id.0).collect())
        })
        .await
    }
}

/// What shows that a grant was used here: its refresh token was replaced.
#[diesel::dsl::auto_type]
fn used() -> _ {
    let refresh: Word<TokenKind> = Word(TokenKind::Refresh);
    tokens::table
        .filter(tokens::project_id.eq(grants::project_id))
        .filter(tokens::grant_id.eq(grants::id.nullable()))
        .filter(tokens::kind.eq(refresh))
        .filter(tokens::parent.is_not_null())
}

/// A subject that the identity surface named is an identity's id.
fn account(subject: &str) -> Option<IdentityId> {
    Uuid::try_parse(subject).ok().map(IdentityId::from_uuid)
}

/// Those subjects that are identities here.
fn people(connection: &mut Conn, project: ProjectId, imported: &[ImportedGrant]) -> Outcome<BTreeSet<IdentityId>> {
    let subjects: Vec<_> = imported.iter().filter_map(|imported| account(&imported.grant.subject)).map(Uid).collect();
    let found: Vec<Uid<IdentityId>> = identities::table
        .filter(identities::project_id.eq(Uid(project)))
        .filter(identities::id.eq_any(subjects))
        .select(identities::id)
        .load(connection)?;
    Ok(found.into_iter().map(|id| id.0).collect())
}

fn import(
    connection: &mut Conn,
    project: ProjectId,
    network: Uuid,
    imported: &ImportedGrant,
) -> Outcome<GrantImported> {
    let inserted = diesel::insert_into(grants::table)
        .values((GrantRow::new(project, &imported.grant), grants::imported_from.eq(Some(Uid(network)))))
        .on_conflict_do_nothing()
        .execute(connection)?;
    if inserted == 0 {
        return Ok(GrantImported::Known);
    }
    token::insert(connection, project, imported.refresh.as_slice())?;
    Ok(GrantImported::Stored)
}
