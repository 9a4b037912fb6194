DROP TABLE assertion_ids;
DROP TABLE tokens;
DROP TABLE authorization_codes;
DROP TABLE grants;
