//! JSON Web Keys.

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::KeyId;
use orrery_keys::store::{KeyOrigin, KeyUse, StoredKey};
use serde_json::Value;

use crate::columns::{At, Document, Uid};
use crate::error::Failure;
use crate::schema::keys;

/// One key.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = keys, treat_none_as_default_value = false)]
pub(crate) struct KeyRow {
    project_id: Uid<ProjectId>,
    id: Uid<KeyId>,
    set_name: String,
    kid: String,
    algorithm: String,
    key_use: String,
    origin: String,
    public_jwk: Document<Value>,
    sealed_private: Option<Vec<u8>>,
    succession: Option<String>,
    created_at: At,
    activates_at: At,
    retires_at: Option<At>,
    removes_at: Option<At>,
    held_until: Option<At>,
}

impl KeyRow {
    pub(crate) fn new(project: ProjectId, key: &StoredKey) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(key.id),
            set_name: key.set.clone(),
            kid: key.kid.clone(),
            algorithm: key.algorithm.clone(),
            key_use: key.usage.as_str().to_owned(),
            origin: key.origin.as_str().to_owned(),
            public_jwk: Document(key.public_jwk.clone()),
            sealed_private: key.sealed_private.clone(),
            succession: key.succession.clone(),
            created_at: At(key.created_at),
            activates_at: At(key.activates_at),
            retires_at: key.retires_at.map(At),
            removes_at: key.removes_at.map(At),
            held_until: key.held_until.map(At),
        }
    }

    pub(crate) fn into_key(self) -> Result<StoredKey, Failure> {
        Ok(StoredKey {
            id: self.id.0,
            set: self.set_name,
            kid: self.kid,
            algorithm: self.algorithm,
            usage: KeyUse::parse(&self.key_use).ok_or(Failure::Corrupt("keys.key_use"))?,
            origin: KeyOrigin::parse(&self.origin).ok_or(Failure::Corrupt("keys.origin"))?,
            public_jwk: self.public_jwk.0,
            sealed_private: self.sealed_private,
            succession: self.succession,
            created_at: self.created_at.0,
            activates_at: self.activates_at.0,
            retires_at: self.retires_at.map(|at| at.0),
            removes_at: self.removes_at.map(|at| at.0),
            held_until: self.held_until.map(|at| at.0),
        })
    }
}
