"""Native flows with the V0alpha2 client, which refuses any body that leaves its contract."""

import pytest
from ory_client.exceptions import ApiException
from ory_client.model.submit_self_service_login_flow_body import SubmitSelfServiceLoginFlowBody
from ory_client.model.submit_self_service_logout_flow_without_browser_body import (
    SubmitSelfServiceLogoutFlowWithoutBrowserBody,
)
from ory_client.model.submit_self_service_registration_flow_body import SubmitSelfServiceRegistrationFlowBody
from ory_client.model.submit_self_service_settings_flow_body import SubmitSelfServiceSettingsFlowBody


def register(public, person):
    flow = public.initialize_self_service_registration_flow_without_browser()
    body = SubmitSelfServiceRegistrationFlowBody(
        method="password", password=person.password, traits={"email": person.email}
    )
    return public.submit_self_service_registration_flow(flow=flow.id, submit_self_service_registration_flow_body=body)


def sign_in(public, person):
    flow = public.initialize_self_service_login_flow_without_browser()
    body = SubmitSelfServiceLoginFlowBody(
        method="password", identifier=person.email, password=person.password, password_identifier=person.email
    )
    return public.submit_self_service_login_flow(flow=flow.id, submit_self_service_login_flow_body=body)


def test_flows_decode_and_can_be_fetched_again(public):
    login = public.initialize_self_service_login_flow_without_browser()
    assert public.get_self_service_login_flow(id=login.id).ui.action == login.ui.action
    registration = public.initialize_self_service_registration_flow_without_browser()
    assert public.get_self_service_registration_flow(id=registration.id).id == registration.id
    verification = public.initialize_self_service_verification_flow_without_browser()
    assert public.get_self_service_verification_flow(id=verification.id).id == verification.id
    recovery = public.initialize_self_service_recovery_flow_without_browser()
    assert public.get_self_service_recovery_flow(id=recovery.id).id == recovery.id


def test_a_person_registers_signs_in_sees_sessions_and_signs_out(public, person):
    registered = register(public, person)
    assert registered.identity.traits["email"] == person.email
    token = sign_in(public, person).session_token

    me = public.to_session(x_session_token=token)
    assert me.active and me.identity.id == registered.identity.id
    others = public.list_sessions(x_session_token=token)
    assert [session.id for session in others.value] == [registered.session.id]
    assert public.revoke_sessions(x_session_token=token).count == 1
    with pytest.raises(ApiException) as refused:
        public.to_session(x_session_token=registered.session_token)
    assert refused.value.status == 401

    body = SubmitSelfServiceLogoutFlowWithoutBrowserBody(session_token=token)
    public.submit_self_service_logout_flow_without_browser(body)
    with pytest.raises(ApiException) as refused:
        public.to_session(x_session_token=token)
    assert refused.value.status == 401


def test_a_wrong_password_answers_400_with_the_flow(public, person):
    register(public, person)
    person.password = "something else"
    with pytest.raises(ApiException) as refused:
        sign_in(public, person)
    assert refused.value.status == 400
    assert "4000006" in refused.value.body


def test_the_code_of_the_mail_verifies_the_address(public, person, code_for):
    """The old contract's submit knows links only; codes are sent through the same client's transport."""
    registered = register(public, person)
    code = code_for(person.email)
    api = public.api_client
    flow = next(
        item["flow"]["id"]
        for item in registered.to_dict()["continue_with"]
        if item["action"] == "show_verification_ui"
    )
    api.call_api(
        "/self-service/verification",
        "POST",
        query_params=[("flow", flow)],
        header_params={"Accept": "application/json", "Content-Type": "application/json"},
        body={"method": "code", "code": code},
    )
    assert public.get_self_service_verification_flow(id=flow).state.value == "passed_challenge"
    me = public.to_session(x_session_token=registered.session_token)
    assert me.identity.verifiable_addresses[0].verified


def test_a_person_changes_the_password(public, person):
    token = register(public, person).session_token
    flow = public.initialize_self_service_settings_flow_without_browser(x_session_token=token)
    assert public.get_self_service_settings_flow(id=flow.id, x_session_token=token).identity.traits["email"] == person.email
    changed = f"{person.password} and more"
    body = SubmitSelfServiceSettingsFlowBody(method="password", password=changed)
    saved = public.submit_self_service_settings_flow(
        flow=flow.id, submit_self_service_settings_flow_body=body, x_session_token=token
    )
    assert saved.state.value == "success"
    with pytest.raises(ApiException) as refused:
        sign_in(public, person)
    assert refused.value.status == 400
    person.password = changed
    sign_in(public, person)
