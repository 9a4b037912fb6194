-- Somebody has signed in, on whichever surface.
CREATE TABLE sessions (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    identity_id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    active INTEGER NOT NULL,
    aal TEXT NOT NULL,
    methods TEXT NOT NULL,
    devices TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash),
    FOREIGN KEY (project_id, identity_id) REFERENCES identities (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX sessions_newest_first ON sessions (project_id, created_at, id);
CREATE INDEX sessions_by_identity ON sessions (project_id, identity_id, created_at, id);
CREATE INDEX sessions_by_end ON sessions (expires_at);
