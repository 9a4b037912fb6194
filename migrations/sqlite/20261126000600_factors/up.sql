-- What an identity can prove itself with: its level follows from that and from what the operator has switched on. Null
-- where a release wrote the row that does not know it.
ALTER TABLE identities ADD COLUMN factors TEXT;

UPDATE identities SET factors = (
    SELECT json_group_array(DISTINCT usable.factor) FROM (
        SELECT CASE
            WHEN kind = 'password' AND identifiers <> '[]' AND json_type(config, '$.hashed_password') IS NOT NULL THEN 'first'
            WHEN kind IN ('oidc', 'saml') AND identifiers <> '[]' THEN 'first'
            WHEN kind = 'passkey' AND json_array_length(config, '$.credentials') > 0 THEN 'first'
            WHEN kind = 'code' AND json_array_length(config, '$.addresses') > 0 THEN 'code'
            WHEN kind = 'totp' AND json_type(config, '$.totp_url') IS NOT NULL THEN 'totp'
            WHEN kind = 'lookup_secret' AND json_array_length(config, '$.recovery_codes') > 0 THEN 'lookup_secret'
        END AS factor
        FROM identity_credentials AS own
        WHERE own.project_id = identities.project_id AND own.identity_id = identities.id
        UNION ALL
        SELECT CASE WHEN json_extract(key.value, '$.is_passwordless') = 1 THEN 'first' ELSE 'webauthn' END
        FROM identity_credentials AS own, json_each(own.config, '$.credentials') AS key
        WHERE own.project_id = identities.project_id AND own.identity_id = identities.id AND own.kind = 'webauthn'
    ) AS usable WHERE usable.factor IS NOT NULL
);
