-- The highest level that an identity can reach where codes are second factors; null until it is next written.
ALTER TABLE identities ADD COLUMN available_aal_mfa TEXT;

-- Who has a password and takes codes could be asked for both from now on.
UPDATE identities SET available_aal_mfa = 'aal2' WHERE available_aal <> 'aal0' AND EXISTS (
    SELECT 1 FROM identity_credentials AS codes, identity_credentials AS passwords
    WHERE codes.project_id = identities.project_id AND codes.identity_id = identities.id AND codes.kind = 'code'
    AND passwords.project_id = identities.project_id AND passwords.identity_id = identities.id
    AND passwords.kind = 'password' AND passwords.config LIKE '%hashed_password%'
);
