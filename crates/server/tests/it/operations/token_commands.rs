//! `orrery token`.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::admin_commands::{Shell, error};
use super::process::orrery;

/// Registers a machine that authenticates in this way, and gets it a token.
async fn machine(shell: &Shell, id: &str, method: &str) -> (String, String) {
    let create = ["clients", "create", "--id", id, "--grant-type", "client_credentials", "--scope", "read write"];
    let create = [&create[..], &["--token-endpoint-auth-method", method, "--format", "json"]].concat();
    let made: Value = serde_json::from_str(&shell.print(&create).await).expect("JSON");
    let secret = made["client_secret"].as_str().expect("a secret").to_owned();
    let form = [("grant_type", "client_credentials"), ("scope", "read"), ("client_id", id), ("client_secret", &secret)];
    let call = shell.server.api().post(shell.server.public("/oauth2/token"));
    let call = if method == "client_secret_post" {
        call.form(&form)
    } else {
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{id}:{secret}"));
        call.header("authorization", format!("Basic {basic}")).form(&form[..2])
    };
    let answer: Value = call.send().await.expect("an answer").json().await.expect("JSON");
    (secret, answer["access_token"].as_str().expect("a token").to_owned())
}

#[tokio::test]
async fn a_token_is_shown_and_revoked() {
    let shell = Shell::start().await;
    let (secret, token) = machine(&shell, "robot", "client_secret_basic").await;

    let table = shell.print(&["token", "introspect", &token]).await;
    assert!(table.contains("true") && table.contains("access_token") && table.contains("robot"), "{table}");
    assert!(table.contains("2026-01-01 01:00:00"), "when it ends: {table}");
    let read = shell.print(&["token", "introspect", &token, "--scope", "read", "--format", "json"]).await;
    let read: Value = serde_json::from_str(&read).expect("JSON");
    assert_eq!((&read["active"], &read["scope"]), (&json!(true), &json!("read")));
    let lacking = shell.run(&["token", "introspect", &token, "--scope", "write"]).await;
    assert!(lacking.status.success() && String::from_utf8_lossy(&lacking.stdout).contains("false"));
    assert!(error(&lacking).contains("lacks a scope that --scope names"), "{}", error(&lacking));

    // Somebody else's word does nothing to it.
    let (other, _) = machine(&shell, "other", "client_secret_post").await;
    let as_other = ["token", "revoke", &token, "--client-id", "other", "--client-secret", &other];
    let said = shell.fail(&as_other).await;
    assert!(said.contains("(401)") && said.contains("token_endpoint_auth_method"), "{said}");
    shell.print(&[&as_other[..], &["--client-auth", "post"]].concat()).await;
    assert!(shell.print(&["token", "introspect", &token]).await.contains("true"));

    let said = shell.fail(&["token", "revoke", &token, "--client-id", "robot", "--client-secret", "wrong"]).await;
    assert!(said.contains("its secret or assertion is wrong"), "{said}");
    let revoke = ["token", "revoke", &token, "--client-id", "robot", "--client-secret", &secret];
    assert_eq!(shell.print(&revoke).await, "revoked, if it was a token of robot\n");
    let again: Value =
        serde_json::from_str(&shell.print(&[&revoke[..], &["--format", "json"]].concat()).await).expect("JSON");
    assert_eq!(again, json!({"accepted": true, "client_id": "robot"}));
    let gone = shell.run(&["token", "introspect", &token]).await;
    assert!(error(&gone).contains("unknown here, has expired or was revoked."), "{}", error(&gone));
}

#[tokio::test]
async fn a_token_can_be_kept_from_other_users_of_the_machine() {
    let shell = Shell::start().await;
    let (_, token) = machine(&shell, "robot", "client_secret_basic").await;
    let mut command = orrery(shell.server.folder(), &["token", "introspect", "-", "--format", "json"]);
    command.env("ORRERY_ADMIN_URL", shell.server.admin("/")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(format!("{token}\n").as_bytes()).await.expect("written");
    drop(input);
    let output = child.wait_with_output().await.expect("it ends");
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["client_id"], "robot", "{found}");

    let said = shell.fail(&["token", "revoke", &token, "--client-id", "x", "--endpoint", "http://127.0.0.1:1/"]).await;
    assert!(said.contains("name the public listener") && said.contains("ORRERY_PUBLIC_URL"), "{said}");
}
