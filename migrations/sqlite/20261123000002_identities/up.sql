-- The whole identity but its credentials. The addresses are documents here, so that one row answers a session lookup.
CREATE TABLE identities (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    external_id TEXT,
    schema_id TEXT NOT NULL,
    state TEXT NOT NULL,
    state_changed_at INTEGER NOT NULL,
    traits TEXT NOT NULL,
    metadata_public TEXT,
    metadata_admin TEXT,
    organization_id BLOB,
    available_aal TEXT NOT NULL,
    verifiable_addresses TEXT NOT NULL,
    recovery_addresses TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, external_id)
) STRICT;

-- Finds an identity by address and keeps addresses unique.
CREATE TABLE identity_addresses (
    project_id BLOB NOT NULL,
    purpose TEXT NOT NULL,
    via TEXT NOT NULL,
    value TEXT NOT NULL,
    identity_id BLOB NOT NULL,
    PRIMARY KEY (project_id, purpose, via, value),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX identity_addresses_by_identity ON identity_addresses (project_id, identity_id);

-- At most one credential of each kind.
CREATE TABLE identity_credentials (
    project_id BLOB NOT NULL,
    identity_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    identifiers TEXT NOT NULL,
    config TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, identity_id, kind),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
) STRICT;

-- Finds a credential by what somebody typed and keeps identifiers unique.
CREATE TABLE credential_identifiers (
    project_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    identifier TEXT NOT NULL,
    identity_id BLOB NOT NULL,
    PRIMARY KEY (project_id, kind, identifier),
    FOREIGN KEY (project_id, identity_id, kind) REFERENCES identity_credentials (project_id, identity_id, kind) ON DELETE CASCADE
) STRICT;

CREATE INDEX credential_identifiers_by_identity ON credential_identifiers (project_id, identity_id, kind);
