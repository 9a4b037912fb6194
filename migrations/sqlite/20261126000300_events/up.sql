-- What happened, and who is to hear of it. `due_at` is when somebody may claim the event (again); null once it is settled. It
-- refers to nothing, because it must outlive what it speaks of.
CREATE TABLE events (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    status TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    actor TEXT,
    request_id TEXT,
    session_id BLOB,
    recipient TEXT NOT NULL,
    notice BLOB NOT NULL,
    attempts INTEGER NOT NULL,
    occurred_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deliver_after INTEGER NOT NULL,
    due_at INTEGER,
    lease BLOB,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX events_due ON events (due_at);
CREATE INDEX events_newest_first ON events (project_id, occurred_at, id);
CREATE INDEX events_by_subject ON events (project_id, subject, occurred_at, id);
CREATE INDEX events_by_end ON events (expires_at);

-- Attempts to tell somebody.
CREATE TABLE event_attempts (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    event_id BLOB NOT NULL,
    response_status INTEGER,
    error TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, event_id) REFERENCES events (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX event_attempts_by_event ON event_attempts (project_id, event_id);
