//! OAuth2 clients.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_oauth2::client::{Client, ClientRecord, ClientSecrets};

use crate::columns::{At, Document, Hash, Uid};
use crate::schema::clients;

/// One client. Name, owner and moments stand beside the document that holds them too, for lists and for operators.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = clients, primary_key(project_id, id), treat_none_as_null = true)]
pub(crate) struct ClientRow {
    project_id: Uid<ProjectId>,
    pub(crate) id: String,
    name: String,
    owner: String,
    client: Document<Client>,
    secrets: Document<ClientSecrets>,
    registration_token: Option<Hash>,
    version: i64,
    created_at: At,
    updated_at: At,
}

impl ClientRow {
    pub(crate) fn new(project: ProjectId, record: &ClientRecord) -> Self {
        let client = &record.client;
        Self {
            project_id: Uid(project),
            id: client.id.to_string(),
            name: client.name.clone(),
            owner: client.owner.clone(),
            client: Document(client.clone()),
            secrets: Document(record.secrets.clone()),
            registration_token: record.registration_token.map(Hash),
            version: record.version,
            created_at: At(client.created_at),
            updated_at: At(client.updated_at),
        }
    }

    /// The same, counted as one change more.
    pub(crate) fn changed(self) -> Self {
        Self { version: self.version + 1, ..self }
    }

    pub(crate) fn into_record(self) -> ClientRecord {
        ClientRecord {
            client: self.client.0,
            secrets: self.secrets.0,
            registration_token: self.registration_token.map(|hash| hash.0),
            version: self.version,
        }
    }
}
