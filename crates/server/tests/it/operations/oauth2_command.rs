//! `orrery oauth2 code`, with the demo client of `--dev`.

use std::process::{Output, Stdio};

use orrery_testkit::Browser;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr};
use url::Url;

use super::process::{Running, orrery};

const PASSWORD: &str = "correct horse battery staple";

/// The command, waiting for a browser.
struct Begun {
    /// Where the browser is to go.
    address: Url,
    child: Child,
    said: BufReader<ChildStderr>,
}

impl Begun {
    async fn new(running: &Running, arguments: &[&str]) -> Self {
        let common = ["oauth2", "code", "--no-open", "--port", "0", "--endpoint", &running.public];
        let mut command = orrery(running.folder.path(), &[&common[..], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let mut said = BufReader::new(child.stderr.take().expect("what it says"));
        let mut line = String::new();
        while !line.trim_start().starts_with("http://") {
            line.clear();
            assert_ne!(said.read_line(&mut line).await.expect("readable"), 0, "it ended");
        }
        let address = Url::parse(line.trim()).expect("an address");
        Self { address, child, said }
    }

    fn parameter(&self, name: &str) -> Option<String> {
        self.address.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The address that the browser comes back to, with these parameters.
    fn callback(&self, parameters: &[(&str, &str)]) -> Url {
        let mut url = Url::parse(&self.parameter("redirect_uri").expect("an address")).expect("a URL");
        url.query_pairs_mut().extend_pairs(parameters);
        url
    }

    /// Whether it succeeded, what it printed, and what it said further.
    async fn end(mut self) -> (Output, String) {
        let mut said = String::new();
        self.said.read_to_string(&mut said).await.expect("readable");
        (self.child.wait_with_output().await.expect("it ends"), said)
    }
}

async fn dev() -> Running {
    Running::start(tempfile::tempdir().expect("a folder"), &["serve", "all", "--dev"], "info").await
}

/// Somebody with an account, signed in in this browser.
async fn register(running: &Running, browser: &Browser) -> String {
    let flow = browser.script(Method::GET, format!("{}/self-service/registration/browser", running.public));
    let flow: Value = flow.send().await.expect("an answer").json().await.expect("JSON");
    let nodes = flow["ui"]["nodes"].as_array().expect("nodes");
    let token = nodes.iter().find(|node| node["attributes"]["name"] == "csrf_token").expect("a token");
    let body = json!({"method": "password", "password": PASSWORD, "traits": {"email": "ada@example.org"},
        "csrf_token": token["attributes"]["value"]});
    let action = flow["ui"]["action"].as_str().expect("an action");
    let answer = browser.script(Method::POST, action).json(&body).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["identity"]["id"].as_str().expect("an id").to_owned()
}

/// Allows on the built-in page, up to the callback's own page.
async fn allow(running: &Running, browser: &Browser, begun: &Begun) -> reqwest::Response {
    let page = browser.follow(begun.address.as_str()).await;
    let challenge = page.url().query_pairs().find(|(name, _)| name == "consent_challenge").expect("a challenge").1;
    let form = [("consent_challenge", &*challenge), ("decision", "allow")];
    let answer = browser.post(format!("{}/ui/consent", running.public), &form).await;
    let next = answer.headers()["location"].to_str().expect("an address").to_owned();
    browser.follow(answer.url().join(&next).expect("an address")).await
}

#[tokio::test]
async fn a_whole_sign_in_with_the_demo_client() {
    let running = dev().await;
    let browser = Browser::default();
    let ada = register(&running, &browser).await;
    let flags = ["--client-id", "demo", "--max-age", "600", "--prompt", "consent", "--format", "json"];
    let begun = Begun::new(&running, &flags).await;
    assert_eq!(begun.parameter("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!((begun.parameter("max_age"), begun.parameter("prompt")), (Some("600".into()), Some("consent".into())));

    // Strangers may knock: nobody but the server knows the state.
    let forged = begun.callback(&[("code", "ory_ac_stolen"), ("state", "guessed")]);
    assert_eq!(browser.get(forged).await.status(), StatusCode::BAD_REQUEST);

    let page = allow(&running, &browser, &begun).await;
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    let text = page.text().await.expect("a page");
    assert!(text.contains(&ada) && !text.contains("ory_at_"), "{text}");

    let (output, said) = begun.end().await;
    assert!(output.status.success(), "{said}");
    let tokens: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&tokens["claims"]["sub"], &tokens["scope"]), (&json!(ada), &json!("openid offline")));
    for token in ["access_token", "refresh_token", "id_token"] {
        assert!(tokens[token].is_string(), "{token}: {tokens}");
    }
    let introspect =
        ["token", "introspect", tokens["access_token"].as_str().expect("a token"), "--endpoint", &running.admin];
    let shown = orrery(running.folder.path(), &introspect).output().await.expect("it runs");
    assert!(String::from_utf8_lossy(&shown.stdout).contains(&ada));
}

#[tokio::test]
async fn a_refusal_and_a_wrong_code_are_told() {
    let running = dev().await;
    let browser = Browser::default();
    let begun = Begun::new(&running, &["--client-id", "demo"]).await;
    let state = begun.parameter("state").expect("a state");
    let (error, text) = ("access_denied", "<b>No</b>");
    let refused = begun.callback(&[("error", error), ("error_description", text), ("state", &state)]);
    let page = browser.get(refused).await;
    assert_eq!(page.status(), StatusCode::BAD_REQUEST);
    let shown = page.text().await.expect("a page");
    assert!(shown.contains("&lt;b&gt;No") && !shown.contains("<b>"), "{shown}");
    let (output, said) = begun.end().await;
    assert!(!output.status.success() && said.contains("access_denied"), "{said}");

    let begun = Begun::new(&running, &["--client-id", "demo"]).await;
    let state = begun.parameter("state").expect("a state");
    browser.get(begun.callback(&[("code", "ory_ac_made-up"), ("state", &state)])).await;
    let (output, said) = begun.end().await;
    assert!(!output.status.success() && said.contains("invalid_grant"), "{said}");

    let begun = Begun::new(&running, &["--client-id", "demo"]).await;
    let state = begun.parameter("state").expect("a state");
    let mixed_up = [("code", "ory_ac_x"), ("state", state.as_str()), ("iss", "https://evil.example")];
    browser.get(begun.callback(&mixed_up)).await;
    let (output, said) = begun.end().await;
    assert!(!output.status.success() && said.contains("another server"), "{said}");

    let (_, log) = running.stop().await;
    assert!(log.contains("oauth2 code --client-id demo --endpoint"), "{log}");
}

#[tokio::test]
async fn the_demo_client_is_registered_once_and_in_the_database_of_dev_alone() {
    let running = dev().await;
    let list = |admin: String, folder: std::path::PathBuf| async move {
        let arguments = ["clients", "list", "--endpoint", &admin, "--format", "json"];
        let output = orrery(&folder, &arguments).output().await.expect("it runs");
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let folder = running.folder.path().to_owned();
    let rename = ["clients", "update", "demo", "--name", "Mine", "--endpoint", &running.admin];
    assert!(orrery(&folder, &rename).output().await.expect("it runs").status.success());

    let again = Running::start(running.ended().await, &["serve", "all", "--dev"], "info").await;
    let clients = list(again.admin.clone(), folder.clone()).await;
    assert_eq!((clients.as_array().map(Vec::len), &clients[0]["client_name"]), (Some(1), &json!("Mine")), "{clients}");

    let kept = again.ended().await;
    let other = format!("{{\"database\": {{\"url\": \"sqlite://{}\"}}}}", kept.path().join("other.db").display());
    std::fs::write(kept.path().join("other.json"), other).expect("written");
    let elsewhere = Running::start(kept, &["serve", "all", "--dev", "--config", "other.json"], "info").await;
    assert_eq!(list(elsewhere.admin.clone(), folder).await, json!([]));
}
