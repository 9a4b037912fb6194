-- The courier's queue. `due_at` is when somebody may claim the message (again); null once it is settled.
CREATE TABLE messages (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    status TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient TEXT NOT NULL,
    template_type TEXT NOT NULL,
    content BLOB NOT NULL,
    send_count INTEGER NOT NULL,
    send_after INTEGER NOT NULL,
    due_at INTEGER,
    lease BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

CREATE INDEX messages_due ON messages (due_at);
CREATE INDEX messages_newest_first ON messages (project_id, created_at, id);
CREATE INDEX messages_by_recipient ON messages (project_id, recipient, created_at, id);
CREATE INDEX messages_by_end ON messages (expires_at);

-- Attempts to deliver.
CREATE TABLE message_dispatches (
    project_id BLOB NOT NULL,
    id BLOB NOT NULL,
    message_id BLOB NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, id),
    FOREIGN KEY (project_id, message_id) REFERENCES messages (project_id, id) ON DELETE CASCADE
) STRICT;

CREATE INDEX message_dispatches_by_message ON message_dispatches (project_id, message_id);
