-- Failed attempts at a door to an account; the key is a keyed hash and reveals no identifier.
CREATE TABLE attempt_counters (
    project_id uuid NOT NULL,
    counter bytea NOT NULL,
    failures integer NOT NULL,
    since timestamptz NOT NULL,
    locked_until timestamptz,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, counter)
);

CREATE INDEX attempt_counters_by_end ON attempt_counters (expires_at);
