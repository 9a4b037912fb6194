-- A sign-in at the OAuth2 server whose end the clients have yet to hear of. Whatever ends a session of the identity surface ends the
-- sign-ins that hang on it, whoever wrote the statement.
ALTER TABLE login_sessions ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;

CREATE INDEX login_sessions_ended ON login_sessions (project_id, id) WHERE ended;

-- What would have ended by itself before is over, and nobody is told.
CREATE TRIGGER login_sessions_end_with_revoked AFTER UPDATE OF active ON sessions WHEN OLD.active AND NOT NEW.active
BEGIN
    UPDATE login_sessions SET ended = 1, expires_at = min(expires_at, OLD.expires_at)
        WHERE project_id = OLD.project_id AND identity_session_id = OLD.id;
END;

CREATE TRIGGER login_sessions_end_with_deleted AFTER DELETE ON sessions WHEN OLD.active
BEGIN
    UPDATE login_sessions SET ended = 1, expires_at = min(expires_at, OLD.expires_at)
        WHERE project_id = OLD.project_id AND identity_session_id = OLD.id;
END;

CREATE TRIGGER login_sessions_end_with_identity AFTER UPDATE OF state ON identities
    WHEN OLD.state = 'active' AND NEW.state <> 'active'
BEGIN
    UPDATE login_sessions SET ended = 1
        WHERE project_id = NEW.project_id AND identity_session_id IN
            (SELECT id FROM sessions WHERE project_id = NEW.project_id AND identity_id = NEW.id AND active);
END;

-- The built-in sign-in is one session under one id: it lives as long here as there.
CREATE TRIGGER login_sessions_live_on AFTER UPDATE OF expires_at ON sessions
    WHEN NEW.active AND NEW.expires_at > OLD.expires_at
BEGIN
    UPDATE login_sessions SET expires_at = NEW.expires_at
        WHERE project_id = NEW.project_id AND id = NEW.id AND identity_session_id = NEW.id AND NOT ended;
END;
