-- The identity that granted, where the identity surface signed it in: tokens count only while it is active.
ALTER TABLE grants ADD COLUMN identity_id uuid;
