-- What happened, and who is to hear of it. `due_at` is when somebody may claim the event (again); null once it is settled. It
-- refers to nothing, because it must outlive what it speaks of.
CREATE TABLE events (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    kind text NOT NULL,
    subject text COLLATE "C",
    actor text,
    request_id text,
    session_id uuid,
    recipient text NOT NULL,
    notice bytea NOT NULL,
    attempts integer NOT NULL,
    occurred_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deliver_after timestamptz NOT NULL,
    due_at timestamptz,
    lease uuid,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX events_due ON events (due_at);
CREATE INDEX events_newest_first ON events (project_id, occurred_at, id);
CREATE INDEX events_by_subject ON events (project_id, subject, occurred_at, id);
CREATE INDEX events_by_end ON events (expires_at);

-- Attempts to tell somebody.
CREATE TABLE event_attempts (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    response_status integer,
    error text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, event_id) REFERENCES events (project_id, id) ON DELETE CASCADE
);

CREATE INDEX event_attempts_by_event ON event_attempts (project_id, event_id);
