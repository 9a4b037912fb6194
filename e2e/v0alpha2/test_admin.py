"""Identities, schemas, messages and keys with the V0alpha2 client on the admin listener."""

import secrets

import pytest
from ory_client.exceptions import ApiException
from ory_client.model.admin_create_identity_body import AdminCreateIdentityBody
from ory_client.model.admin_create_json_web_key_set_body import AdminCreateJsonWebKeySetBody
from ory_client.model.admin_update_identity_body import AdminUpdateIdentityBody
from ory_client.model.identity_state import IdentityState
from ory_client.model.json_patch import JsonPatch
from ory_client.model.json_patch_document import JsonPatchDocument


def create(admin, person):
    body = AdminCreateIdentityBody(
        schema_id="person", traits={"email": person.email}, metadata_public={"plan": "gold"}
    )
    return admin.admin_create_identity(admin_create_identity_body=body)


def test_an_identity_lives_and_dies(admin, person):
    created = create(admin, person)
    assert admin.admin_get_identity(id=created.id).traits["email"] == person.email

    body = AdminUpdateIdentityBody(
        schema_id="person", state=IdentityState("active"), traits={"email": person.email, "name": "Ada"}
    )
    assert admin.admin_update_identity(id=created.id, admin_update_identity_body=body).traits["name"] == "Ada"
    patch = JsonPatchDocument([JsonPatch(op="replace", path="/traits/name", value="Grace")])
    assert admin.admin_patch_identity(id=created.id, json_patch_document=patch).traits["name"] == "Grace"

    admin.admin_delete_identity(id=created.id)
    with pytest.raises(ApiException) as refused:
        admin.admin_get_identity(id=created.id)
    assert refused.value.status == 404


def test_identities_are_listed_in_pages(admin, person):
    create(admin, person)
    assert len(admin.admin_list_identities(per_page=1).value) == 1


def test_a_second_identity_with_the_address_is_a_conflict(admin, person):
    create(admin, person)
    with pytest.raises(ApiException) as refused:
        create(admin, person)
    assert refused.value.status == 409


def test_an_unknown_member_is_refused(admin, person):
    with pytest.raises(ApiException) as refused:
        body = AdminCreateIdentityBody(schema_id="person", traits={"email": person.email, "role": "admin"})
        admin.admin_create_identity(admin_create_identity_body=body)
    assert refused.value.status == 400


def test_schemas_and_messages_decode(public, admin):
    schemas = public.list_identity_schemas()
    assert any(schema.id == "person" for schema in schemas.value)
    admin.admin_list_courier_messages()


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_key_set_is_made_read_and_removed(admin, algorithm):
    name = f"e2e-{secrets.token_hex(4)}"
    body = AdminCreateJsonWebKeySetBody(alg=algorithm, kid="first", use="sig")
    created = admin.admin_create_json_web_key_set(set=name, admin_create_json_web_key_set_body=body)
    assert created.keys[0].kid == "first"
    assert admin.admin_get_json_web_key(set=name, kid="first").keys[0].alg == algorithm
    admin.admin_delete_json_web_key_set(set=name)
    with pytest.raises(ApiException) as refused:
        admin.admin_get_json_web_key_set(set=name)
    assert refused.value.status == 404
