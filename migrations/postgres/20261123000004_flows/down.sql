DROP TABLE flow_errors;
DROP TABLE flow_codes;
DROP TABLE flows;
