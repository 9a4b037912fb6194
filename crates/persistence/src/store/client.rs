//! OAuth2 clients.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::{Page, PageRequest, ProjectId, StoreError};
use orrery_oauth2::client::{ClientId, ClientRecord};
use orrery_oauth2::store::{ClientFilter, ClientStore, Updated};

use super::super::{Conn, Db};
use super::Store;
use crate::columns::Uid;
use crate::error::{OrConflict, Outcome};
use crate::page;
use crate::rows::client::ClientRow;
use crate::schema::{authorizations, clients, device_codes, grants, pushed_requests, tokens};

#[async_trait]
impl ClientStore for Store {
    async fn client_create(&self, project: ProjectId, client: &ClientRecord) -> Result<(), StoreError> {
        let row = ClientRow::new(project, client);
        self.write_one(move |connection| {
            diesel::insert_into(clients::table).values(row).execute(connection).or_conflict(Conflict::Client)?;
            Ok(())
        })
        .await
    }

    async fn client_by_id(&self, project: ProjectId, id: &ClientId) -> Result<Option<Arc<ClientRecord>>, StoreError> {
        if let Some(known) = self.caches.clients.find([(project, id.clone())]) {
            return Ok(Some(known));
        }
        let as_of = self.caches.changes.as_of();
        let text = id.to_string();
        let read = self.read(move |connection| {
            let row = one(Uid(project), text).select(ClientRow::as_select()).first(connection).optional()?;
            Ok(row.map(|row| Arc::new(row.into_record())))
        });
        Ok(read.await?.inspect(|client| {
            self.caches.clients.keep(as_of, (project, id.clone()), id.as_str().as_bytes(), client);
        }))
    }

    async fn client_list(
        &self,
        project: ProjectId,
        filter: &ClientFilter,
        page: &PageRequest,
    ) -> Result<Page<ClientRecord>, StoreError> {
        let (filter, page) = (filter.clone(), page.clone());
        self.read(move |connection| {
            let found = match &page {
                PageRequest::Keyset { size, after } => {
                    let mut query = shown(project, &filter).limit(i64::from(*size) + 1);
                    if let Some(after) = after {
                        query = query.filter(clients::id.gt(after.clone()));
                    }
                    let rows = query.order(clients::id).select(ClientRow::as_select()).load(connection)?;
                    page::keyset(rows, *size, |row: &ClientRow| row.id.clone())
                }
                PageRequest::Numbered { page, size } => {
                    let total: i64 = shown(project, &filter).count().get_result(connection)?;
                    let items = shown(project, &filter)
                        .order(clients::id)
                        .limit(i64::from(*size))
                        .offset(i64::from(*page) * i64::from(*size))
                        .select(ClientRow::as_select())
                        .load(connection)?;
                    Page { items, next: None, total: u64::try_from(total).ok() }
                }
            };
            Ok(found.map(ClientRow::into_record))
        })
        .await
    }

    async fn client_update(&self, project: ProjectId, client: &ClientRecord) -> Result<Updated, StoreError> {
        let (id, version) = (client.client.id.to_string(), client.version);
        let row = ClientRow::new(project, client).changed();
        let updated = self.write(move |connection| {
            let one = clients::table.filter(clients::project_id.eq(Uid(project))).filter(clients::id.eq(id));
            let changed =
                diesel::update(one.clone().filter(clients::version.eq(version))).set(row).execute(connection)?;
            if changed > 0 {
                return Ok(Updated::Done);
            }
            let there: bool = select(exists(one)).get_result(connection)?;
            Ok(if there { Updated::Stale } else { Updated::Unknown })
        });
        let updated = updated.await?;
        if updated != Updated::Done {
            // The caller may have read it here before this node heard of another's change.
            self.caches.changes.changed(client.client.id.as_str().as_bytes());
        }
        Ok(updated)
    }

    async fn client_delete(
        &self,
        project: ProjectId,
        id: &ClientId,
        version: Option<i64>,
    ) -> Result<Updated, StoreError> {
        let text = id.to_string();
        let deleted = self.write(move |connection| {
            let one = clients::table.filter(clients::project_id.eq(Uid(project))).filter(clients::id.eq(text.clone()));
            let deleted = match version {
                Some(version) => {
                    diesel::delete(one.clone().filter(clients::version.eq(version))).execute(connection)?
                }
                None => diesel::delete(one.clone()).execute(connection)?,
            };
            if deleted > 0 {
                end_everything_of(connection, project, &text)?;
                return Ok(Updated::Done);
            }
            let there: bool = select(exists(one)).get_result(connection)?;
            Ok(if there { Updated::Stale } else { Updated::Unknown })
        });
        let deleted = deleted.await?;
        if deleted != Updated::Done {
            self.caches.changes.changed(id.as_str().as_bytes());
        }
        Ok(deleted)
    }
}

/// The client that is kept in memory.
#[diesel::dsl::auto_type]
fn one(project: Uid<ProjectId>, id: String) -> _ {
    clients::table.filter(clients::project_id.eq(project)).filter(clients::id.eq(id))
}

/// The clients that a list is about.
fn shown(project: ProjectId, filter: &ClientFilter) -> diesel::helper_types::IntoBoxed<'static, clients::table, Db> {
    let mut query = clients::table.into_boxed().filter(clients::project_id.eq(Uid(project)));
    if let Some(name) = &filter.name {
        query = query.filter(clients::name.eq(name.clone()));
    }
    if let Some(owner) = &filter.owner {
        query = query.filter(clients::owner.eq(owner.clone()));
    }
    query
}

/// Deletes what a client was given. Its codes, and the tokens that people granted, go with their grants.
fn end_everything_of(connection: &mut Conn, project: ProjectId, client: &str) -> Outcome<()> {
    macro_rules! delete_from {
        ($($table:ident),+ $(,)?) => {$(
            diesel::delete($table::table)
                .filter($table::project_id.eq(Uid(project)))
                .filter($table::client_id.eq(client))
                .execute(connection)?;
        )+};
    }
    delete_from!(grants, tokens, authorizations, pushed_requests, device_codes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::tell_of_their_changes;
    use super::*;

    #[test]
    fn every_table_that_a_cached_client_is_read_from_tells_of_its_changes() {
        tell_of_their_changes(&one(Uid(ProjectId::DEFAULT), String::new()), &["clients"]);
    }
}
