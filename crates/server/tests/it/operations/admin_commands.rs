//! `orrery identities` and `orrery sessions`: the program as a client of a running server.

use std::process::Output;

use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::{Value, json};

use super::process::orrery;
use crate::stage::PASSWORD;

const NOBODY: &str = "5f8c4a3e-0d1b-4c2a-9e6f-7a8b9c0d1e2f";

/// A server and a person at a shell.
pub(super) struct Shell {
    pub(super) server: TestServer,
}

impl Shell {
    pub(super) async fn start() -> Self {
        Self { server: TestServer::start(Backend::Sqlite).await }
    }

    /// Runs a command against the server.
    pub(super) async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = orrery(self.server.folder(), arguments);
        command.env("ORRERY_ADMIN_URL", self.server.admin("/")).env("ORRERY_PUBLIC_URL", self.server.public("/"));
        command.output().await.expect("it runs")
    }

    /// Runs one that must succeed; what it prints.
    pub(super) async fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(output.status.success(), "{arguments:?}: {}", error(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs one that must fail; what it says.
    pub(super) async fn fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        assert!(!output.status.success(), "{arguments:?} succeeds");
        error(&output)
    }

    async fn person(&self, email: &str) -> String {
        let body = json!({"traits": {"email": email}, "external_id": email,
            "credentials": {"password": {"config": {"password": PASSWORD}}}});
        let answer = self.server.api().post(self.server.admin("/admin/identities")).json(&body).send().await;
        let identity: Value = answer.expect("an answer").json().await.expect("JSON");
        identity["id"].as_str().expect("an id").to_owned()
    }

    /// Signs in; the id of the session.
    async fn sign_in(&self, email: &str) -> String {
        let (api, server) = (self.server.api(), &self.server);
        let flow = api.get(server.public("/self-service/login/api")).send().await.expect("an answer");
        let flow: Value = flow.json().await.expect("JSON");
        let path = format!("/self-service/login?flow={}", flow["id"].as_str().expect("an id"));
        let body = json!({"method": "password", "identifier": email, "password": PASSWORD});
        let answer = api.post(server.public(&path)).json(&body).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["session"]["id"].as_str().expect("an id").to_owned()
    }
}

