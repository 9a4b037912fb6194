//! Sessions.

use diesel::prelude::{AsChangeset, Insertable, Queryable, Selectable};
use orrery_core::id::{IdentityId, SessionId};
use orrery_core::{ProjectId, TokenHash};
use orrery_identity::session::{Aal, Device, Session, SessionWithIdentity, UsedMethod};
use orrery_identity::store::ImportedSession;

use super::identity::IdentityRow;
use crate::columns::{At, Document, Hash, Uid, Word};
use crate::schema::sessions;

/// A session as it is read, and as a renewal writes it: everything but its token and its creation.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = sessions, primary_key(project_id, id))]
pub(crate) struct SessionRow {
    project_id: Uid<ProjectId>,
    pub(crate) id: Uid<SessionId>,
    identity_id: Uid<IdentityId>,
    active: bool,
    aal: Word<Aal>,
    methods: Document<Vec<UsedMethod>>,
    devices: Document<Vec<Device>>,
    authenticated_at: At,
    issued_at: At,
    expires_at: At,
    updated_at: At,
}

impl SessionRow {
    pub(crate) fn new(project: ProjectId, session: &Session) -> Self {
        Self {
            project_id: Uid(project),
            id: Uid(session.id),
            identity_id: Uid(session.identity_id),
            active: session.active,
            aal: Word(session.aal),
            methods: Document(session.methods.clone()),
            devices: Document(session.devices.clone()),
            authenticated_at: At(session.authenticated_at),
            issued_at: At(session.issued_at),
            expires_at: At(session.expires_at),
            updated_at: At(session.issued_at),
        }
    }

    /// As it was elsewhere.
    pub(crate) fn imported(project: ProjectId, imported: &ImportedSession) -> Self {
        Self { updated_at: At(imported.updated_at), ..Self::new(project, &imported.session) }
    }

    pub(crate) fn with_identity(self, identity: IdentityRow) -> SessionWithIdentity {
        let session = Session {
            id: self.id.0,
            identity_id: self.identity_id.0,
            active: self.active,
            aal: self.aal.0,
            methods: self.methods.0,
            devices: self.devices.0,
            authenticated_at: self.authenticated_at.0,
            issued_at: self.issued_at.0,
            expires_at: self.expires_at.0,
        };
        SessionWithIdentity { session, identity: identity.into_identity([]) }
    }
}

/// A new session.
#[derive(Insertable)]
#[diesel(table_name = sessions)]
pub(crate) struct NewSessionRow {
    #[diesel(embed)]
    session: SessionRow,
    token_hash: Hash,
    created_at: At,
}

impl NewSessionRow {
    pub(crate) fn new(project: ProjectId, session: &Session, token: TokenHash) -> Self {
        Self { session: SessionRow::new(project, session), token_hash: Hash(token), created_at: At(session.issued_at) }
    }

    /// As it was elsewhere.
    pub(crate) fn imported(project: ProjectId, imported: &ImportedSession) -> Self {
        Self {
            session: SessionRow::imported(project, imported),
            token_hash: Hash(imported.token),
            created_at: At(imported.created_at),
        }
    }
}
