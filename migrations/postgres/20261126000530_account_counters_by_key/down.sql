DROP INDEX attempt_counters_by_account;
CREATE UNIQUE INDEX attempt_counters_by_account ON attempt_counters (project_id, identity_id);
