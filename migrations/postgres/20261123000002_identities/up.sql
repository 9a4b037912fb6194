-- The whole identity but its credentials. The addresses are documents here, so that one row answers a session lookup.
CREATE TABLE identities (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    external_id text COLLATE "C",
    schema_id text NOT NULL,
    state text NOT NULL,
    state_changed_at timestamptz NOT NULL,
    traits jsonb NOT NULL,
    metadata_public jsonb,
    metadata_admin jsonb,
    organization_id uuid,
    available_aal text NOT NULL,
    verifiable_addresses jsonb NOT NULL,
    recovery_addresses jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, external_id)
);

-- Finds an identity by address and keeps addresses unique.
CREATE TABLE identity_addresses (
    project_id uuid NOT NULL,
    purpose text NOT NULL,
    via text NOT NULL,
    value text COLLATE "C" NOT NULL,
    identity_id uuid NOT NULL,
    PRIMARY KEY (project_id, purpose, via, value),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
);

CREATE INDEX identity_addresses_by_identity ON identity_addresses (project_id, identity_id);

-- At most one credential of each kind.
CREATE TABLE identity_credentials (
    project_id uuid NOT NULL,
    identity_id uuid NOT NULL,
    kind text NOT NULL,
    id uuid NOT NULL,
    identifiers jsonb NOT NULL,
    config jsonb NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, identity_id, kind),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
);

-- Finds a credential by what somebody typed and keeps identifiers unique.
CREATE TABLE credential_identifiers (
    project_id uuid NOT NULL,
    kind text NOT NULL,
    identifier text COLLATE "C" NOT NULL,
    identity_id uuid NOT NULL,
    PRIMARY KEY (project_id, kind, identifier),
    FOREIGN KEY (project_id, identity_id, kind) REFERENCES identity_credentials (project_id, identity_id, kind) ON DELETE CASCADE
);

CREATE INDEX credential_identifiers_by_identity ON credential_identifiers (project_id, identity_id, kind);
