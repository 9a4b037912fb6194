-- One run of a self-service flow of any kind.
CREATE TABLE flows (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    flow_type text NOT NULL,
    state text NOT NULL,
    active text,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    request_url text NOT NULL,
    return_to text,
    csrf bytea,
    identity_id uuid,
    session_id uuid,
    schema_id text,
    requested_aal text NOT NULL,
    refresh boolean NOT NULL,
    form jsonb NOT NULL,
    messages jsonb NOT NULL,
    transient_payload jsonb,
    context jsonb NOT NULL,
    submissions integer NOT NULL,
    completed_at timestamptz,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX flows_by_end ON flows (expires_at);
CREATE INDEX flows_by_completion ON flows (completed_at);
CREATE INDEX flows_by_identity ON flows (project_id, identity_id);

-- One-time codes that were sent. Using one deletes it.
CREATE TABLE flow_codes (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    flow_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    identity_id uuid,
    via text,
    address text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, flow_id) REFERENCES flows (project_id, id) ON DELETE CASCADE
);

CREATE INDEX flow_codes_by_flow ON flow_codes (project_id, flow_id);
CREATE INDEX flow_codes_by_identity ON flow_codes (project_id, identity_id);
CREATE INDEX flow_codes_by_end ON flow_codes (expires_at);

-- Errors that a browser is shown after a redirect.
CREATE TABLE flow_errors (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    error jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX flow_errors_by_age ON flow_errors (created_at);
