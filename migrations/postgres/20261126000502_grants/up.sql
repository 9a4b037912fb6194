-- What somebody allowed a client: the family of the tokens that come of it.
CREATE TABLE grants (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    login_session_id uuid NOT NULL,
    scope jsonb NOT NULL,
    audience jsonb NOT NULL,
    session jsonb NOT NULL,
    authentication jsonb NOT NULL,
    requested jsonb NOT NULL,
    context jsonb NOT NULL,
    remember boolean NOT NULL,
    remember_for bigint NOT NULL,
    skipped boolean NOT NULL,
    requested_at timestamptz NOT NULL,
    handled_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX grants_by_subject ON grants (project_id, subject, client_id, requested_at);
CREATE INDEX grants_by_client ON grants (project_id, client_id);
CREATE INDEX grants_by_login_session ON grants (project_id, login_session_id);
CREATE INDEX grants_by_end ON grants (expires_at);

-- Codes on their way through a browser. A used one stays until it expires, because a second use revokes the family.
CREATE TABLE authorization_codes (
    project_id uuid NOT NULL,
    hash bytea NOT NULL,
    grant_id uuid NOT NULL,
    client_id text COLLATE "C" NOT NULL,
    redirect_uri text,
    code_challenge text,
    dpop_jkt text,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (project_id, hash),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE
);

CREATE INDEX authorization_codes_by_grant ON authorization_codes (project_id, grant_id);
CREATE INDEX authorization_codes_by_end ON authorization_codes (expires_at);

-- Access and refresh tokens.
CREATE TABLE tokens (
    project_id uuid NOT NULL,
    hash bytea NOT NULL,
    kind text NOT NULL,
    grant_id uuid,
    parent bytea,
    client_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    scope jsonb NOT NULL,
    audience jsonb NOT NULL,
    claims jsonb NOT NULL,
    actor jsonb,
    jkt text,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz,
    used_at timestamptz,
    PRIMARY KEY (project_id, hash),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE
);

CREATE INDEX tokens_by_grant ON tokens (project_id, grant_id);
CREATE INDEX tokens_by_client ON tokens (project_id, client_id);
CREATE INDEX tokens_by_end ON tokens (expires_at);

-- Assertions and proofs that were presented: each `jti` is good once.
CREATE TABLE assertion_ids (
    project_id uuid NOT NULL,
    hash bytea NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, hash)
);

CREATE INDEX assertion_ids_by_end ON assertion_ids (expires_at);
