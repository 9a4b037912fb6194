//! What the log never holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Client;
use serde_json::{Value, json};

use super::process::Running;

/// Sends JSON and reads JSON.
async fn post(client: &Client, address: &str, body: &Value) -> Value {
    client.post(address).json(body).send().await.expect("an answer").json().await.expect("JSON")
}

#[tokio::test]
async fn no_log_level_tells_a_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::start(folder, &["serve", "all", "--dev"], "trace").await;
    let (public, admin) = (running.public.clone(), running.admin.clone());
    let client = Client::builder().no_proxy().user_agent("Secret-Agent/1").build().expect("a client");
    let get = |address: String| async { client.get(address).send().await.expect("an answer").json::<Value>().await };
    let (email, password) = ("secret-person@example.org", "S3cret-passphrase-of-hers");

    let flow = get(format!("{public}/self-service/registration/api")).await.expect("a flow");
    let action = flow["ui"]["action"].as_str().expect("an address");
    let registered = json!({ "method": "password", "password": password, "traits": { "email": email } });
    let registered = post(&client, action, &registered).await;
    let mut secrets: Vec<String> = vec![email.into(), "secret-person".into(), password.into(), "Secret-Agent".into()];
    secrets.push(registered["session_token"].as_str().expect("a token").to_owned());

    let flow = get(format!("{public}/self-service/login/api")).await.expect("a flow");
    let action = flow["ui"]["action"].as_str().expect("an address");
    let wrong = json!({ "method": "password", "identifier": email, "password": "S3cret-but-wrong" });
    post(&client, action, &wrong).await;
    secrets.push("S3cret-but-wrong".to_owned());
    let right = json!({ "method": "password", "identifier": email, "password": password });
    let signed_in = post(&client, action, &right).await;
    let token = signed_in["session_token"].as_str().expect("a token").to_owned();
    let whoami = client.get(format!("{public}/sessions/whoami?secret=S3cret-query")).bearer_auth(&token).send().await;
    assert_eq!(whoami.expect("an answer").status(), 200);
    secrets.extend([token, "S3cret-query".to_owned()]);

    let browser = client.get(format!("{public}/self-service/login/browser")).header("accept", "application/json");
    let answer = browser.send().await.expect("an answer");
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").split([';', '=']).nth(1).expect("a value");
    secrets.push(cookie.to_owned());

    let broken = client.post(format!("{admin}/admin/identities")).header("content-type", "application/json");
    broken.body("{\"traits\": \"S3cret-body").send().await.expect("an answer");
    secrets.push("S3cret-body".to_owned());

    let inbox = get(format!("{public}/inbox/messages")).await.expect("messages");
    let text = inbox[0]["text"].as_str().expect("a text");
    let code = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() == 6).expect("a code");
    secrets.push(code.to_owned());
    let made = std::fs::read_to_string(running.folder.path().join("data/secret")).expect("the server's secret");
    secrets.push(made);

    let (success, log) = running.stop().await;
    assert!(success && log.contains("/sessions/whoami"), "the log is there");
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} was logged");
    }
}

#[tokio::test]
async fn a_program_that_fails_tells_the_log_nothing_of_its_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = "function(ctx) error 'S3cret-in-program ' + ctx.recipient + ctx.body";
    let request = json!({
        "url": "http://127.0.0.1:1/?key=S3cret-query", "headers": {"X-A": "S3cret-header"},
        "body": format!("base64://{}", STANDARD.encode(source)),
        "auth": {"type": "api_key", "config": {"name": "X-Key", "value": "S3cret-key", "in": "header"}},
    });
    let courier = json!({"delivery_strategy": "http", "http": {"request_config": request}});
    let config = json!({"identity": {"courier": courier}}).to_string();
    std::fs::write(folder.path().join("orrery.yml"), config).expect("written");
    let arguments = ["serve", "all", "--dev", "--config", "orrery.yml"];
    let mut running = Running::start(folder, &arguments, "trace").await;
    let client = Client::builder().no_proxy().build().expect("a client");
    let flow = client.get(format!("{}/self-service/registration/api", running.public)).send().await;
    let flow: Value = flow.expect("an answer").json().await.expect("a flow");
    let traits = json!({"email": "secret-person@example.org"});
    let body = json!({"method": "password", "password": "S3cret-passphrase-of-hers", "traits": traits});
    post(&client, flow["ui"]["action"].as_str().expect("an address"), &body).await;
    running.wait_for("message not sent").await;
    let inbox = client.get(format!("{}/inbox/messages", running.public)).send().await.expect("an answer");
    let inbox: Value = inbox.json().await.expect("messages");
    let code = inbox[0]["template_data"]["verification_code"].as_str().expect("a code").to_owned();
    let (success, log) = running.stop().await;
    assert!(success);
    for secret in ["S3cret-", "secret-person", "function(ctx)", &code] {
        assert_eq!(log.lines().find(|line| line.contains(secret)), None, "{secret} was logged");
    }
}
