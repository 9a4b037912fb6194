"""Every OAuth2 operation for administrators with the V0alpha2 client."""

import secrets
from datetime import datetime, timedelta, timezone

import pytest
from e2e import environment, remember
from joserfc import jwt
from joserfc.jwk import ECKey
from journey import CALLBACK, Journey, token
from ory_client import ApiClient, Configuration
from ory_client.api.admin_api import AdminApi
from ory_client.exceptions import ApiException
from ory_client.model.accept_o_auth2_consent_request import AcceptOAuth2ConsentRequest
from ory_client.model.accept_o_auth2_consent_request_session import AcceptOAuth2ConsentRequestSession
from ory_client.model.accept_o_auth2_login_request import AcceptOAuth2LoginRequest
from ory_client.model.admin_trust_o_auth2_jwt_grant_issuer_body import AdminTrustOAuth2JwtGrantIssuerBody
from ory_client.model.json_patch import JsonPatch
from ory_client.model.json_patch_document import JsonPatchDocument
from ory_client.model.json_web_key import JsonWebKey
from ory_client.model.null_duration import NullDuration
from ory_client.model.o_auth2_client import OAuth2Client
from ory_client.model.reject_o_auth2_request import RejectOAuth2Request
from ory_client.model.string_slice_json_format import StringSliceJSONFormat
from ory_client.model.update_o_auth2_client_lifespans import UpdateOAuth2ClientLifespans

SCOPE = "openid offline photos.read"
GOODBYE = "https://app.example/goodbye"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def texts(*values):
    return StringSliceJSONFormat(list(values))


def metadata(**members):
    return OAuth2Client(
        **{
            "client_name": "Photo printer",
            "redirect_uris": texts(CALLBACK),
            "post_logout_redirect_uris": texts(GOODBYE),
            "scope": SCOPE,
            "grant_types": texts("authorization_code", "refresh_token", "client_credentials"),
            "response_types": texts("code"),
            "token_endpoint_auth_method": "client_secret_post",
            **members,
        }
    )


@pytest.fixture
def client(oauth2):
    return create(oauth2)


def create(oauth2, **members):
    made = oauth2.admin_create_o_auth2_client(o_auth2_client=metadata(**members))
    remember(made.client_secret)
    return made


def status(call):
    with pytest.raises(ApiException) as refused:
        call()
    return refused.value.status


def sign_in(oauth2, client, subject):
    """All the way, remembered: the journey and the tokens."""
    journey = Journey(client.client_id)
    accepted = AcceptOAuth2LoginRequest(subject=subject, remember=True)
    challenge = journey.begin(SCOPE)
    login = oauth2.admin_accept_o_auth2_login_request(challenge, accept_o_auth2_login_request=accepted)
    granted = AcceptOAuth2ConsentRequest(
        grant_scope=texts(*SCOPE.split()),
        remember=True,
        session=AcceptOAuth2ConsentRequestSession(access_token={"plan": "pro"}, id_token={"nickname": "Ada"}),
    )
    challenge = journey.follow(login.redirect_to, "consent")
    consent = oauth2.admin_accept_o_auth2_consent_request(challenge, accept_o_auth2_consent_request=granted)
    code = journey.finish(consent.redirect_to)["code"][0]
    return journey, token(client, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)


def test_clients_are_created_read_listed_replaced_patched_deleted(oauth2):
    owner = secrets.token_hex(8)
    made = create(oauth2, owner=owner, metadata={"shelf": 3})
    read = oauth2.admin_get_o_auth2_client(made.client_id)
    assert (read.client_name, read.owner, read.metadata["shelf"]) == ("Photo printer", owner, 3)
    assert [listed.client_id for listed in oauth2.admin_list_o_auth2_clients(owner=owner)] == [made.client_id]
    replaced = oauth2.admin_update_o_auth2_client(made.client_id, metadata(client_name="New", owner=owner))
    assert replaced.client_name == "New"
    patch = JsonPatchDocument([JsonPatch(op="replace", path="/client_name", value="Newer")])
    assert oauth2.admin_patch_o_auth2_client(made.client_id, patch).client_name == "Newer"
    assert token(made, grant_type="client_credentials")["token_type"] == "bearer"
    oauth2.admin_delete_o_auth2_client(made.client_id)
    assert status(lambda: oauth2.admin_get_o_auth2_client(made.client_id)) == 404
    assert oauth2.admin_list_o_auth2_clients(owner=owner) == []


def test_lifespans_count(client):
    api = AdminApi(ApiClient(Configuration(host=environment("ORRERY_E2E_APPLICATIONS_ADMIN"))))
    lifespans = UpdateOAuth2ClientLifespans(client_credentials_grant_access_token_lifespan=NullDuration("2m"))
    changed = api.update_o_auth2_client_lifespans(client.client_id, update_o_auth2_client_lifespans=lifespans)
    assert changed.client_credentials_grant_access_token_lifespan.value == "2m"
    assert 110 < token(client, grant_type="client_credentials")["expires_in"] <= 120


def test_login_and_consent_requests_decode(oauth2, client):
    journey = Journey(client.client_id)
    challenge = journey.begin(SCOPE)
    login = oauth2.admin_get_o_auth2_login_request(challenge)
    assert (login.challenge, login.skip, login.subject) == (challenge, False, "")
    assert login.requested_scope.value == SCOPE.split()
    accepted = AcceptOAuth2LoginRequest(subject="ada", acr="aal1", amr=texts("pwd"), context={"floor": 2})
    next_ = oauth2.admin_accept_o_auth2_login_request(challenge, accept_o_auth2_login_request=accepted)
    consent = oauth2.admin_get_o_auth2_consent_request(journey.follow(next_.redirect_to, "consent"))
    assert (consent.subject, consent.acr, consent.amr.value) == ("ada", "aal1", ["pwd"])
    assert consent.client.client_id == client.client_id
    assert status(lambda: oauth2.admin_get_o_auth2_login_request("never made")) == 404


