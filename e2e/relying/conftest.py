"""Clients, and a person who signs in and consents on the built-in pages."""

import secrets
import socket
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from e2e import environment, remember
from journey import CALLBACK, MOST_REDIRECTS

# Names below `.localhost` are this machine (RFC 6761 section 6.3), which not every resolver knows.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *more, **named
)


@pytest.fixture(scope="session")
def server():
    """What the server says of itself."""
    issuer = environment("ORRERY_E2E_RELYING_PUBLIC")
    answer = requests.get(f"{issuer}/.well-known/openid-configuration")
    answer.raise_for_status()
    assert answer.json()["issuer"] == issuer
    return answer.json()


def operator(method, path, body):
    answer = requests.request(method, environment("ORRERY_E2E_RELYING_ADMIN") + path, json=body)
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture(scope="session")
def new_client():
    """Registers a client as an operator does."""

    def register(**members):
        client = operator(
            "POST",
            "/admin/clients",
            {
                "client_name": "Photo printer",
                "redirect_uris": [CALLBACK],
                "scope": "openid offline_access email profile photos.read",
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "response_types": ["code"],
                **members,
            },
        )
        remember(*filter(None, [client.get("client_secret")]))
        return client

    return register


class Form(HTMLParser):
    """The first form of a page: where it goes and what it sends when nobody touches it."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = given["action"]
        if tag == "input" and (given.get("type") == "hidden" or "checked" in given):
            self.fields[given["name"]] = given.get("value", "")


class Person:
    """Somebody with an account and a browser."""

    def __init__(self):
        token = secrets.token_hex(6)
        self.email, self.password = f"ada-{token}@example.org", f"correct {token} horse"
        remember(self.email, self.password)
        credentials = {"password": {"config": {"password": self.password}}}
        body = {"schema_id": "person", "traits": {"email": self.email}, "credentials": credentials}
        self.id = operator("POST", "/admin/identities", body)["id"]
        self.browser = requests.Session()
        self.browser.headers["accept"] = "text/html"

    def authorize(self, address):
        """Signs in and consents as far as anybody asks, and returns the answer to the client."""
        answer = self.browser.get(address, allow_redirects=False)
        for _ in range(MOST_REDIRECTS):
            remember(*self.browser.cookies.values())
            if answer.is_redirect:
                target = urljoin(answer.url, answer.headers["location"])
                if target.startswith(CALLBACK):
                    return target
                answer = self.browser.get(target, allow_redirects=False)
                continue
            path = urlsplit(answer.url).path
            answers = {
                "/ui/login": {"identifier": self.email, "password": self.password, "method": "password"},
                "/ui/consent": {"decision": "allow"},
            }
            assert path in answers, f"{answer.url}: {answer.text}"
            form = Form(answer.text)
            filled = {**form.fields, **answers[path]}
            answer = self.browser.post(urljoin(answer.url, form.action), data=filled, allow_redirects=False)
        raise AssertionError(f"still being redirected after {MOST_REDIRECTS} steps: {answer.url}")


@pytest.fixture
def person():
    return Person()
