-- Sessions are cached by every node. Whatever changes a cached row, whoever wrote the statement, tells all nodes, and first
-- the connection that made the change: see crates/persistence/src/cache/mod.rs.
CREATE FUNCTION orrery_identity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    identity text;
BEGIN
    IF TG_TABLE_NAME = 'identities' THEN
        identity := OLD.id;
    ELSE
        identity := OLD.identity_id;
    END IF;
    PERFORM pg_notify('orrery_identity_changed', identity),
        pg_notify('orrery_identity_changed_by_' || pg_backend_pid(), identity);
    RETURN NULL;
END
$$;

CREATE TRIGGER identities_changed AFTER UPDATE OR DELETE ON identities
    FOR EACH ROW EXECUTE FUNCTION orrery_identity_changed();

CREATE TRIGGER sessions_changed AFTER UPDATE OR DELETE ON sessions
    FOR EACH ROW EXECUTE FUNCTION orrery_identity_changed();
