//! A client, its login and consent applications, and browsers. The test plays the applications.

use std::collections::BTreeMap;

use orrery_testkit::{Backend, Browser, Call, TestOptions, TestServer};
use reqwest::Response;
use serde_json::{Value, json};
use url::Url;

use crate::stage::{merge, send};

pub(super) const CALLBACK: &str = "https://app.example/callback";
pub(super) const LOGIN_APP: &str = "https://apps.example/login?theme=dark";
pub(super) const CONSENT_APP: &str = "https://apps.example/consent";
pub(super) const PASSWORD: &str = "correct horse battery staple";
/// What [`World::request`] sends (RFC 7636 appendix B).
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The verifier of that challenge.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A running server with one client.
pub(super) struct World {
    pub(super) server: TestServer,
    pub(super) client: String,
}

impl World {
    /// With login and consent applications elsewhere.
    pub(super) async fn external(backend: Backend) -> Self {
        Self::with(backend, json!({"oauth2": {"urls": {"login": LOGIN_APP, "consent": CONSENT_APP}}})).await
    }

    /// With the built-in pages.
    pub(super) async fn built_in(backend: Backend) -> Self {
        Self::with(backend, json!({})).await
    }

    pub(super) async fn with(backend: Backend, config: Value) -> Self {
        let server = TestServer::start(TestOptions::with(backend, config)).await;
        let mut world = Self { server, client: String::new() };
        world.client = world.register(json!({})).await;
        world
    }

    /// Registers a client and returns its id.
    pub(super) async fn register(&self, members: Value) -> String {
        self.registered(members).await["client_id"].as_str().expect("an id").to_owned()
    }

    /// Registers a client and returns what is said of it.
    pub(super) async fn registered(&self, members: Value) -> Value {
        let mut body = json!({
            "client_name": "Photo printer",
            "redirect_uris": [CALLBACK],
            "scope": "openid offline email photos.*",
            "audience": ["https://api.example"],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        });
        merge(&mut body, &members);
        send(self.server.api().post(self.server.admin("/admin/clients")).json(&body)).await.expect(201).body
    }

    /// What a client posts to the public listener.
    pub(super) fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Call {
        self.server.api().post(self.server.public(path)).form(pairs)
    }

    /// The address of a good request, with some parameters changed or (when empty) left out.
    pub(super) fn request(&self, changes: &[(&str, &str)]) -> String {
        let mut parameters = BTreeMap::from([
            ("client_id", self.client.as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid photos.read"),
            ("state", "a state of some length"),
            ("nonce", "a nonce of some length"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        parameters.extend(changes.iter().copied());
        parameters.retain(|_, value| !value.is_empty());
        let mut url = Url::parse(&self.server.public("/oauth2/auth")).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }

    /// Begins in this browser, and returns the login challenge.
    pub(super) async fn begin(&self, browser: &Browser, changes: &[(&str, &str)]) -> String {
        let answer = browser.get(self.request(changes)).await;
        assert_eq!(answer.status(), 302);
        let url = location(&answer);
        assert!(url.as_str().starts_with("https://apps.example/login?theme=dark&"), "{url}");
        query(&url, "login_challenge").expect("a challenge")
    }

    pub(super) async fn read(&self, kind: &str, challenge: &str) -> Response {
        let url = self.requests(kind, "", challenge);
        self.server.api().get(url).send().await.expect("an answer")
    }

    pub(super) async fn put(&self, kind: &str, verb: &str, challenge: &str, body: &Value) -> Response {
        let url = self.requests(kind, &format!("/{verb}"), challenge);
        self.server.api().put(url).json(body).send().await.expect("an answer")
    }

    /// Decides, and returns where the browser goes.
    pub(super) async fn decide(&self, kind: &str, verb: &str, challenge: &str, body: Value) -> String {
        let answer = self.put(kind, verb, challenge, &body).await;
        assert_eq!(answer.status(), 200, "{kind} {verb}");
        let body: Value = answer.json().await.expect("JSON");
        body["redirect_to"].as_str().expect("an address").to_owned()
    }

    /// Ada signs in: through the login application to the consent challenge.
    pub(super) async fn signed_in(&self, browser: &Browser, changes: &[(&str, &str)], login: Value) -> String {
        let challenge = self.begin(browser, changes).await;
        let next = self.decide("login", "accept", &challenge, login).await;
        let answer = browser.get(next).await;
        assert_eq!(answer.status(), 302);
        let url = location(&answer);
        assert!(url.as_str().starts_with(CONSENT_APP), "{url}");
        query(&url, "consent_challenge").expect("a challenge")
    }

    /// All the way to the client's answer.
    pub(super) async fn authorized(&self, browser: &Browser, changes: &[(&str, &str)], consent: Value) -> Url {
        let challenge = self.signed_in(browser, changes, json!({"subject": "ada", "remember": true})).await;
        let next = self.decide("consent", "accept", &challenge, consent).await;
        let answer = browser.get(next).await;
        assert_eq!(answer.status(), 303);
        location(&answer)
    }

    /// A code for all of `scope`: Ada signs in and consents anew, and `session` is what the consent application adds.
    pub(super) async fn code(&self, browser: &Browser, scope: &str, session: Value) -> String {
        let granted: Vec<_> = scope.split(' ').collect();
        let consent = json!({"grant_scope": granted, "session": session});
        let url = self.authorized(browser, &[("scope", scope), ("prompt", "login consent")], consent).await;
        query(&url, "code").expect("a code")
    }

    /// Redeems a code, with some parameters changed or (when empty) left out.
    pub(super) fn redeem(&self, code: &str, changes: &[(&str, &str)]) -> Call {
        let mut parameters = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("client_id", self.client.as_str()),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ]);
        parameters.extend(changes.iter().copied());
        parameters.retain(|_, value| !value.is_empty());
        self.form("/oauth2/token", &Vec::from_iter(parameters))
    }

    /// Somebody with an account, signed in in this browser. Returns the identity's id.
    pub(super) async fn with_account(&self, browser: &Browser, name: &str) -> String {
        let (server, email) = (&self.server, format!("{name}@example.org"));
        let flow = browser.script(reqwest::Method::GET, server.public("/self-service/registration/browser"));
        let flow: Value = flow.send().await.expect("an answer").json().await.expect("JSON");
        let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
        let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
        let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": email},
            "csrf_token": token["attributes"]["value"]});
        let action = flow["ui"]["action"].as_str().expect("an action");
        let answer = browser.script(reqwest::Method::POST, action).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.expect("JSON");
        body["identity"]["id"].as_str().expect("an id").to_owned()
    }

    fn requests(&self, kind: &str, verb: &str, challenge: &str) -> String {
        self.server.admin(&format!("/admin/oauth2/auth/requests/{kind}{verb}?{kind}_challenge={challenge}"))
    }
}

pub(crate) fn location(answer: &Response) -> Url {
    let text = answer.headers().get("location").expect("a redirect").to_str().expect("readable");
    answer.url().join(text).expect("an address")
}

pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

pub(super) async fn body(answer: Response) -> Value {
    answer.json().await.expect("JSON")
}

/// What the built-in error page says about where the browser was sent.
pub(super) async fn told(browser: &Browser, answer: Response) -> (u16, String) {
    assert_eq!(answer.status(), 302);
    let page = browser.get(location(&answer)).await;
    (page.status().as_u16(), page.text().await.expect("a page"))
}
