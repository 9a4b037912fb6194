//! The tables, once, in column types that both databases have. What they mean: `docs/data-model.md`.

use diesel::{allow_tables_to_appear_in_same_query, table};

pub(crate) use crate::schema_outbox::{event_attempts, events};

table! {
    use diesel::sql_types::Text;

    use crate::columns::{Id, Moment};

    projects (id) {
        id -> Id,
        slug -> Text,
        name -> Text,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};

    use crate::columns::{Id, Json, Moment};

    identities (project_id, id) {
        project_id -> Id,
        id -> Id,
        external_id -> Nullable<Text>,
        schema_id -> Text,
        state -> Text,
        state_changed_at -> Moment,
        traits -> Json,
        metadata_public -> Nullable<Json>,
        metadata_admin -> Nullable<Json>,
        organization_id -> Nullable<Id>,
        available_aal -> Text,
        available_aal_mfa -> Nullable<Text>,
        verifiable_addresses -> Json,
        recovery_addresses -> Json,
        version -> BigInt,
        created_at -> Moment,
        updated_at -> Moment,
        factors -> Nullable<Json>,
    }
}

table! {
    use diesel::sql_types::Text;

    use crate::columns::{Id};

    identity_addresses (project_id, purpose, via, value) {
        project_id -> Id,
        purpose -> Text,
        via -> Text,
        value -> Text,
        identity_id -> Id,
    }
}

