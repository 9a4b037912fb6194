-- A browser's sign-in at the OAuth2 server (`sid`).
CREATE TABLE login_sessions (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    token_hash BLOB NOT NULL,
    subject TEXT NOT NULL,
    identity_session_id BLOB,
    remember INTEGER NOT NULL,
    acr TEXT NOT NULL,
    amr TEXT NOT NULL,
    authenticated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, token_hash)
) STRICT;

CREATE INDEX login_sessions_by_subject ON login_sessions (project_id, subject, id);
CREATE INDEX login_sessions_by_identity_session ON login_sessions (project_id, identity_session_id);
CREATE INDEX login_sessions_by_end ON login_sessions (expires_at);

-- Authorizations in progress, from the first decision on.
CREATE TABLE authorizations (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    client_id TEXT NOT NULL,
    state TEXT NOT NULL,
    browser BLOB NOT NULL,
    login_session_id BLOB NOT NULL,
    request TEXT NOT NULL,
    decisions TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX authorizations_by_client ON authorizations (project_id, client_id);
CREATE INDEX authorizations_by_end ON authorizations (expires_at);

-- Authorization requests that clients pushed (RFC 9126), and those too long for a challenge.
CREATE TABLE pushed_requests (
    project_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (project_id, hash)
) STRICT;

CREATE INDEX pushed_requests_by_client ON pushed_requests (project_id, client_id);
CREATE INDEX pushed_requests_by_end ON pushed_requests (expires_at);

-- Devices that wait for somebody's approval (RFC 8628).
CREATE TABLE device_codes (
    project_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    user_code_hash BLOB NOT NULL,
    client_id TEXT NOT NULL,
    state TEXT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,
    grant_id BLOB,
    poll_after INTEGER NOT NULL,
    poll_interval INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, hash),
    UNIQUE (project_id, user_code_hash)
) STRICT;

CREATE INDEX device_codes_by_client ON device_codes (project_id, client_id);
CREATE INDEX device_codes_by_grant ON device_codes (project_id, grant_id);
CREATE INDEX device_codes_by_end ON device_codes (expires_at);
