ALTER TABLE identities DROP COLUMN factors;
