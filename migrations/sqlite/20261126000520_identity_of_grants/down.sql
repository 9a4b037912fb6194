ALTER TABLE grants DROP COLUMN identity_id;
