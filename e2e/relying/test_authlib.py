"""Authlib as a relying party."""

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from e2e import remember
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from journey import CALLBACK

SCOPE = "openid offline_access email profile photos.read"


def session(client, server, **options):
    """A session of this client; without a `secret` it uses the one that the server made."""
    secret = options.pop("secret", client.get("client_secret"))
    return OAuth2Session(
        client["client_id"],
        secret,
        scope=SCOPE,
        redirect_uri=CALLBACK,
        token_endpoint=server["token_endpoint"],
        token_endpoint_auth_method=client["token_endpoint_auth_method"],
        revocation_endpoint_auth_method=client["token_endpoint_auth_method"],
        code_challenge_method="S256",
        **options,
    )


def sign_in(client, server, person):
    """The tokens of a whole sign-in, and the claims of the ID token, checked."""
    verifier, nonce = generate_token(48), generate_token(24)
    address, state = client.create_authorization_url(
        server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    answer = person.authorize(address)
    tokens = client.fetch_token(authorization_response=answer, state=state, code_verifier=verifier)
    remember(tokens["access_token"], tokens["refresh_token"], tokens["id_token"])
    return tokens, checked(tokens, server, client, nonce)


def checked(tokens, server, client, nonce=None):
    keys = KeySet.import_key_set(requests.get(server["jwks_uri"]).json())
    algorithms = server["id_token_signing_alg_values_supported"]
    token = jwt.decode(tokens["id_token"], keys, algorithms=algorithms)
    claims = CodeIDToken(
        token.claims,
        token.header,
        options={"iss": {"essential": True, "value": server["issuer"]}, "aud": {"value": client.client_id}},
        params={"nonce": nonce, "client_id": client.client_id, "access_token": tokens["access_token"]},
    )
    claims.validate(leeway=5)
    assert claims["at_hash"]
    return claims


def test_code_with_pkce_nonce_and_at_hash(server, new_client, person):
    client = session(new_client(), server)
    tokens, claims = sign_in(client, server, person)
    assert claims["sub"] == person.id
    assert set(tokens["scope"].split()) == set(SCOPE.split())
    userinfo = client.get(server["userinfo_endpoint"]).json()
    assert userinfo["sub"] == person.id
    assert userinfo["email"] == person.email


def test_a_wrong_verifier_gets_nothing(server, new_client, person):
    client = session(new_client(), server)
    address, state = client.create_authorization_url(
        server["authorization_endpoint"], code_verifier=generate_token(48), nonce=generate_token(24)
    )
    answer = person.authorize(address)
    with pytest.raises(OAuthError) as refused:
        client.fetch_token(authorization_response=answer, state=state, code_verifier=generate_token(48))
    assert refused.value.error == "invalid_grant"


def test_refresh_introspect_revoke(server, new_client, person):
    client = session(new_client(), server)
    tokens, first = sign_in(client, server, person)
    fresh = client.refresh_token(refresh_token=tokens["refresh_token"])
    remember(fresh["access_token"], fresh["refresh_token"], fresh["id_token"])
    assert fresh["refresh_token"] != tokens["refresh_token"]
    again = checked(fresh, server, client)
    assert (again["sub"], again["auth_time"], again["sid"]) == (first["sub"], first["auth_time"], first["sid"])

    told = client.introspect_token(server["introspection_endpoint"], token=fresh["access_token"])
    assert told.json()["active"] is True
    assert told.json()["sub"] == person.id
    for hint in ["refresh_token", "access_token"]:
        revoked = client.revoke_token(server["revocation_endpoint"], token=fresh[hint], token_type_hint=hint)
        assert revoked.status_code == 200
        told = client.introspect_token(server["introspection_endpoint"], token=fresh[hint], token_type_hint=hint)
        assert told.json() == {"active": False}
    with pytest.raises(OAuthError) as refused:
        client.refresh_token(refresh_token=fresh["refresh_token"])
    assert refused.value.error == "invalid_grant"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "client_secret_jwt"])
def test_client_credentials_by_secret(server, new_client, method):
    client = session(new_client(token_endpoint_auth_method=method), server)
    client.register_client_auth_method(ClientSecretJWT(server["token_endpoint"]))
    tokens = client.fetch_token(grant_type="client_credentials", scope="photos.read")
    remember(tokens["access_token"])
    assert tokens["scope"] == "photos.read"
    told = client.introspect_token(server["introspection_endpoint"], token=tokens["access_token"])
    assert told.json()["sub"] == client.client_id


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", lambda: RSAKey.generate_key(2048)),
        ("ES256", lambda: ECKey.generate_key("P-256")),
        ("EdDSA", lambda: OKPKey.generate_key("Ed25519")),
    ],
)
def test_private_key_jwt(server, new_client, person, algorithm, key):
    key = key()
    public = {**key.as_dict(private=False), "kid": "ours", "use": "sig", "alg": algorithm}
    registered = new_client(
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg=algorithm,
        jwks={"keys": [public]},
    )
    client = session(registered, server, secret=key)
    client.register_client_auth_method(
        PrivateKeyJWT(server["token_endpoint"], headers={"kid": "ours"}, alg=algorithm)
    )
    _, claims = sign_in(client, server, person)
    assert claims["sub"] == person.id
