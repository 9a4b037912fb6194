-- JSON Web Keys; private members are sealed.
CREATE TABLE keys (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    set_name TEXT NOT NULL,
    kid TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_use TEXT NOT NULL,
    origin TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BLOB,
    succession TEXT,
    created_at INTEGER NOT NULL,
    activates_at INTEGER NOT NULL,
    retires_at INTEGER,
    removes_at INTEGER,
    held_until INTEGER,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, set_name, kid),
    UNIQUE (project_id, set_name, succession)
) STRICT;

CREATE INDEX keys_by_end ON keys (project_id, removes_at);
