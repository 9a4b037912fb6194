-- A browser's sign-in at the OAuth2 server (`sid`).
CREATE TABLE login_sessions (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    token_hash bytea NOT NULL,
    subject text COLLATE "C" NOT NULL,
    identity_session_id uuid,
    remember boolean NOT NULL,
    acr text NOT NULL,
    amr jsonb NOT NULL,
    authenticated_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash)
);

CREATE INDEX login_sessions_by_subject ON login_sessions (project_id, subject, id);
CREATE INDEX login_sessions_by_identity_session ON login_sessions (project_id, identity_session_id);
CREATE INDEX login_sessions_by_end ON login_sessions (expires_at);

-- Authorizations in progress, from the first decision on.
CREATE TABLE authorizations (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    browser bytea NOT NULL,
    login_session_id uuid NOT NULL,
    request jsonb NOT NULL,
    decisions jsonb NOT NULL,
    requested_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX authorizations_by_client ON authorizations (project_id, client_id);
CREATE INDEX authorizations_by_end ON authorizations (expires_at);

-- Authorization requests that clients pushed (RFC 9126), and those too long for a challenge.
CREATE TABLE pushed_requests (
    project_id uuid NOT NULL,
    hash bytea NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    parameters jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (project_id, hash)
);

CREATE INDEX pushed_requests_by_client ON pushed_requests (project_id, client_id);
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_at);

-- Devices that wait for somebody's approval (RFC 8628).
CREATE TABLE device_codes (
    project_id uuid NOT NULL,
    hash bytea NOT NULL,
    user_code_hash bytea NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    state text NOT NULL,
    scope jsonb NOT NULL,
    audience jsonb NOT NULL,
    grant_id uuid,
    poll_after timestamptz NOT NULL,
    poll_interval integer NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, hash),
    UNIQUE (project_id, user_code_hash)
);

CREATE INDEX device_codes_by_client ON device_codes (project_id, client_id);
CREATE INDEX device_codes_by_grant ON device_codes (project_id, grant_id);
CREATE INDEX device_codes_by_end ON device_codes (expires_at);
