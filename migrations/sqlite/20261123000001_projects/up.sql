-- A tenant. Every row of every other table names one.
CREATE TABLE projects (
    id BLOB NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (slug)
) STRICT;

-- Requests without a known host name belong to it.
INSERT INTO projects (id, slug, name, created_at, updated_at)
VALUES (x'00000000000040008000000000000001', 'default', 'Default', unixepoch() * 1000000, unixepoch() * 1000000);
