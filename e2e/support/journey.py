"""A browser that a client sends to login, consent and logout applications, which the tests play."""

from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests
from e2e import environment, remember

CALLBACK = "https://app.example/callback"
STATE = "a state of some length"
MOST_REDIRECTS = 12


class Journey:
    def __init__(self, client_id):
        self.client_id = client_id
        self.browser = requests.Session()

    def begin(self, scope):
        """Begins: the login challenge."""
        parameters = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": scope,
            "state": STATE,
            "nonce": "a nonce of some length",
        }
        return self.follow(f"{environment('ORRERY_E2E_APPLICATIONS_PUBLIC')}/oauth2/auth?{urlencode(parameters)}", "login")

    def follow(self, address, application):
        """Follows a decision to the next application: its challenge."""
        query = self.until(address, f"{environment('ORRERY_E2E_APPLICATIONS')}/{application}?")
        return query[f"{application}_challenge"][0]

    def finish(self, address):
        """Follows the last decision to the client: its answer."""
        query = self.until(address, CALLBACK)
        assert query["state"] == [STATE]
        remember(*query.get("code", []))
        return query

    def until(self, address, begins):
        for _ in range(MOST_REDIRECTS):
            answer = self.browser.get(address, allow_redirects=False)
            remember(*self.browser.cookies.values())
            assert answer.is_redirect, f"{address}: {answer.status_code} {answer.text}"
            address = urljoin(address, answer.headers["location"])
            if address.startswith(begins):
                return parse_qs(urlsplit(address).query)
        raise AssertionError(f"still being redirected after {MOST_REDIRECTS} steps: {address}")


def token(client, **parameters):
    """A call of the token endpoint."""
    body = {"client_id": client.client_id, "client_secret": client.client_secret, **parameters}
    answer = requests.post(f"{environment('ORRERY_E2E_APPLICATIONS_PUBLIC')}/oauth2/token", data=body)
    tokens = answer.json()
    assert answer.ok, tokens
    remember(*(tokens[name] for name in ("access_token", "refresh_token", "id_token") if name in tokens))
    return tokens
