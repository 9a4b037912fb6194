//! The tables of the outbox; see `schema.rs` for all others.

use diesel::table;

table! {
    use diesel::sql_types::{Binary, Integer, Nullable, Text};

    use crate::columns::{Id, Moment};

    events (project_id, id) {
        project_id -> Id,
        id -> Id,
        status -> Text,
        kind -> Text,
        subject -> Nullable<Text>,
        actor -> Nullable<Text>,
        request_id -> Nullable<Text>,
        session_id -> Nullable<Id>,
        recipient -> Text,
        notice -> Binary,
        attempts -> Integer,
        occurred_at -> Moment,
        updated_at -> Moment,
        deliver_after -> Moment,
        due_at -> Nullable<Moment>,
        lease -> Nullable<Id>,
        expires_at -> Moment,
    }
}

table! {
    use diesel::sql_types::{Integer, Nullable, Text};

    use crate::columns::{Id, Moment};

    event_attempts (project_id, id) {
        project_id -> Id,
        id -> Id,
        event_id -> Id,
        response_status -> Nullable<Integer>,
        error -> Nullable<Text>,
        created_at -> Moment,
    }
}
