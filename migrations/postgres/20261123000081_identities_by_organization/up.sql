CREATE INDEX identities_by_organization ON identities (project_id, organization_id, id);
