-- A token that was issued in exchange for another (RFC 8693) ends with it. SQLite adds a foreign key of two columns to a new
-- table only. The old one is renamed first: a table that the new one refers to would be dropped row by row, each with a search
-- for what refers to it.
ALTER TABLE tokens RENAME TO tokens_before;

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
    derived_from BLOB,
    PRIMARY KEY (project_id, hash),
    FOREIGN KEY (project_id, grant_id) REFERENCES grants (project_id, id) ON DELETE CASCADE,
    FOREIGN KEY (project_id, derived_from) REFERENCES tokens (project_id, hash) ON DELETE CASCADE
) STRICT;

INSERT INTO tokens (project_id, hash, kind, grant_id, parent, client_id, subject, scope, audience, claims, actor, jkt,
    issued_at, expires_at, used_at)
SELECT project_id, hash, kind, grant_id, parent, client_id, subject, scope, audience, claims, actor, jkt, issued_at,
    expires_at, used_at
FROM tokens_before;

DROP TABLE tokens_before;

CREATE INDEX tokens_by_grant ON tokens (project_id, grant_id);
CREATE INDEX tokens_by_client ON tokens (project_id, client_id);
CREATE INDEX tokens_by_end ON tokens (expires_at);
CREATE INDEX tokens_by_origin ON tokens (project_id, derived_from) WHERE derived_from IS NOT NULL;
