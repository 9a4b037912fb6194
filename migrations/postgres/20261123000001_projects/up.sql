-- A tenant. Every row of every other table names one.
CREATE TABLE projects (
    id uuid NOT NULL,
    slug text COLLATE "C" NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (slug)
);

-- Requests without a known host name belong to it.
INSERT INTO projects (id, slug, name, created_at, updated_at)
VALUES ('00000000-0000-4000-8000-000000000001', 'default', 'Default', now(), now());
