DROP TRIGGER clients_changed ON clients;
DROP FUNCTION orrery_client_changed();
