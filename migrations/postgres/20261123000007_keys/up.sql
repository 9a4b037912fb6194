-- JSON Web Keys; private members are sealed.
CREATE TABLE keys (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    set_name text COLLATE "C" NOT NULL,
    kid text COLLATE "C" NOT NULL,
    algorithm text NOT NULL,
    key_use text NOT NULL,
    origin text NOT NULL,
    public_jwk jsonb NOT NULL,
    sealed_private bytea,
    succession text COLLATE "C",
    created_at timestamptz NOT NULL,
    activates_at timestamptz NOT NULL,
    retires_at timestamptz,
    removes_at timestamptz,
    held_until timestamptz,
    PRIMARY KEY (project_id, id),
    UNIQUE (project_id, set_name, kid),
    UNIQUE (project_id, set_name, succession)
);

CREATE INDEX keys_by_end ON keys (project_id, removes_at);