pub(super) fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test]
async fn identities_are_listed_shown_changed_and_deleted() {
    let shell = Shell::start().await;
    let (ada, grace) = (shell.person("ada@example.org").await, shell.person("grace@example.org").await);

    let table = shell.print(&["identities", "list"]).await;
    assert_eq!(table.lines().count(), 3, "{table}");
    let line = table.lines().find(|line| line.starts_with(&ada)).expect("a line");
    assert!(line.contains("active") && line.contains("ada@example.org"), "{line}");
    let all = json(&shell.print(&["identities", "list", "--format", "json"]).await);
    assert_eq!(all.as_array().map(Vec::len), Some(2));
    let one = json(&shell.print(&["identities", "list", "--format", "json", "--limit", "1"]).await);
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    for filter in [["--identifier", "Grace@Example.org"], ["--similar", "gra"]] {
        let found = shell.print(&["identities", "list", filter[0], filter[1], "--format", "json"]).await;
        assert_eq!(json(&found)[0]["id"], json!(grace), "{filter:?}: {found}");
    }
    assert_eq!(shell.print(&["identities", "list", "--similar", "nobody", "--format", "json"]).await, "[]\n");

    let shown = shell.print(&["identities", "get", &ada, "--format", "json", "--include-credential", "password"]).await;
    assert!(json(&shown)["credentials"]["password"]["config"]["hashed_password"].is_string(), "{shown}");
    assert!(shell.print(&["identities", "get", "--external", "ada@example.org"]).await.contains(&ada));

    let changes = ["--set", "/state=inactive", "--set", "/metadata_public={\"plan\": 1}", "--format", "json"];
    let patched = json(&shell.print(&[&["identities", "patch", &ada], &changes[..]].concat()).await);
    assert_eq!((&patched["state"], &patched["metadata_public"]), (&json!("inactive"), &json!({"plan": 1})));
    let document = shell.server.folder().join("changes.json");
    std::fs::write(&document, r#"[{"op": "replace", "path": "/state", "value": "active"}]"#).expect("written");
    let document = document.to_str().expect("a path");
    assert!(shell.print(&["identities", "patch", &ada, "--file", document]).await.contains("active"));

    let said = shell.fail(&["identities", "patch", &ada, "--set", "/id=x"]).await;
    assert!(said.contains("(400)") && said.contains("\"/id\""), "{said}");

    let deleted = shell.run(&["identities", "delete", &ada, NOBODY, &grace]).await;
    assert!(!deleted.status.success());
    assert_eq!(String::from_utf8_lossy(&deleted.stdout), format!("deleted {ada}\ndeleted {grace}\n"));
    let said = error(&deleted);
    assert!(said.contains(&format!("orrery: {NOBODY}: the server refused (404)")), "{said}");
    assert!(said.contains("1 of 3 failed"), "{said}");
}

#[tokio::test]
async fn sessions_are_listed_shown_extended_and_revoked() {
    let shell = Shell::start().await;
    let ada = shell.person("ada@example.org").await;
    let (first, second) = (shell.sign_in("ada@example.org").await, shell.sign_in("ada@example.org").await);
    // Of the same moment, which one is newer?
    shell.server.advance(std::time::Duration::from_secs(1));
    let third = shell.sign_in("ada@example.org").await;

    let table = shell.print(&["sessions", "list"]).await;
    let line = table.lines().find(|line| line.starts_with(&first)).expect("a line");
    assert!(line.contains(&ada) && line.contains("aal1"), "{line}");
    assert!(shell.print(&["sessions", "get", &first]).await.contains(&ada));
    shell.server.advance(std::time::Duration::from_secs(60));
    let before = json(&shell.print(&["sessions", "get", &first, "--format", "json"]).await);
    let after = json(&shell.print(&["sessions", "extend", &first, "--format", "json"]).await);
    assert!(before["expires_at"].as_str() < after["expires_at"].as_str());

    assert_eq!(shell.print(&["sessions", "revoke", &first]).await, format!("revoked {first}\n"));
    let of = |active| ["sessions", "list", "--identity", ada.as_str(), "--active", active, "--format", "json"];
    let ids = |text: &str| -> Vec<Value> {
        json(text).as_array().expect("a list").iter().map(|session| session["id"].clone()).collect()
    };
    assert_eq!(ids(&shell.print(&of("true")).await), [json!(third), json!(second)]);
    assert_eq!(ids(&shell.print(&of("false")).await), [json!(first)]);
    shell.print(&["sessions", "revoke", "--identity", &ada]).await;
    assert!(shell.fail(&["sessions", "get", &second]).await.contains("(404)"));
    shell.sign_in("ada@example.org").await;
    assert_eq!(shell.print(&["sessions", "revoke", "--everybody"]).await, "revoked 1 sessions\n");
    assert!(ids(&shell.print(&of("true")).await).is_empty());
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let shell = Shell::start().await;
    let nowhere = ["identities", "list", "--endpoint", "http://127.0.0.1:1/"];
    let said = shell.fail(&nowhere).await;
    assert!(said.contains("no server answers at http://127.0.0.1:1/") && said.contains("orrery serve all"), "{said}");
    let public = shell.server.public("/");
    let said = shell.fail(&["identities", "list", "--endpoint", &public]).await;
    assert!(said.contains("(404)"), "{said}");
    let said = shell.fail(&["identities", "list", "--identifier", "a", "--similar", "b"]).await;
    assert!(said.contains("cannot be used with"), "{said}");
    assert!(shell.fail(&["identities", "patch", NOBODY]).await.contains("--set"), "nothing to change");
    assert!(shell.fail(&["sessions", "revoke"]).await.contains("<ID>"));
}

#[tokio::test]
async fn a_token_is_sent_and_never_shown() {
    let token = "a token of at least thirty-two characters";
    let config = json!({"admin": {"tokens": [token]}});
    let shell = Shell { server: TestServer::start(TestOptions::with(Backend::Sqlite, config)).await };
    let said = shell.fail(&["identities", "list"]).await;
    assert!(said.contains("ORRERY_ADMIN_TOKEN"), "{said}");
    assert_eq!(shell.print(&["identities", "list", "--token", token, "--format", "json"]).await, "[]\n");
    let mut command = orrery(shell.server.folder(), &["identities", "list", "--help"]);
    let help = command.env("ORRERY_ADMIN_TOKEN", token).output().await.expect("it runs");
    assert!(!String::from_utf8_lossy(&help.stdout).contains(token));
}
