DROP TRIGGER login_sessions_live_on;
DROP TRIGGER login_sessions_end_with_identity;
DROP TRIGGER login_sessions_end_with_deleted;
DROP TRIGGER login_sessions_end_with_revoked;
DROP INDEX login_sessions_ended;
DELETE FROM login_sessions WHERE ended;
ALTER TABLE login_sessions DROP COLUMN ended;
