-- An account's counter has a key derived from the account, so the primary key alone keeps it single. A second unique
-- rule is one that an upsert on the primary key does not wait for: two first failures at once, and one of them failed.
DROP INDEX attempt_counters_by_account;
CREATE INDEX attempt_counters_by_account ON attempt_counters (project_id, identity_id);
