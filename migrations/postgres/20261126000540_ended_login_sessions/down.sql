DROP TRIGGER login_sessions_live_on ON sessions;
DROP TRIGGER login_sessions_end_with_identity ON identities;
DROP TRIGGER login_sessions_end_with_deleted ON sessions;
DROP TRIGGER login_sessions_end_with_revoked ON sessions;
DROP FUNCTION orrery_session_lives_on();
DROP FUNCTION orrery_identity_deactivated();
DROP FUNCTION orrery_session_ended();
DELETE FROM login_sessions WHERE ended;
ALTER TABLE login_sessions DROP COLUMN ended;
