-- Finds the credential that stands in for those of a name that nobody has: docs/decisions/0050-hashes-of-other-systems.md.
CREATE INDEX identity_credentials_by_id ON identity_credentials (project_id, kind, id);
