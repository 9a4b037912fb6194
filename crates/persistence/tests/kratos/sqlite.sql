-- The tables of Kratos on SQLite, as far as an importer sees them.
PRAGMA journal_mode = WAL;

CREATE TABLE networks (
    id char(36) PRIMARY KEY,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE identities (
    id char(36) PRIMARY KEY,
    nid char(36),
    external_id text,
    schema_id text,
    state text,
    state_changed_at datetime,
    traits text,
    metadata_public text,
    metadata_admin text,
    available_aal text,
    organization_id char(36),
    created_at datetime,
    updated_at datetime
);

CREATE TABLE identity_credential_types (
    id char(36) PRIMARY KEY,
    name text
);

CREATE TABLE identity_credentials (
    id char(36) PRIMARY KEY,
    nid char(36),
    identity_id char(36),
    identity_credential_type_id char(36),
    config text,
    version integer,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE identity_credential_identifiers (
    id char(36) PRIMARY KEY,
    nid char(36),
    identifier text,
    identity_id char(36),
    identity_credential_id char(36),
    identity_credential_type_id char(36),
    created_at datetime,
    updated_at datetime
);

CREATE TABLE identity_verifiable_addresses (
    id char(36) PRIMARY KEY,
    nid char(36),
    identity_id char(36),
    value text,
    via text,
    verified bool,
    verified_at datetime,
    status text,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE identity_recovery_addresses (
    id char(36) PRIMARY KEY,
    nid char(36),
    identity_id char(36),
    value text,
    via text,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE sessions (
    id char(36) PRIMARY KEY,
    nid char(36),
    identity_id char(36),
    active bool,
    token text,
    logout_token text,
    aal text,
    authentication_methods text,
    authenticated_at datetime,
    issued_at datetime,
    expires_at datetime,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE session_devices (
    id char(36) PRIMARY KEY,
    nid char(36),
    session_id char(36),
    identity_id char(36),
    ip_address text,
    user_agent text,
    location text,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE courier_messages (
    id char(36) PRIMARY KEY,
    nid char(36),
    status integer,
    type integer,
    recipient text,
    subject text,
    body text,
    template_type text,
    template_data blob,
    channel text,
    request_headers text,
    send_count integer,
    created_at datetime,
    updated_at datetime
);

CREATE TABLE courier_message_dispatches (
    id char(36) PRIMARY KEY,
    nid char(36),
    message_id char(36),
    status text,
    error text,
    created_at datetime,
    updated_at datetime
);
