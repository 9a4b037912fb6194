//! Access and refresh tokens.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::GrantId;
use orrery_oauth2::token::{StoredToken, TokenKind};
use serde_json::{Map, Value};

use super::grant::client;
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Failure;
use crate::schema::tokens;

/// One token.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = tokens, primary_key(project_id), treat_none_as_default_value = false, treat_none_as_null = true)]
pub(crate) struct TokenRow {
    project_id: Uid<ProjectId>,
    hash: Hash,
    kind: Word<TokenKind>,
    grant_id: Option<Uid<GrantId>>,
    parent: Option<Hash>,
    client_id: String,
    subject: String,
    scope: Document<Vec<String>>,
    audience: Document<Vec<String>>,
    claims: Document<Map<String, Value>>,
    actor: Option<Document<Value>>,
    jkt: Option<String>,
    issued_at: At,
    expires_at: Option<At>,
    derived_from: Option<Hash>,
}

impl TokenRow {
    pub(crate) fn new(project: ProjectId, token: &StoredToken) -> Self {
        Self {
            project_id: Uid(project),
            hash: Hash(token.hash),
            kind: Word(token.kind),
            grant_id: token.grant.map(Uid),
            parent: token.parent.map(Hash),
            client_id: token.client.to_string(),
            subject: token.subject.clone(),
            scope: Document(token.scope.clone()),
            audience: Document(token.audience.clone()),
            claims: Document(token.claims.clone()),
            actor: token.actor.clone().map(Document),
            jkt: token.jkt.clone(),
            issued_at: At(token.issued_at),
            expires_at: token.expires_at.map(At),
            derived_from: token.derived_from.map(Hash),
        }
    }

    pub(crate) fn into_token(self) -> Result<StoredToken, Failure> {
        Ok(StoredToken {
            hash: self.hash.0,
            kind: self.kind.0,
            grant: self.grant_id.map(|id| id.0),
            parent: self.parent.map(|hash| hash.0),
            derived_from: self.derived_from.map(|hash| hash.0),
            client: client(self.client_id, "tokens.client_id")?,
            subject: self.subject,
            scope: self.scope.0,
            audience: self.audience.0,
            claims: self.claims.0,
            actor: self.actor.map(|actor| actor.0),
            jkt: self.jkt,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.map(|at| at.0),
        })
    }
}
