-- The courier's queue. `due_at` is when somebody may claim the message (again); null once it is settled.
CREATE TABLE messages (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    status text NOT NULL,
    channel text NOT NULL,
    recipient text COLLATE "C" NOT NULL,
    template_type text NOT NULL,
    content bytea NOT NULL,
    send_count integer NOT NULL,
    send_after timestamptz NOT NULL,
    due_at timestamptz,
    lease uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

CREATE INDEX messages_due ON messages (due_at);
CREATE INDEX messages_newest_first ON messages (project_id, created_at, id);
CREATE INDEX messages_by_recipient ON messages (project_id, recipient, created_at, id);
CREATE INDEX messages_by_end ON messages (expires_at);

-- Attempts to deliver.
CREATE TABLE message_dispatches (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    message_id uuid NOT NULL,
    status text NOT NULL,
    error text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
);

CREATE INDEX message_dispatches_by_message ON message_dispatches (project_id, message_id);
