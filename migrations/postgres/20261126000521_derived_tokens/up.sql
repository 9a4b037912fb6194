-- A token that was issued in exchange for another (RFC 8693) ends with it.
ALTER TABLE tokens ADD COLUMN derived_from bytea;
ALTER TABLE tokens
    ADD FOREIGN KEY (project_id, derived_from) REFERENCES tokens (project_id, hash) ON DELETE CASCADE;
CREATE INDEX tokens_by_origin ON tokens (project_id, derived_from) WHERE derived_from IS NOT NULL;