def test_refusals_reach_the_client(oauth2, client):
    refusal = RejectOAuth2Request(error="access_denied", error_description="Not today.", status_code=403)
    first = Journey(client.client_id)
    heard = oauth2.admin_reject_o_auth2_login_request(first.begin(SCOPE), reject_o_auth2_request=refusal)
    assert first.finish(heard.redirect_to)["error_description"] == ["Not today."]
    second = Journey(client.client_id)
    accepted = AcceptOAuth2LoginRequest(subject="ada")
    login = oauth2.admin_accept_o_auth2_login_request(second.begin(SCOPE), accept_o_auth2_login_request=accepted)
    challenge = second.follow(login.redirect_to, "consent")
    heard = oauth2.admin_reject_o_auth2_consent_request(challenge, reject_o_auth2_request=refusal)
    assert second.finish(heard.redirect_to)["error"] == ["access_denied"]


def test_sessions_are_listed_and_revoked(oauth2, client):
    subject = secrets.token_hex(8)
    journey, tokens = sign_in(oauth2, client, subject)
    told = oauth2.admin_introspect_o_auth2_token(tokens["access_token"])
    assert (told.active, told.sub, told.ext) == (True, subject, {"plan": "pro"})
    listed = oauth2.admin_list_o_auth2_subject_consent_sessions(subject)
    assert [session.consent_request.client.client_id for session in listed.value] == [client.client_id]
    oauth2.admin_revoke_o_auth2_consent_sessions(subject, client=client.client_id)
    assert oauth2.admin_introspect_o_auth2_token(tokens["access_token"]).active is False
    assert oauth2.admin_list_o_auth2_subject_consent_sessions(subject).value == []
    assert oauth2.admin_get_o_auth2_login_request(journey.begin(SCOPE)).skip is True
    oauth2.admin_revoke_o_auth2_login_sessions(subject)
    assert oauth2.admin_get_o_auth2_login_request(journey.begin(SCOPE)).skip is False


def test_logout_requests_are_refused_and_accepted(oauth2, client):
    subject = secrets.token_hex(8)
    journey, tokens = sign_in(oauth2, client, subject)
    server = environment("ORRERY_E2E_APPLICATIONS_PUBLIC")
    address = f"{server}/oauth2/sessions/logout?id_token_hint={tokens['id_token']}&post_logout_redirect_uri={GOODBYE}"
    challenge = journey.follow(address, "logout")
    asked = oauth2.admin_get_o_auth2_logout_request(challenge)
    assert (asked.subject, asked.rp_initiated) == (subject, True)
    oauth2.admin_reject_o_auth2_logout_request(challenge, reject_o_auth2_request=RejectOAuth2Request())
    assert oauth2.admin_get_o_auth2_login_request(journey.begin(SCOPE)).skip is True
    accepted = oauth2.admin_accept_o_auth2_logout_request(journey.follow(address, "logout"))
    journey.until(accepted.redirect_to, GOODBYE)
    assert oauth2.admin_get_o_auth2_login_request(journey.begin(SCOPE)).skip is False


def test_all_tokens_of_a_client_end(oauth2, client):
    given = token(client, grant_type="client_credentials")["access_token"]
    assert oauth2.admin_introspect_o_auth2_token(given).active is True
    oauth2.admin_delete_o_auth2_token(client.client_id)
    assert oauth2.admin_introspect_o_auth2_token(given).active is False


def test_trusted_issuers_vouch_until_they_are_forgotten(oauth2):
    issuer, key = f"https://{secrets.token_hex(8)}.example", ECKey.generate_key("P-256")
    public = {**key.as_dict(private=False), "kid": "theirs", "alg": "ES256", "use": "sig"}
    now = datetime.now(timezone.utc)
    body = AdminTrustOAuth2JwtGrantIssuerBody(
        issuer=issuer, subject="ada", scope=["photos.read"], expires_at=now + timedelta(hours=1), jwk=JsonWebKey(**public)
    )
    made = oauth2.admin_trust_o_auth2_jwt_grant_issuer(admin_trust_o_auth2_jwt_grant_issuer_body=body)
    assert oauth2.admin_get_trusted_o_auth2_jwt_grant_issuer(made.id).public_key.kid == "theirs"
    listed = oauth2.admin_list_trusted_o_auth2_jwt_grant_issuers(issuer=issuer)
    assert [one.id for one in listed.value] == [made.id]
    client = create(oauth2, grant_types=texts(JWT_BEARER))

    def given():
        seconds = int(datetime.now(timezone.utc).timestamp())
        audience = environment("ORRERY_E2E_APPLICATIONS_PUBLIC") + "/oauth2/token"
        claims = {"iss": issuer, "sub": "ada", "aud": audience, "iat": seconds, "exp": seconds + 300}
        claims["jti"] = secrets.token_hex(8)
        assertion = jwt.encode({"alg": "ES256", "kid": "theirs"}, claims, key)
        return token(client, grant_type=JWT_BEARER, assertion=assertion, scope="photos.read")

    assert oauth2.admin_introspect_o_auth2_token(given()["access_token"]).sub == "ada"
    oauth2.admin_delete_trusted_o_auth2_jwt_grant_issuer(made.id)
    with pytest.raises(AssertionError, match="invalid_grant"):
        given()
