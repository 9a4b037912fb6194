//! JSON Web Keys.

use async_trait::async_trait;
use diesel::prelude::*;
use orrery_core::error::Conflict;
use orrery_core::id::KeyId;
use orrery_core::{ProjectId, StoreError, Timestamp};
use orrery_keys::store::{KeyStore, StoredKey, Succession};

use super::Store;
use crate::columns::{At, Uid};
use crate::error::{OrConflict, Outcome};
use crate::rows::key::KeyRow;
use crate::schema::keys;

#[async_trait]
impl KeyStore for Store {
    async fn keys(&self, project: ProjectId, set: &str) -> Result<Vec<StoredKey>, StoreError> {
        let set = set.to_owned();
        self.read(move |connection| {
            let rows = keys::table
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .order((keys::created_at.desc(), keys::id.desc()))
                .select(KeyRow::as_select())
                .load(connection)?;
            rows.into_iter().map(KeyRow::into_key).collect()
        })
        .await
    }

    async fn key(&self, project: ProjectId, set: &str, kid: &str) -> Result<Option<StoredKey>, StoreError> {
        let (set, kid) = (set.to_owned(), kid.to_owned());
        self.read(move |connection| {
            let row = keys::table
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .filter(keys::kid.eq(kid))
                .select(KeyRow::as_select())
                .first(connection)
                .optional()?;
            row.map(KeyRow::into_key).transpose()
        })
        .await
    }

    async fn add_key(&self, project: ProjectId, key: &StoredKey) -> Result<(), StoreError> {
        let row = KeyRow::new(project, key);
        self.write_one(move |connection| {
            diesel::insert_into(keys::table).values(row).execute(connection).or_conflict(Conflict::Key)?;
            Ok(())
        })
        .await
    }

    async fn add_successor(&self, project: ProjectId, key: &StoredKey) -> Result<Succession, StoreError> {
        let row = KeyRow::new(project, key);
        self.write_one(move |connection| {
            let added = diesel::insert_into(keys::table)
                .values(row)
                .on_conflict((keys::project_id, keys::set_name, keys::succession))
                .do_nothing()
                .execute(connection)
                .or_conflict(Conflict::Key)?;
            Ok(if added == 0 { Succession::AlreadyFilled } else { Succession::Added })
        })
        .await
    }

    async fn put_key(&self, project: ProjectId, key: &StoredKey) -> Result<(), StoreError> {
        let row = KeyRow::new(project, key);
        let (set, kid) = (key.set.clone(), key.kid.clone());
        self.write(move |connection| {
            diesel::delete(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .filter(keys::kid.eq(kid))
                .execute(connection)?;
            diesel::insert_into(keys::table).values(row).execute(connection).or_conflict(Conflict::Key)?;
            Ok(())
        })
        .await
    }

    async fn replace_set(&self, project: ProjectId, set: &str, keys: &[StoredKey]) -> Result<(), StoreError> {
        let rows: Vec<_> = keys.iter().map(|key| KeyRow::new(project, key)).collect();
        let set = set.to_owned();
        self.write(move |connection| {
            diesel::delete(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .execute(connection)?;
            if !rows.is_empty() {
                diesel::insert_into(keys::table).values(rows).execute(connection).or_conflict(Conflict::Key)?;
            }
            Ok(())
        })
        .await
    }

    async fn delete_set(&self, project: ProjectId, set: &str) -> Result<(), StoreError> {
        let set = set.to_owned();
        self.write_one(move |connection| {
            diesel::delete(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn delete_key(&self, project: ProjectId, set: &str, kid: &str) -> Result<(), StoreError> {
        let (set, kid) = (set.to_owned(), kid.to_owned());
        self.write_one(move |connection| {
            diesel::delete(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::set_name.eq(set))
                .filter(keys::kid.eq(kid))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn retire_keys(
        &self,
        project: ProjectId,
        keys: &[KeyId],
        retires_at: Timestamp,
        removes_at: Timestamp,
    ) -> Result<(), StoreError> {
        let ids: Vec<_> = keys.iter().copied().map(Uid).collect();
        self.write_one(move |connection| {
            diesel::update(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::id.eq_any(ids))
                .filter(keys::removes_at.is_null())
                .set((keys::retires_at.eq(Some(At(retires_at))), keys::removes_at.eq(Some(At(removes_at)))))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn hold_key(&self, project: ProjectId, key: KeyId, until: Timestamp) -> Result<(), StoreError> {
        self.write_one(move |connection| {
            diesel::update(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::id.eq(Uid(key)))
                .filter(keys::held_until.is_null().or(keys::held_until.lt(Some(At(until)))))
                .set(keys::held_until.eq(Some(At(until))))
                .execute(connection)?;
            Ok(())
        })
        .await
    }

    async fn remove_ended_keys(&self, project: ProjectId, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let ended = keys::table
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::removes_at.le(Some(At(now))))
                .filter(keys::held_until.is_null().or(keys::held_until.le(Some(At(now)))))
                .order(keys::removes_at)
                .limit(i64::from(limit))
                .select(keys::id)
                .load::<Uid<KeyId>>(connection)?;
            // Asked again: a token may have been signed in the meantime.
            let removed = diesel::delete(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::id.eq_any(ended))
                .filter(keys::removes_at.le(Some(At(now))))
                .filter(keys::held_until.is_null().or(keys::held_until.le(Some(At(now)))))
                .execute(connection)?;
            Ok(u64::try_from(removed).unwrap_or(u64::MAX))
        })
        .await
    }

    async fn keys_after(
        &self,
        project: ProjectId,
        after: Option<KeyId>,
        limit: u32,
    ) -> Result<Vec<StoredKey>, StoreError> {
        self.read(move |connection| {
            let mut query = keys::table.filter(keys::project_id.eq(Uid(project))).into_boxed();
            if let Some(after) = after {
                query = query.filter(keys::id.gt(Uid(after)));
            }
            let rows: Vec<KeyRow> =
                query.order(keys::id).limit(i64::from(limit)).select(KeyRow::as_select()).load(connection)?;
            rows.into_iter().map(KeyRow::into_key).collect::<Outcome<_>>()
        })
        .await
    }

    async fn reseal_key(&self, project: ProjectId, key: KeyId, old: &[u8], new: &[u8]) -> Result<(), StoreError> {
        let (old, new) = (old.to_vec(), new.to_vec());
        self.write_one(move |connection| {
            diesel::update(keys::table)
                .filter(keys::project_id.eq(Uid(project)))
                .filter(keys::id.eq(Uid(key)))
                .filter(keys::sealed_private.eq(Some(old)))
                .set(keys::sealed_private.eq(Some(new)))
                .execute(connection)?;
            Ok(())
        })
        .await
    }
}
