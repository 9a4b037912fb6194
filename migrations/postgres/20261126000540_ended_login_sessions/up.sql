-- A sign-in at the OAuth2 server whose end the clients have yet to hear of. Whatever ends a session of the identity surface ends the
-- sign-ins that hang on it, whoever wrote the statement.
ALTER TABLE login_sessions ADD COLUMN ended boolean NOT NULL DEFAULT false;

CREATE INDEX login_sessions_ended ON login_sessions (project_id, id) WHERE ended;

-- What would have ended by itself before is over, and nobody is told.
CREATE FUNCTION orrery_session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE login_sessions SET ended = true, expires_at = LEAST(expires_at, OLD.expires_at)
        WHERE project_id = OLD.project_id AND identity_session_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION orrery_identity_deactivated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE login_sessions SET ended = true
        WHERE project_id = NEW.project_id AND identity_session_id IN
            (SELECT id FROM sessions WHERE project_id = NEW.project_id AND identity_id = NEW.id AND active);
    RETURN NULL;
END
$$;

-- The built-in sign-in is one session under one id: it lives as long here as there.
CREATE FUNCTION orrery_session_lives_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE login_sessions SET expires_at = NEW.expires_at
        WHERE project_id = NEW.project_id AND id = NEW.id AND identity_session_id = NEW.id AND NOT ended;
    RETURN NULL;
END
$$;

CREATE TRIGGER login_sessions_end_with_revoked AFTER UPDATE OF active ON sessions
    FOR EACH ROW WHEN (OLD.active AND NOT NEW.active) EXECUTE FUNCTION orrery_session_ended();

CREATE TRIGGER login_sessions_end_with_deleted AFTER DELETE ON sessions
    FOR EACH ROW WHEN (OLD.active) EXECUTE FUNCTION orrery_session_ended();

CREATE TRIGGER login_sessions_end_with_identity AFTER UPDATE OF state ON identities
    FOR EACH ROW WHEN (OLD.state = 'active' AND NEW.state <> 'active') EXECUTE FUNCTION orrery_identity_deactivated();

CREATE TRIGGER login_sessions_live_on AFTER UPDATE OF expires_at ON sessions
    FOR EACH ROW WHEN (NEW.active AND NEW.expires_at > OLD.expires_at) EXECUTE FUNCTION orrery_session_lives_on();
