DROP INDEX attempt_counters_by_account;
ALTER TABLE attempt_counters DROP COLUMN identity_id;
