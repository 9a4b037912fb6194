"""The V0alpha2 generation's own Python client, and the people and mail that the tests need."""

import json
import re
import secrets
import time
import urllib.request
from dataclasses import dataclass

import ory_client
import pytest
from e2e import environment, remember
from ory_client.api.v0alpha2_api import V0alpha2Api

DEADLINE_SECONDS = 30


def client(name):
    return V0alpha2Api(ory_client.ApiClient(ory_client.Configuration(host=environment(name))))


@pytest.fixture(scope="session")
def public():
    """The client as an application uses it."""
    return client("ORRERY_E2E_PUBLIC")


@pytest.fixture(scope="session")
def admin():
    """The client as an operator uses it."""
    return client("ORRERY_E2E_ADMIN")


@pytest.fixture(scope="session")
def links():
    """The same two for the server that recovers and verifies with links."""
    return client("ORRERY_E2E_LINKS_PUBLIC"), client("ORRERY_E2E_LINKS_ADMIN")


@pytest.fixture(scope="session")
def oauth2():
    """The operator's client for the server whose login, consent and logout applications are elsewhere."""
    return client("ORRERY_E2E_APPLICATIONS_ADMIN")


@dataclass
class Person:
    """Somebody who has no account yet."""

    email: str
    password: str


@pytest.fixture
def person():
    token = secrets.token_hex(6)
    somebody = Person(email=f"ada-{token}@example.org", password=f"correct {token} horse")
    remember(somebody.email, somebody.password)
    return somebody


def message_to(address, subject):
    """The newest message to an address whose subject matches, waiting for it to arrive."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        with urllib.request.urlopen(environment("ORRERY_E2E_MAIL") + "/email") as answer:
            messages = json.load(answer)
        ours = [m for m in messages if any(to["address"] == address for to in m["to"])]
        ours = [m for m in ours if re.search(subject, m["subject"], re.IGNORECASE)]
        if ours:
            return ours[-1]["text"]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {address} within {DEADLINE_SECONDS} s")


@pytest.fixture(scope="session")
def code_for():
    """The six digits in the newest message to an address."""

    def wait(address, subject=""):
        code = re.search(r"\b\d{6}\b", message_to(address, subject)).group()
        remember(code)
        return code

    return wait


@pytest.fixture(scope="session")
def link_for():
    """The link into a flow in the newest message to an address."""

    def wait(address, subject=""):
        link = re.search(r"http\S+token=\S+", message_to(address, subject)).group()
        remember(link.partition("token=")[2])
        return link

    return wait


@pytest.fixture
def browser():
    """Something that keeps cookies and follows links, as a browser does."""
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
