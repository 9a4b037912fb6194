DROP TABLE event_attempts;
DROP TABLE events;
