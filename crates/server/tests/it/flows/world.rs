//! A whole server whose pages and return addresses have fixed names.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_persistence::Statements;
use orrery_server::wiring::Surfaces;
use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::{Value, json};

use super::client::Client;

/// Signs in by email, which can be verified.
const SCHEMA: &str = r#"{"type": "object", "properties": {"traits": {"type": "object",
    "properties": {
        "email": {"type": "string", "format": "email", "title": "E-Mail", "ory.sh/kratos": {
            "credentials": {"password": {"identifier": true}}, "verification": {"via": "email"}
        }},
        "name": {"type": "string", "minLength": 2},
        "age": {"type": "integer", "minimum": 18},
        "news": {"type": "boolean"}
    },
    "required": ["email"], "additionalProperties": false
}}}"#;

/// A running server.
pub(crate) struct World {
    pub(crate) server: TestServer,
}

impl World {
    /// With the usual settings: no hooks.
    pub(crate) async fn new(backend: Backend) -> Self {
        Self::with(backend, json!({})).await
    }

    /// With settings of the test's own, shaped like a configuration file.
    pub(crate) async fn with(backend: Backend, config: Value) -> Self {
        Self { server: TestServer::start(TestOptions::with(backend, settings(config))).await }
    }

    /// With these hooks after registration, and nobody but the test to use the database: no courier runs.
    pub(crate) async fn quiet(backend: Backend, hooks: Value) -> Self {
        let flows = json!({"registration": {"after": {"hooks": hooks}}});
        Self::quiet_with(backend, json!({"selfservice": {"flows": flows}})).await
    }

    /// With these settings of `identity`, and nobody but the test to use the database.
    pub(crate) async fn quiet_with(backend: Backend, identity: Value) -> Self {
        Self::quiet_config(backend, json!({"identity": identity})).await
    }

    /// With these settings, and nobody but the test to use the database.
    pub(crate) async fn quiet_config(backend: Backend, config: Value) -> Self {
        let options = TestOptions { surfaces: Surfaces::Identity, ..TestOptions::with(backend, settings(config)) };
        Self { server: TestServer::start(options).await }
    }

    /// With these settings of `identity.selfservice.flows`.
    pub(crate) async fn with_flows(backend: Backend, flows: Value) -> Self {
        Self::with(backend, json!({"identity": {"selfservice": {"flows": flows}}})).await
    }

    /// Takes over other settings of `identity`.
    pub(crate) async fn reconfigure(&self, identity: Value) {
        self.server.reload(settings(json!({"identity": identity}))).await.expect("a good configuration");
    }

    /// A page's script.
    pub(crate) fn script(&self) -> Client<'_> {
        Client::new(&self.server, Some("application/json"))
    }

    /// A browser that navigates.
    pub(crate) fn browser(&self) -> Client<'_> {
        Client::new(&self.server, Some("text/html,application/xhtml+xml,*/*;q=0.8"))
    }

    /// A native app.
    pub(crate) fn native(&self) -> Client<'_> {
        Client::new(&self.server, None)
    }

    pub(crate) fn statements(&self) -> Statements {
        self.server.database().statements()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.server.advance(by);
    }

    /// How many messages there are so far.
    pub(crate) async fn mails(&self) -> usize {
        self.server.inbox().await.len()
    }

    /// Calls the admin listener and returns the body of a success.
    pub(crate) async fn admin(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let request = self.server.api().request(method, self.server.admin(path)).json(&body);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    }

    /// Registers somebody and returns their id.
    pub(crate) async fn register(&self, email: &str, password: &str) -> String {
        let native = self.native();
        let flow = native.get("/self-service/registration/api").await.expect(200);
        let body = json!({"method": "password", "traits": {"email": email}, "password": password});
        let done = native.submit(&flow, body).await.expect(200);
        done["identity"]["id"].as_str().expect("an id").to_owned()
    }
}

/// What a flow's messages say, all of them: those of the form, then those of its nodes.
pub(crate) fn message_ids(flow: &Value) -> Vec<u64> {
    let of = |value: &Value| -> Vec<u64> {
        value.as_array().into_iter().flatten().filter_map(|message| message["id"].as_u64()).collect()
    };
    let mut ids = of(&flow["ui"]["messages"]);
    for node in flow["ui"]["nodes"].as_array().into_iter().flatten() {
        ids.extend(of(&node["messages"]));
    }
    ids
}

/// The node of that name.
pub(crate) fn node<'a>(flow: &'a Value, name: &str) -> &'a Value {
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["attributes"]["name"] == name).unwrap_or(&Value::Null)
}

fn settings(own: Value) -> Value {
    let page = |name: &str| json!({"ui_url": format!("https://id.example/ui/{name}")});
    let mut settings = json!({
        "limits": {"failed_attempts": 5, "attempt_window": "1h", "lockout": "1h"},
        "identity": {
            "schemas": [{"id": "default", "url": format!("base64://{}", STANDARD.encode(SCHEMA))}],
            "selfservice": {
                "default_browser_return_url": "https://app.example/",
                "allowed_return_urls": ["https://app.example/"],
                "flows": {
                    "login": page("login"),
                    "registration": page("registration"),
                    "verification": page("verification"),
                    "recovery": page("recovery"),
                    "settings": page("settings"),
                    "error": page("error"),
                },
            },
        },
    });
    settings["identity"]["selfservice"]["flows"]["registration"]["after"] = json!({"hooks": []});
    merge(&mut settings, own);
    settings
}

fn merge(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (name, value) in above {
                merge(below.entry(name).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}
