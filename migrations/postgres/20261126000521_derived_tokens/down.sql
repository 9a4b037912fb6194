-- Without the column nobody would know that these end with another.
DELETE FROM tokens WHERE derived_from IS NOT NULL;
ALTER TABLE tokens DROP COLUMN derived_from;
