-- Failed attempts at a door to an account; the key is a keyed hash and reveals no identifier.
CREATE TABLE attempt_counters (
    project_id BLOB NOT NULL,
    counter BLOB NOT NULL,
    failures INTEGER NOT NULL,
    since INTEGER NOT NULL,
    locked_until INTEGER,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, counter)
) STRICT;

CREATE INDEX attempt_counters_by_end ON attempt_counters (expires_at);
