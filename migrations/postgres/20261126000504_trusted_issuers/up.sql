-- Issuers whose assertions are accepted as grants (RFC 7523). `subject` is empty where any is accepted.
CREATE TABLE trusted_issuers (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    issuer text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    allow_any_subject boolean NOT NULL,
    scope jsonb NOT NULL,
    kid text COLLATE "C" NOT NULL,
    public_jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, issuer, subject, kid)
);

CREATE INDEX trusted_issuers_by_end ON trusted_issuers (expires_at);
