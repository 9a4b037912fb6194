-- The network of Hydra that a grant was copied from, so that what is revoked there until the switch can be taken back here.
ALTER TABLE grants ADD COLUMN imported_from BLOB;

CREATE INDEX grants_imported ON grants (project_id, imported_from, id) WHERE imported_from IS NOT NULL;
