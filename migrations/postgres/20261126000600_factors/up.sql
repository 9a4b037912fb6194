-- What an identity can prove itself with: its level follows from that and from what the operator has switched on. Null
-- where a release wrote the row that does not know it.
ALTER TABLE identities ADD COLUMN factors jsonb;

UPDATE identities SET factors = (
    SELECT coalesce(jsonb_agg(DISTINCT usable.factor), '[]') FROM (
        SELECT CASE
            WHEN kind = 'password' AND identifiers <> '[]' AND config ? 'hashed_password' THEN 'first'
            WHEN kind IN ('oidc', 'saml') AND identifiers <> '[]' THEN 'first'
            WHEN kind = 'passkey' AND config @? '$.credentials[0]' THEN 'first'
            WHEN kind = 'code' AND config @? '$.addresses[0]' THEN 'code'
            WHEN kind = 'totp' AND config ? 'totp_url' THEN 'totp'
            WHEN kind = 'lookup_secret' AND config @? '$.recovery_codes[0]' THEN 'lookup_secret'
        END AS factor
        FROM identity_credentials AS own
        WHERE own.project_id = identities.project_id AND own.identity_id = identities.id
        UNION ALL
        SELECT CASE WHEN key -> 'is_passwordless' = 'true' THEN 'first' ELSE 'webauthn' END
        FROM identity_credentials AS own, jsonb_path_query(own.config, '$.credentials[*]') AS key
        WHERE own.project_id = identities.project_id AND own.identity_id = identities.id AND own.kind = 'webauthn'
    ) AS usable WHERE usable.factor IS NOT NULL
);
