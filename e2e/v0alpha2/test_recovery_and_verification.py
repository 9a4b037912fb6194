"""Recovery, verification and settings with the V0alpha2 client, by code and by link."""

import json

from e2e import remember
from ory_client.model.admin_create_self_service_recovery_code_body import AdminCreateSelfServiceRecoveryCodeBody
from ory_client.model.admin_create_self_service_recovery_link_body import AdminCreateSelfServiceRecoveryLinkBody
from ory_client.model.submit_self_service_recovery_flow_body import SubmitSelfServiceRecoveryFlowBody
from ory_client.model.submit_self_service_settings_flow_body import SubmitSelfServiceSettingsFlowBody
from ory_client.model.submit_self_service_verification_flow_body import SubmitSelfServiceVerificationFlowBody
from test_native_flows import register


def whoami(browser, client):
    """Who the browser is signed in as."""
    with browser.open(client.api_client.configuration.host + "/sessions/whoami") as answer:
        return json.load(answer)["identity"]["id"]


def recover(public, flow, **body):
    return public.submit_self_service_recovery_flow(
        flow=flow, submit_self_service_recovery_flow_body=SubmitSelfServiceRecoveryFlowBody(**body)
    )


def test_a_person_comes_back_with_a_code(public, person, code_for):
    registered = register(public, person)
    flow = public.initialize_self_service_recovery_flow_without_browser()
    sent = recover(public, flow.id, method="code", email=person.email)
    assert sent.state.value == "sent_email"
    recovered = recover(public, flow.id, method="code", code=code_for(person.email, "recovery")).to_dict()
    token = next(
        step["ory_session_token"] for step in recovered["continue_with"] if step["action"] == "set_ory_session_token"
    )
    remember(token)
    assert public.to_session(x_session_token=token).identity.id == registered.identity.id


def test_a_person_changes_the_details(public, person):
    token = register(public, person).session_token
    flow = public.initialize_self_service_settings_flow_without_browser(x_session_token=token)
    body = SubmitSelfServiceSettingsFlowBody(method="profile", traits={"email": person.email, "name": "Grace"})
    saved = public.submit_self_service_settings_flow(
        flow=flow.id, submit_self_service_settings_flow_body=body, x_session_token=token
    )
    assert saved.identity.traits["name"] == "Grace"


def test_links_prove_an_address_and_let_its_owner_back_in(links, person, link_for, browser):
    public, _ = links
    registered = register(public, person)
    remember(registered.session_token)
    flow = public.initialize_self_service_verification_flow_without_browser()
    sent = public.submit_self_service_verification_flow(
        flow=flow.id,
        submit_self_service_verification_flow_body=SubmitSelfServiceVerificationFlowBody(
            method="link", email=person.email
        ),
    )
    assert sent.state.value == "sent_email"
    browser.open(link_for(person.email)).close()
    me = public.to_session(x_session_token=registered.session_token)
    assert me.identity.verifiable_addresses[0].verified

    flow = public.initialize_self_service_recovery_flow_without_browser()
    assert recover(public, flow.id, method="link", email=person.email).state.value == "sent_email"
    browser.open(link_for(person.email, "get back into")).close()
    assert whoami(browser, public) == registered.identity.id


def test_an_administrator_hands_over_a_code_and_a_link(public, admin, links, person, browser):
    identity = register(public, person).identity
    made = admin.admin_create_self_service_recovery_code(
        admin_create_self_service_recovery_code_body=AdminCreateSelfServiceRecoveryCodeBody(identity_id=identity.id)
    )
    remember(made.recovery_code)
    assert "flow=" in made.recovery_link

    public, admin = links
    identity = register(public, person).identity
    made = admin.admin_create_self_service_recovery_link(
        admin_create_self_service_recovery_link_body=AdminCreateSelfServiceRecoveryLinkBody(identity_id=identity.id)
    )
    remember(made.recovery_link.partition("token=")[2])
    browser.open(made.recovery_link).close()
    assert whoami(browser, public) == identity.id
