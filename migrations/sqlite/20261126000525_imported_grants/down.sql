DROP INDEX grants_imported;
ALTER TABLE grants DROP COLUMN imported_from;
