DROP TABLE message_dispatches;
DROP TABLE messages;
