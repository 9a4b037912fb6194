DROP TABLE device_codes;
DROP TABLE pushed_requests;
DROP TABLE authorizations;
DROP TABLE login_sessions;
