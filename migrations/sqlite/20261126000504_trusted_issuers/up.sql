-- Issuers whose assertions are accepted as grants (RFC 7523). `subject` is empty where any is accepted.
CREATE TABLE trusted_issuers (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    allow_any_subject INTEGER NOT NULL,
    scope TEXT NOT NULL,
    kid TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, issuer, subject, kid)
) STRICT;

CREATE INDEX trusted_issuers_by_end ON trusted_issuers (expires_at);
