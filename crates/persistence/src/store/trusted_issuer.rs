//! Issuers whose assertions are accepted as grants.

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::id::TrustedIssuerId;
use orrery_core::{Page, PageRequest, ProjectId, StoreError};
use orrery_oauth2::store::{AssertionKeys, TrustedIssuerStore};
use orrery_oauth2::trust::TrustedIssuer;

use super::super::Db;
use super::Store;
use crate::columns::{At, Uid};
use crate::error::OrConflict;
use crate::page;
use crate::rows::trusted_issuer::TrustedIssuerRow;
use crate::schema::trusted_issuers;

#[async_trait]
impl TrustedIssuerStore for Store {
    async fn issuer_trust(&self, project: ProjectId, issuer: &TrustedIssuer) -> Result<(), StoreError> {
        let row = TrustedIssuerRow::new(project, issuer);
        self.write_one(move |connection| {
            diesel::insert_into(trusted_issuers::table)
                .values(row)
                .execute(connection)
                .or_conflict(Conflict::TrustedIssuer)?;
            Ok(())
        })
        .await
    }

    async fn trusted_issuer_by_id(
        &self,
        project: ProjectId,
        id: TrustedIssuerId,
    ) -> Result<Option<TrustedIssuer>, StoreError> {
        self.read(move |connection| {
            let row = trusted_issuers::table
                .filter(trusted_issuers::project_id.eq(Uid(project)))
                .filter(trusted_issuers::id.eq(Uid(id)))
                .select(TrustedIssuerRow::as_select())
                .first(connection)
                .optional()?;
            Ok(row.map(TrustedIssuerRow::into_issuer))
        })
        .await
    }

    async fn trusted_issuer_list(
        &self,
        project: ProjectId,
        issuer: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<TrustedIssuer>, StoreError> {
        let (issuer, page) = (issuer.map(str::to_owned), page.clone());
        self.read(move |connection| {
            let found = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, issuer).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Ok(after) = after.parse::<TrustedIssuerId>() else { return Ok(page::empty()) };
                        query = query.filter(trusted_issuers::id.gt(Uid(after)));
                    }
                    let rows =
                        query.order(trusted_issuers::id).select(TrustedIssuerRow::as_select()).load(connection)?;
                    page::keyset(rows, *size, |row: &TrustedIssuerRow| row.id.0.to_string())
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = shown(project, issuer.clone()).count().get_result(connection)?;
                    let items = shown(project, issuer)
                        .order(trusted_issuers::id)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(TrustedIssuerRow::as_select())
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            Ok(found.map(TrustedIssuerRow::into_issuer))
        })
        .await
    }

    async fn assertion_keys(
        &self,
        project: ProjectId,
        wanted: AssertionKeys<'_>,
    ) -> Result<Vec<TrustedIssuer>, StoreError> {
        let AssertionKeys { issuer, subject, kid, now, limit } = wanted;
        let (issuer, subject, kid) = (issuer.to_owned(), subject.to_owned(), kid.map(str::to_owned));
        self.read(move |connection| {
            let mut query = shown(project, Some(issuer))
                .filter(trusted_issuers::subject.eq(subject).or(trusted_issuers::allow_any_subject.eq(true)))
                .filter(trusted_issuers::expires_at.gt(At(now)));
            if let Some(kid) = kid {
                query = query.filter(trusted_issuers::kid.eq(kid));
            }
            let rows: Vec<TrustedIssuerRow> = query
                .order((trusted_issuers::created_at.desc(), trusted_issuers::id))
                .limit(i64::from(limit))
                .select(TrustedIssuerRow::as_select())
                .load(connection)?;
            Ok(rows.into_iter().map(TrustedIssuerRow::into_issuer).collect())
        })
        .await
    }

    async fn trusted_issuer_delete(&self, project: ProjectId, id: TrustedIssuerId) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let deleted = diesel::delete(trusted_issuers::table)
                .filter(trusted_issuers::project_id.eq(Uid(project)))
                .filter(trusted_issuers::id.eq(Uid(id)))
                .execute(connection)?;
            Ok(deleted > 0)
        })
        .await
    }
}

/// The entries that a list is about.
fn shown(
    project: ProjectId,
    issuer: Option<String>,
) -> diesel::helper_types::IntoBoxed<'static, trusted_issuers::table, Db> {
    let query = trusted_issuers::table.into_boxed().filter(trusted_issuers::project_id.eq(Uid(project)));
    match issuer {
        Some(issuer) => query.filter(trusted_issuers::issuer.eq(issuer)),
        None => query,
    }
}
