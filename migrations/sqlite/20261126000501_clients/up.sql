-- OAuth2 clients. No other table refers here by a foreign key: every token of a busy client would lock its one row.
CREATE TABLE clients (
    project_id BLOB NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    client TEXT NOT NULL,
    secrets TEXT NOT NULL,
    registration_token BLOB,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX clients_by_name ON clients (project_id, name, id);
CREATE INDEX clients_by_owner ON clients (project_id, owner, id);
