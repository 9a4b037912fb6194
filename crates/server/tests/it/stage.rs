//! What people and programs do with a server, in a few words each.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use orrery_persistence::{Database, Statements};
use orrery_testkit::{Backend, Browser, Call, TestOptions, TestServer};
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, SET_COOKIE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A running server and its clients.
pub(crate) struct Stage {
    server: TestServer,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The machine-readable id of an error.
    pub(crate) fn error_id(&self) -> &str {
        self.body["error"]["id"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The numbers of the messages of a flow, those of the form first.
    pub(crate) fn messages(&self) -> Vec<u64> {
        let nodes = self.body["ui"]["nodes"].as_array().cloned().unwrap_or_default();
        let of = |value: &Value| value["messages"].as_array().cloned().unwrap_or_default();
        let all = of(&self.body["ui"]).into_iter().chain(nodes.iter().flat_map(of));
        all.filter_map(|message| message["id"].as_u64()).collect()
    }

    pub(crate) fn id(&self) -> &str {
        self.body["id"].as_str().expect("an id")
    }

    /// The value of a node.
    pub(crate) fn node(&self, name: &str) -> Option<&Value> {
        let nodes = self.body["ui"]["nodes"].as_array()?;
        nodes.iter().map(|node| &node["attributes"]).find(|attributes| attributes["name"] == name)
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

impl Stage {
    pub(crate) async fn start(backend: Backend) -> Self {
        Self { server: TestServer::start(backend).await }
    }

    /// A server that sends browsers back to `https://app.example.org/` when asked to.
    pub(crate) async fn returning(backend: Backend) -> Self {
        Self::with(backend, json!({"identity": {"selfservice": {"allowed_return_urls": ["https://app.example.org/"]}}}))
            .await
    }

    /// A server whose configuration differs from the usual one.
    pub(crate) async fn with(backend: Backend, changes: Value) -> Self {
        Self { server: TestServer::start(TestOptions::with(backend, changes)).await }
    }

    pub(crate) fn database(&self) -> &Database {
        self.server.database()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.server.advance(by);
    }

    /// A browser with an empty cookie jar.
    pub(crate) fn browser(&self) -> Browser {
        self.server.browser()
    }

    /// Where the public listener is.
    pub(crate) fn public_url(&self) -> String {
        self.server.public("")
    }

    /// A request to the public listener.
    pub(crate) fn public(&self, method: Method, path: &str) -> Call {
        self.server.api().request(method, self.server.public(path))
    }

    /// A request to the admin listener.
    pub(crate) fn admin(&self, method: Method, path: &str) -> Call {
        self.server.api().request(method, self.server.admin(path))
    }

    /// Creates an account with the usual password and says its id.
    pub(crate) async fn person(&self, email: &str) -> String {
        let body = json!({"schema_id": "default", "traits": {"email": email},
            "credentials": {"password": {"config": {"password": PASSWORD}}}});
        let created = send(self.admin(Method::POST, "/admin/identities").json(&body)).await.expect(201);
        created.id().to_owned()
    }

    /// Tries to sign in as a native app.
    pub(crate) async fn try_login(&self, identifier: &str, password: &str) -> Answer {
        let flow = send(self.public(Method::GET, "/self-service/login/api")).await.expect(200);
        let body = json!({"method": "password", "identifier": identifier, "password": password});
        let path = format!("/self-service/login?flow={}", flow.id());
        send(self.public(Method::POST, &path).json(&body)).await
    }

    /// Signs in as a native app and says the session token and the session's id.
    pub(crate) async fn login(&self, identifier: &str) -> (String, String) {
        let answer = self.try_login(identifier, PASSWORD).await.expect(200);
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&answer.body["session_token"]), text(&answer.body["session"]["id"]))
    }

    pub(crate) async fn whoami(&self, token: &str) -> Answer {
        send(self.public(Method::GET, "/sessions/whoami").header("x-session-token", token)).await
    }

    /// The path and query of the link in the latest message to an address, if there was any.
    pub(crate) async fn link(&self, recipient: &str) -> Option<String> {
        let inbox = self.server.inbox().await;
        let text = inbox.iter().find(|message| message["recipient"] == recipient)?["text"].as_str()?;
        Some(text[text.find("/self-service/")?..].split_whitespace().next()?.to_owned())
    }

    /// The code of the latest message to an address, if there was any.
    pub(crate) async fn code(&self, recipient: &str) -> Option<String> {
        let inbox = self.server.inbox().await;
        let message = inbox.iter().find(|message| message["recipient"] == recipient)?;
        let mut runs = message["text"].as_str()?.split(|c: char| !c.is_ascii_digit());
        runs.find(|run| run.len() == 6).map(str::to_owned)
    }
}

/// A browser's cookies.
#[derive(Debug, Clone, Default)]
pub(crate) struct Jar(pub(crate) Vec<(String, String)>);

impl Jar {
    /// Sends a request with the cookies of this jar and keeps those of the answer.
    pub(crate) async fn send(&mut self, request: Call) -> Answer {
        let cookies: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) };
        let answer = send(request).await;
        for cookie in answer.headers.get_all(SET_COOKIE) {
            let text = cookie.to_str().expect("a text");
            let (name, value) = text.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.0.retain(|(known, _)| known != name);
            if !text.contains("Max-Age=0") {
                self.0.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Sends a request as a page's script does.
    pub(crate) async fn script(&mut self, request: Call) -> Answer {
        self.send(request.header(ACCEPT, "application/json")).await
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Signs in as a page's script does.
    pub(crate) async fn login(&mut self, stage: &Stage, identifier: &str) -> Answer {
        let flow = self.script(stage.public(Method::GET, "/self-service/login/browser")).await.expect(200);
        let token = flow.node("csrf_token").expect("a token")["value"].clone();
        let body = json!({"method": "password", "identifier": identifier, "password": PASSWORD, "csrf_token": token});
        let path = format!("/self-service/login?flow={}", flow.id());
        self.script(stage.public(Method::POST, &path).json(&body)).await.expect(200)
    }
}

/// Sends a request without cookies.
pub(crate) async fn send(request: Call) -> Answer {
    let response = request.send().await.expect("the server answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.expect("a body");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}

/// A part of a JWT, which nobody verifies: 0 is the header, 1 the claims.
pub(crate) fn jwt_part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("a JWT");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64url")).expect("JSON")
}

/// Sets the members that `changes` has.
pub(crate) fn merge(into: &mut Value, changes: &Value) {
    for (name, value) in changes.as_object().expect("an object") {
        into[name] = value.clone();
    }
}

/// Settings with which nothing but requests uses the database, once the server has started.
pub(crate) fn quiet(mut config: Value) -> Value {
    config["database"]["cleanup"]["interval"] = json!("1h");
    config["identity"]["courier"]["worker"]["pull_wait"] = json!("1h");
    config
}

/// What is sent to the database during a step.
pub(crate) async fn cost<T>(database: &Database, step: impl Future<Output = T>) -> (Statements, T) {
    let before = database.statements();
    let done = step.await;
    (database.statements() - before, done)
}

/// What each step of a round costs: the median of twenty rounds. What a server does at its start, and what it reads the first
/// time, meets fewer of them; what a step does every second time counts.
pub(crate) async fn costs<const STEPS: usize>(
    round: impl AsyncFn(usize) -> [Statements; STEPS],
) -> [Statements; STEPS] {
    let mut rounds = Vec::new();
    for number in 0..20 {
        rounds.push(round(number).await);
    }
    std::array::from_fn(|step| {
        let mut costs: Vec<_> = rounds.iter().map(|costs| costs[step]).collect();
        costs.sort_by_key(|cost| (cost.reads, cost.writes, cost.commits));
        costs[costs.len() / 2]
    })
}
