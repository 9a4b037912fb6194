-- OAuth2 clients are cached as sessions are, and told of on the same channels: see crates/persistence/src/cache/mod.rs.
CREATE FUNCTION orrery_client_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('orrery_identity_changed', 'client ' || OLD.id),
        pg_notify('orrery_identity_changed_by_' || pg_backend_pid(), 'client ' || OLD.id);
    RETURN NULL;
END
$$;

CREATE TRIGGER clients_changed AFTER UPDATE OR DELETE ON clients
    FOR EACH ROW EXECUTE FUNCTION orrery_client_changed();
