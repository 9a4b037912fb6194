DROP TABLE credential_identifiers;
DROP TABLE identity_credentials;
DROP TABLE identity_addresses;
DROP TABLE identities;
