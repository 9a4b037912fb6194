-- The tables of Kratos on PostgreSQL, as far as an importer sees them.

CREATE TABLE networks (
    id uuid PRIMARY KEY,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE identities (
    id uuid PRIMARY KEY,
    nid uuid,
    external_id varchar,
    schema_id varchar,
    state varchar,
    state_changed_at timestamp,
    traits jsonb,
    metadata_public jsonb,
    metadata_admin jsonb,
    available_aal varchar,
    organization_id uuid,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE identity_credential_types (
    id uuid PRIMARY KEY,
    name varchar
);

CREATE TABLE identity_credentials (
    id uuid PRIMARY KEY,
    nid uuid,
    identity_id uuid,
    identity_credential_type_id uuid,
    config jsonb,
    version integer,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE identity_credential_identifiers (
    id uuid PRIMARY KEY,
    nid uuid,
    identifier varchar,
    identity_id uuid,
    identity_credential_id uuid,
    identity_credential_type_id uuid,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE identity_verifiable_addresses (
    id uuid PRIMARY KEY,
    nid uuid,
    identity_id uuid,
    value varchar,
    via varchar,
    verified boolean,
    verified_at timestamp,
    status varchar,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE identity_recovery_addresses (
    id uuid PRIMARY KEY,
    nid uuid,
    identity_id uuid,
    value varchar,
    via varchar,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    nid uuid,
    identity_id uuid,
    active boolean,
    token varchar,
    logout_token varchar,
    aal varchar,
    authentication_methods jsonb,
    authenticated_at timestamp,
    issued_at timestamp,
    expires_at timestamp,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE session_devices (
    id uuid PRIMARY KEY,
    nid uuid,
    session_id uuid,
    identity_id uuid,
    ip_address varchar,
    user_agent varchar,
    location varchar,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE courier_messages (
    id uuid PRIMARY KEY,
    nid uuid,
    status integer,
    type integer,
    recipient varchar,
    subject varchar,
    body varchar,
    template_type varchar,
    template_data bytea,
    channel varchar,
    request_headers jsonb,
    send_count integer,
    created_at timestamp,
    updated_at timestamp
);

CREATE TABLE courier_message_dispatches (
    id uuid PRIMARY KEY,
    nid uuid,
    message_id uuid,
    status varchar,
    error jsonb,
    created_at timestamp,
    updated_at timestamp
);
