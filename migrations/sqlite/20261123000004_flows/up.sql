-- One run of a self-service flow of any kind.
CREATE TABLE flows (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    kind TEXT NOT NULL,
    flow_type TEXT NOT NULL,
    state TEXT NOT NULL,
    active TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    request_url TEXT NOT NULL,
    return_to TEXT,
    csrf BLOB,
    identity_id BLOB,
    session_id BLOB,
    schema_id TEXT,
    requested_aal TEXT NOT NULL,
    refresh INTEGER NOT NULL,
    form TEXT NOT NULL,
    messages TEXT NOT NULL,
    transient_payload TEXT,
    context TEXT NOT NULL,
    submissions INTEGER NOT NULL,
    completed_at INTEGER,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX flows_by_end ON flows (expires_at);
CREATE INDEX flows_by_completion ON flows (completed_at);
CREATE INDEX flows_by_identity ON flows (project_id, identity_id);

-- One-time codes that were sent. Using one deletes it.
CREATE TABLE flow_codes (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    flow_id BLOB NOT NULL,
    code_hash BLOB NOT NULL,
    identity_id BLOB,
    via TEXT,
    address TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, flow_id) REFERENCES flows (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX flow_codes_by_flow ON flow_codes (project_id, flow_id);
CREATE INDEX flow_codes_by_identity ON flow_codes (project_id, identity_id);
CREATE INDEX flow_codes_by_end ON flow_codes (expires_at);

-- Errors that a browser is shown after a redirect.
CREATE TABLE flow_errors (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    error TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX flow_errors_by_age ON flow_errors (created_at);
