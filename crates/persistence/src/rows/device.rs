//! Devices that wait for approval.

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::GrantId;
use orrery_oauth2::device::{DeviceCode, DeviceState};

use super::grant::client;
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Failure;
use crate::schema::device_codes;

/// One device.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = device_codes, treat_none_as_default_value = false)]
pub(crate) struct DeviceRow {
    project_id: Uid<ProjectId>,
    hash: Hash,
    user_code_hash: Hash,
    client_id: String,
    state: Word<DeviceState>,
    scope: Document<Vec<String>>,
    audience: Document<Vec<String>>,
    grant_id: Option<Uid<GrantId>>,
    poll_after: At,
    poll_interval: i32,
    issued_at: At,
    expires_at: At,
}

impl DeviceRow {
    pub(crate) fn new(project: ProjectId, code: &DeviceCode) -> Self {
        Self {
            project_id: Uid(project),
            hash: Hash(code.hash),
            user_code_hash: Hash(code.user_code),
            client_id: code.client.to_string(),
            state: Word(code.state),
            scope: Document(code.scope.clone()),
            audience: Document(code.audience.clone()),
            grant_id: code.grant.map(Uid),
            poll_after: At(code.poll_after),
            poll_interval: code.poll_interval,
            issued_at: At(code.issued_at),
            expires_at: At(code.expires_at),
        }
    }

    pub(crate) fn into_code(self) -> Result<DeviceCode, Failure> {
        Ok(DeviceCode {
            hash: self.hash.0,
            user_code: self.user_code_hash.0,
            client: client(self.client_id, "device_codes.client_id")?,
            state: self.state.0,
            scope: self.scope.0,
            audience: self.audience.0,
            grant: self.grant_id.map(|id| id.0),
            poll_after: self.poll_after.0,
            poll_interval: self.poll_interval,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
        })
    }
}