table! {
    use diesel::sql_types::{Integer, Text};

    use crate::columns::{Id, Json, Moment};

    identity_credentials (project_id, identity_id, kind) {
        project_id -> Id,
        identity_id -> Id,
        kind -> Text,
        id -> Id,
        identifiers -> Json,
        config -> Json,
        version -> Integer,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::Text;

    use crate::columns::{Id};

    credential_identifiers (project_id, kind, identifier) {
        project_id -> Id,
        kind -> Text,
        identifier -> Text,
        identity_id -> Id,
    }
}

table! {
    use diesel::sql_types::{Bool, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    sessions (project_id, id) {
        project_id -> Id,
        id -> Id,
        identity_id -> Id,
        token_hash -> Digest,
        active -> Bool,
        aal -> Text,
        methods -> Json,
        devices -> Json,
        authenticated_at -> Moment,
        issued_at -> Moment,
        expires_at -> Moment,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Bool, Integer, Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    flows (project_id, id) {
        project_id -> Id,
        id -> Id,
        kind -> Text,
        flow_type -> Text,
        state -> Text,
        active -> Nullable<Text>,
        issued_at -> Moment,
        expires_at -> Moment,
        request_url -> Text,
        return_to -> Nullable<Text>,
        csrf -> Nullable<Digest>,
        identity_id -> Nullable<Id>,
        session_id -> Nullable<Id>,
        schema_id -> Nullable<Text>,
        requested_aal -> Text,
        refresh -> Bool,
        form -> Json,
        messages -> Json,
        transient_payload -> Nullable<Json>,
        context -> Json,
        submissions -> Integer,
        completed_at -> Nullable<Moment>,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};

    use crate::columns::{Digest, Id, Moment};

    flow_codes (project_id, id) {
        project_id -> Id,
        id -> Id,
        flow_id -> Id,
        code_hash -> Digest,
        identity_id -> Nullable<Id>,
        via -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Moment,
        expires_at -> Moment,
    }
}

table! {
    use crate::columns::{Id, Json, Moment};

    flow_errors (project_id, id) {
        project_id -> Id,
        id -> Id,
        error -> Json,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable};

    use crate::columns::{Digest, Id, Moment};

    attempt_counters (project_id, counter) {
        project_id -> Id,
        counter -> Digest,
        failures -> Integer,
        since -> Moment,
        locked_until -> Nullable<Moment>,
        expires_at -> Moment,
        identity_id -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::{Binary, Integer, Nullable, Text};

    use crate::columns::{Id, Moment};

    messages (project_id, id) {
        project_id -> Id,
        id -> Id,
        status -> Text,
        channel -> Text,
        recipient -> Text,
        template_type -> Text,
        content -> Binary,
        send_count -> Integer,
        send_after -> Moment,
        due_at -> Nullable<Moment>,
        lease -> Nullable<Id>,
        created_at -> Moment,
        updated_at -> Moment,
        expires_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};

    use crate::columns::{Id, Moment};

    message_dispatches (project_id, id) {
        project_id -> Id,
        id -> Id,
        message_id -> Id,
        status -> Text,
        error -> Nullable<Text>,
        created_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Binary, Nullable, Text};

    use crate::columns::{Id, Json, Moment};

    keys (project_id, id) {
        project_id -> Id,
        id -> Id,
        set_name -> Text,
        kid -> Text,
        algorithm -> Text,
        key_use -> Text,
        origin -> Text,
        public_jwk -> Json,
        sealed_private -> Nullable<Binary>,
        succession -> Nullable<Text>,
        created_at -> Moment,
        activates_at -> Moment,
        retires_at -> Nullable<Moment>,
        removes_at -> Nullable<Moment>,
        held_until -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::{BigInt, Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    clients (project_id, id) {
        project_id -> Id,
        id -> Text,
        name -> Text,
        owner -> Text,
        client -> Json,
        secrets -> Json,
        registration_token -> Nullable<Digest>,
        version -> BigInt,
        created_at -> Moment,
        updated_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};

    use crate::columns::{Id, Json, Moment};

    grants (project_id, id) {
        project_id -> Id,
        id -> Id,
        client_id -> Text,
        subject -> Text,
        kind -> Text,
        login_session_id -> Id,
        scope -> Json,
        audience -> Json,
        session -> Json,
        authentication -> Json,
        requested -> Json,
        context -> Json,
        remember -> Bool,
        remember_for -> BigInt,
        skipped -> Bool,
        requested_at -> Moment,
        handled_at -> Moment,
        expires_at -> Moment,
        identity_id -> Nullable<Id>,
        imported_from -> Nullable<Id>,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};

    use crate::columns::{Digest, Id, Moment};

    authorization_codes (project_id, hash) {
        project_id -> Id,
        hash -> Digest,
        grant_id -> Id,
        client_id -> Text,
        redirect_uri -> Nullable<Text>,
        code_challenge -> Nullable<Text>,
        dpop_jkt -> Nullable<Text>,
        issued_at -> Moment,
        expires_at -> Moment,
        used_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    tokens (project_id, hash) {
        project_id -> Id,
        hash -> Digest,
        kind -> Text,
        grant_id -> Nullable<Id>,
        parent -> Nullable<Digest>,
        client_id -> Text,
        subject -> Text,
        scope -> Json,
        audience -> Json,
        claims -> Json,
        actor -> Nullable<Json>,
        jkt -> Nullable<Text>,
        issued_at -> Moment,
        expires_at -> Nullable<Moment>,
        used_at -> Nullable<Moment>,
        derived_from -> Nullable<Digest>,
    }
}

table! {
    use crate::columns::{Digest, Id, Moment};

    assertion_ids (project_id, hash) {
        project_id -> Id,
        hash -> Digest,
        expires_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Bool, Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    login_sessions (project_id, id) {
        project_id -> Id,
        id -> Id,
        token_hash -> Digest,
        subject -> Text,
        identity_session_id -> Nullable<Id>,
        remember -> Bool,
        acr -> Text,
        amr -> Json,
        authenticated_at -> Moment,
        created_at -> Moment,
        expires_at -> Moment,
        ended -> Bool,
    }
}

table! {
    use diesel::sql_types::Text;

    use crate::columns::{Digest, Id, Json, Moment};

    authorizations (project_id, id) {
        project_id -> Id,
        id -> Id,
        client_id -> Text,
        state -> Text,
        browser -> Digest,
        login_session_id -> Id,
        request -> Json,
        decisions -> Json,
        requested_at -> Moment,
        expires_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    pushed_requests (project_id, hash) {
        project_id -> Id,
        hash -> Digest,
        client_id -> Text,
        parameters -> Json,
        expires_at -> Moment,
        used_at -> Nullable<Moment>,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};

    use crate::columns::{Digest, Id, Json, Moment};

    device_codes (project_id, hash) {
        project_id -> Id,
        hash -> Digest,
        user_code_hash -> Digest,
        client_id -> Text,
        state -> Text,
        scope -> Json,
        audience -> Json,
        grant_id -> Nullable<Id>,
        poll_after -> Moment,
        poll_interval -> Integer,
        issued_at -> Moment,
        expires_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Bool, Text};

    use crate::columns::{Id, Json, Moment};

    trusted_issuers (project_id, id) {
        project_id -> Id,
        id -> Id,
        issuer -> Text,
        subject -> Text,
        allow_any_subject -> Bool,
        scope -> Json,
        kid -> Text,
        public_jwk -> Json,
        created_at -> Moment,
        expires_at -> Moment,
    }
}

allow_tables_to_appear_in_same_query!(
    projects,
    identities,
    identity_addresses,
    identity_credentials,
    credential_identifiers,
    sessions,
    flows,
    flow_codes,
    flow_errors,
    attempt_counters,
    messages,
    message_dispatches,
    keys
);
// Each pair costs compile time: only tables that meet in a query stand together.
allow_tables_to_appear_in_same_query!(grants, authorization_codes, tokens, clients, device_codes);
allow_tables_to_appear_in_same_query!(tokens, identities);
allow_tables_to_appear_in_same_query!(grants, identities);
allow_tables_to_appear_in_same_query!(login_sessions, sessions);
allow_tables_to_appear_in_same_query!(login_sessions, identities);
allow_tables_to_appear_in_same_query!(clients, login_sessions);
allow_tables_to_appear_in_same_query!(clients, sessions);
allow_tables_to_appear_in_same_query!(clients, identities);
allow_tables_to_appear_in_same_query!(authorizations, clients);
allow_tables_to_appear_in_same_query!(authorizations, login_sessions);
allow_tables_to_appear_in_same_query!(authorizations, sessions);
allow_tables_to_appear_in_same_query!(authorizations, identities);
