-- The account behind a counter, so that all its names share one; null for names and addresses.
ALTER TABLE attempt_counters ADD COLUMN identity_id BLOB;

CREATE UNIQUE INDEX attempt_counters_by_account ON attempt_counters (project_id, identity_id);
