//! Grants.

use async_trait::async_trait;
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use orrery_core::id::{GrantId, LoginSessionId};
use orrery_core::{Page, PageRequest, ProjectId, StoreError, Timestamp};
use orrery_identity::identity::IdentityState;
use orrery_oauth2::client::{Client, ClientId};
use orrery_oauth2::grant::Grant;
use orrery_oauth2::store::{GrantStore, GrantWithClient, Granted};
use uuid::Uuid;

use super::super::{Conn, Db, REMEMBERED_UNTIL};
use super::{Store, token};
use crate::columns::{At, Document, Moment, Uid, Word};
use crate::error::Outcome;
use crate::page;
use crate::rows::grant::{AuthorizationCodeRow, GrantRow};
use crate::schema::{authorization_codes, clients, grants, identities};

/// Whether the time for which a grant is remembered has not passed.
macro_rules! still_remembered {
    ($now:expr) => {
        sql::<Bool>("(grants.remember_for = 0 OR ")
            .sql(REMEMBERED_UNTIL)
            .sql(" > ")
            .bind::<Moment, _>(At($now))
            .sql(")")
    };
}

#[async_trait]
impl GrantStore for Store {
    async fn grant_remembered(
        &self,
        project: ProjectId,
        subject: &str,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let (subject, client) = (subject.to_owned(), client.to_string());
        self.read(move |connection| {
            let row = newest_to(Uid(project), client, At(now))
                .filter(grants::subject.eq(subject))
                .filter(grants::remember)
                .filter(grants::skipped.eq(false))
                .filter(still_remembered!(now))
                .select(GrantRow::as_select())
                .first(connection)
                .optional()?;
            row.map(GrantRow::into_grant).transpose()
        })
        .await
    }

    async fn grant_by_id(&self, project: ProjectId, id: GrantId) -> Result<Option<Grant>, StoreError> {
        self.read(move |connection| {
            let identity = identities::table
                .filter(identities::project_id.eq(grants::project_id))
                .filter(identities::id.nullable().eq(grants::identity_id))
                .filter(identities::state.eq(Word(IdentityState::Active)));
            let row = grants::table
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::id.eq(Uid(id)))
                .filter(grants::identity_id.is_null().or(exists(identity)))
                .select(GrantRow::as_select())
                .first(connection)
                .optional()?;
            row.map(GrantRow::into_grant).transpose()
        })
        .await
    }

    async fn grant_newest(
        &self,
        project: ProjectId,
        subject: &str,
        client: &ClientId,
    ) -> Result<Option<Grant>, StoreError> {
        let (subject, client) = (subject.to_owned(), client.to_string());
        self.read(move |connection| {
            let row = grants::table
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::subject.eq(subject))
                .filter(grants::client_id.eq(client))
                .order(grants::requested_at.desc())
                .select(GrantRow::as_select())
                .first(connection)
                .optional()?;
            row.map(GrantRow::into_grant).transpose()
        })
        .await
    }

    async fn grant_of_session(
        &self,
        project: ProjectId,
        client: &ClientId,
        session: LoginSessionId,
        now: Timestamp,
    ) -> Result<Option<Grant>, StoreError> {
        let client = client.to_string();
        self.read(move |connection| {
            let row = newest_to(Uid(project), client, At(now))
                .filter(grants::login_session_id.eq(Uid(session)))
                .select(GrantRow::as_select())
                .first(connection)
                .optional()?;
            row.map(GrantRow::into_grant).transpose()
        })
        .await
    }

    async fn grant_list(
        &self,
        project: ProjectId,
        subject: &str,
        session: Option<LoginSessionId>,
        page: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<GrantWithClient>, StoreError> {
        let (subject, page) = (subject.to_owned(), page.clone());
        self.read(move |connection| {
            let columns = (GrantRow::as_select(), clients::client);
            let found: Page<(GrantRow, Document<Client>)> = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, &subject, session, now).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        let Ok(after) = Uuid::try_parse(after) else { return Ok(page::empty()) };
                        query = query.filter(grants::id.gt(Uid(GrantId::from_uuid(after))));
                    }
                    let rows = query.order(grants::id).select(columns).load(connection)?;
                    page::keyset(rows, *size, |(grant, _): &(GrantRow, _)| grant.id.0.to_string())
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = shown(project, &subject, session, now).count().get_result(connection)?;
                    let items = shown(project, &subject, session, now)
                        .order(grants::id)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(columns)
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            let Page { items, next, total } = found;
            let items = items
                .into_iter()
                .map(|(grant, client)| Ok(GrantWithClient { grant: grant.into_grant()?, client: client.0 }))
                .collect::<Outcome<_>>()?;
            Ok(Page { items, next, total })
        })
        .await
    }

    async fn grant_revoke(&self, project: ProjectId, id: GrantId) -> Result<bool, StoreError> {
        self.write_one(move |connection| {
            let deleted = diesel::delete(grants::table)
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::id.eq(Uid(id)))
                .execute(connection)?;
            Ok(deleted > 0)
        })
        .await
    }

    async fn grants_revoke(
        &self,
        project: ProjectId,
        subject: &str,
        client: Option<&ClientId>,
    ) -> Result<u64, StoreError> {
        let (subject, client) = (subject.to_owned(), client.map(ToString::to_string));
        self.write_one(move |connection| {
            let theirs = diesel::delete(grants::table)
                .filter(grants::project_id.eq(Uid(project)))
                .filter(grants::subject.eq(subject));
            let deleted = match client {
                Some(client) => theirs.filter(grants::client_id.eq(client)).execute(connection)?,
                None => theirs.execute(connection)?,
            };
            Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
        })
        .await
    }
}

