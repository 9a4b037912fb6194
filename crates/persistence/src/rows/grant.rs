//! Grants and the codes that stand for them.

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::{GrantId, IdentityId, LoginSessionId};
use orrery_oauth2::client::ClientId;
use orrery_oauth2::grant::{Authentication, Grant, GrantKind, Requested, SessionClaims};
use orrery_oauth2::token::AuthorizationCode;
use serde_json::Value;

use crate::columns::{At, Document, Hash, Uid, Word};
use crate::error::Failure;
use crate::schema::{authorization_codes, grants};

/// One grant.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = grants, treat_none_as_default_value = false)]
pub(crate) struct GrantRow {
    project_id: Uid<ProjectId>,
    pub(crate) id: Uid<GrantId>,
    client_id: String,
    subject: String,
    kind: Word<GrantKind>,
    login_session_id: Uid<LoginSessionId>,
    scope: Document<Vec<String>>,
    audience: Document<Vec<String>>,
    session: Document<SessionClaims>,
    authentication: Document<Authentication>,
    requested: Document<Requested>,
    context: Document<Value>,
    remember: bool,
    remember_for: i64,
    skipped: bool,
    requested_at: At,
    handled_at: At,
    expires_at: At,
    identity_id: Option<Uid<IdentityId>>,
}

impl GrantRow {
    pub(crate) fn new(project: ProjectId, grant: &Grant) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(grant.id),
            client_id: grant.client.to_string(),
            subject: grant.subject.clone(),
            kind: Word(grant.kind),
            login_session_id: Uid(grant.authentication.session),
            scope: Document(grant.scope.clone()),
            audience: Document(grant.audience.clone()),
            session: Document(grant.session.clone()),
            authentication: Document(grant.authentication.clone()),
            requested: Document(grant.requested.clone()),
            context: Document(grant.context.clone()),
            remember: grant.remember,
            remember_for: i64::try_from(grant.remember_for).unwrap_or(i64::MAX),
            skipped: grant.skipped,
            requested_at: At(grant.requested_at),
            handled_at: At(grant.handled_at),
            expires_at: At(grant.expires_at),
            identity_id: grant.identity.map(Uid),
        }
    }

    pub(crate) fn into_grant(self) -> Result<Grant, Failure> {
        Ok(Grant {
            id: self.id.0,
            client: client(self.client_id, "grants.client_id")?,
            subject: self.subject,
            kind: self.kind.0,
            scope: self.scope.0,
            audience: self.audience.0,
            session: self.session.0,
            authentication: self.authentication.0,
            requested: self.requested.0,
            remember: self.remember,
            remember_for: u64::try_from(self.remember_for).map_err(|_| Failure::Corrupt("grants.remember_for"))?,
            skipped: self.skipped,
            context: self.context.0,
            requested_at: self.requested_at.0,
            handled_at: self.handled_at.0,
            expires_at: self.expires_at.0,
            identity: self.identity_id.map(|id| id.0),
        })
    }
}

/// A code that stands for a grant.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = authorization_codes, treat_none_as_default_value = false)]
pub(crate) struct AuthorizationCodeRow {
    project_id: Uid<ProjectId>,
    hash: Hash,
    grant_id: Uid<GrantId>,
    client_id: String,
    redirect_uri: Option<String>,
    code_challenge: Option<String>,
    dpop_jkt: Option<String>,
    issued_at: At,
    expires_at: At,
    used_at: Option<At>,
}

impl AuthorizationCodeRow {
    pub(crate) fn new(project: ProjectId, code: &AuthorizationCode) -> Self {
        Self {
            project_id: Uid(project),
            hash: Hash(code.hash),
            grant_id: Uid(code.grant),
            client_id: code.client.to_string(),
            redirect_uri: code.redirect_uri.clone(),
            code_challenge: code.code_challenge.clone(),
            dpop_jkt: code.dpop_jkt.clone(),
            issued_at: At(code.issued_at),
            expires_at: At(code.expires_at),
            used_at: code.used_at.map(At),
        }
    }

    pub(crate) fn into_code(self) -> Result<AuthorizationCode, Failure> {
        Ok(AuthorizationCode {
            hash: self.hash.0,
            grant: self.grant_id.0,
            client: client(self.client_id, "authorization_codes.client_id")?,
            redirect_uri: self.redirect_uri,
            code_challenge: self.code_challenge,
            dpop_jkt: self.dpop_jkt,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
            used_at: self.used_at.map(|at| at.0),
        })
    }
}

/// A `client_id` that was stored.
pub(crate) fn client(text: String, column: &'static str) -> Result<ClientId, Failure> {
    ClientId::try_from(text).map_err(|_| Failure::Corrupt(column))
}
