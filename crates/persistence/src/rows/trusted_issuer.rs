//! Issuers whose assertions are accepted as grants.

use diesel::prelude::{Insertable, Queryable, Selectable};
use orrery_core::ProjectId;
use orrery_core::id::TrustedIssuerId;
use orrery_oauth2::trust::TrustedIssuer;
use serde_json::Value;

use crate::columns::{At, Document, Uid};
use crate::schema::trusted_issuers;

/// One entry. `subject` is empty where any is accepted, so that the rule of uniqueness covers those, too.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = trusted_issuers)]
pub(crate) struct TrustedIssuerRow {
    project_id: Uid<ProjectId>,
    pub(crate) id: Uid<TrustedIssuerId>,
    issuer: String,
    subject: String,
    allow_any_subject: bool,
    scope: Document<Vec<String>>,
    kid: String,
    public_jwk: Document<Value>,
    created_at: At,
    expires_at: At,
}

impl TrustedIssuerRow {
    pub(crate) fn new(project: ProjectId, issuer: &TrustedIssuer) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(issuer.id),
            issuer: issuer.issuer.clone(),
            subject: issuer.subject.clone().unwrap_or_default(),
            allow_any_subject: issuer.subject.is_none(),
            scope: Document(issuer.scope.clone()),
            kid: issuer.kid.clone(),
            public_jwk: Document(issuer.public_jwk.clone()),
            created_at: At(issuer.created_at),
            expires_at: At(issuer.expires_at),
        }
    }

    pub(crate) fn into_issuer(self) -> TrustedIssuer {
        TrustedIssuer {
            id: self.id.0,
            issuer: self.issuer,
            subject: (!self.allow_any_subject).then_some(self.subject),
            scope: self.scope.0,
            kid: self.kid,
            public_jwk: self.public_jwk.0,
            created_at: self.created_at.0,
            expires_at: self.expires_at.0,
        }
    }
}
