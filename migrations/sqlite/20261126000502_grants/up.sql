-- What somebody allowed a client: the family of the tokens that come of it.
CREATE TABLE grants (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind TEXT NOT NULL,
    login_session_id BLOB NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,
    session TEXT NOT NULL,
    authentication TEXT NOT NULL,
    requested TEXT NOT NULL,
    context TEXT NOT NULL,
    remember INTEGER NOT NULL,
    remember_for INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    requested_at INTEGER NOT NULL,
    handled_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX grants_by_subject ON grants (project_id, subject, client_id, requested_at);
CREATE INDEX grants_by_client ON grants (project_id, client_id);
CREATE INDEX grants_by_login_session ON grants (project_id, login_session_id);
CREATE INDEX grants_by_end ON grants (expires_at);

-- Codes on their way through a browser. A used one stays until it expires, because a second use revokes the family.
CREATE TABLE authorization_codes (
    project_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    grant_id BLOB NOT NULL,
    client_id TEXT NOT NULL,
    redirect_uri TEXT,
    code_challenge TEXT,
    dpop_jkt TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (project_id, hash),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX authorization_codes_by_grant ON authorization_codes (project_id, grant_id);
CREATE INDEX authorization_codes_by_end ON authorization_codes (expires_at);

-- Access and refresh tokens.
CREATE TABLE tokens (
    project_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    kind TEXT NOT NULL,
    grant_id BLOB,
    parent BLOB,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    scope TEXT NOT NULL,
    audience TEXT NOT NULL,
    claims TEXT NOT NULL,
    actor TEXT,
    jkt TEXT,
    issued_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER,
    PRIMARY KEY (project_id, hash),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX tokens_by_grant ON tokens (project_id, grant_id);
CREATE INDEX tokens_by_client ON tokens (project_id, client_id);
CREATE INDEX tokens_by_end ON tokens (expires_at);

-- Assertions and proofs that were presented: each `jti` is good once.
CREATE TABLE assertion_ids (
    project_id BLOB NOT NULL,
    hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, hash)
) STRICT;

CREATE INDEX assertion_ids_by_end ON assertion_ids (expires_at);
