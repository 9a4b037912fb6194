DROP TRIGGER sessions_changed ON sessions;
DROP TRIGGER identities_changed ON identities;
DROP FUNCTION orrery_identity_changed();