/// What a client was granted and has not expired, the newest first.
#[diesel::dsl::auto_type]
fn newest_to(project: Uid<ProjectId>, client: String, now: At) -> _ {
    grants::table
        .filter(grants::project_id.eq(project))
        .filter(grants::client_id.eq(client))
        .filter(grants::expires_at.gt(now))
        .order(grants::requested_at.desc())
}

/// Stores what a client gets.
pub(super) fn write(connection: &mut Conn, project: ProjectId, granted: &Granted) -> Outcome<()> {
    let grant = &granted.grant;
    diesel::insert_into(grants::table).values(GrantRow::new(project, grant)).execute(connection)?;
    if let Some(code) = &granted.code {
        let row = AuthorizationCodeRow::new(project, code);
        diesel::insert_into(authorization_codes::table).values(row).execute(connection)?;
    }
    token::insert(connection, project, &granted.tokens)?;
    if let Some(over) = granted.supersedes {
        diesel::update(grants::table)
            .filter(grants::project_id.eq(Uid(project)))
            .filter(grants::subject.eq(&grant.subject))
            .filter(grants::client_id.eq(grant.client.as_str()))
            .filter(grants::id.ne(Uid(grant.id)))
            .filter(grants::remember)
            .filter(grants::expires_at.gt(At(over)))
            .set(grants::expires_at.eq(At(over)))
            .execute(connection)?;
    }
    Ok(())
}

/// Grants with their clients.
#[diesel::dsl::auto_type]
fn with_client() -> _ {
    grants::table.inner_join(
        clients::table.on(clients::project_id.eq(grants::project_id).and(clients::id.eq(grants::client_id))),
    )
}

/// The grants that a list shows.
fn shown(
    project: ProjectId,
    subject: &str,
    session: Option<LoginSessionId>,
    now: Timestamp,
) -> diesel::helper_types::IntoBoxed<'static, with_client, Db> {
    let mut query = with_client()
        .into_boxed()
        .filter(grants::project_id.eq(Uid(project)))
        .filter(grants::subject.eq(subject.to_owned()))
        .filter(grants::skipped.eq(false))
        .filter(grants::expires_at.gt(At(now)))
        .filter(grants::remember.eq(false).or(still_remembered!(now)));
    if let Some(session) = session {
        query = query.filter(grants::login_session_id.eq(Uid(session)));
    }
    query
}
