-- OAuth2 clients. No other table refers here by a foreign key: every token of a busy client would lock its one row.
CREATE TABLE clients (
    project_id uuid NOT NULL,
    id text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    client jsonb NOT NULL,
    secrets jsonb NOT NULL,
    registration_token bytea,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX clients_by_name ON clients (project_id, name, id);
CREATE INDEX clients_by_owner ON clients (project_id, owner, id);
