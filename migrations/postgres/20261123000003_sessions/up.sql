-- Somebody has signed in, on whichever surface.
CREATE TABLE sessions (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    identity_id uuid NOT NULL,
    token_hash bytea NOT NULL,
    active boolean NOT NULL,
    aal text NOT NULL,
    methods jsonb NOT NULL,
    devices jsonb NOT NULL,
    authenticated_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
);

CREATE INDEX sessions_newest_first ON sessions (project_id, created_at, id);
CREATE INDEX sessions_by_identity ON sessions (project_id, identity_id, created_at, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
