//! Messages that HTTP services send, with bodies that Jsonnet programs make.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orrery_testkit::{Backend, TestOptions, TestServer, on_both_databases};
use reqwest::Method;
use serde_json::{Value, json};

use super::code_world::{EMAIL, PHONE, asking, entering, native_flow, passwordless, person};
use super::hooks::target::Target;
use super::world::World;

on_both_databases!(
    services_are_sent_what_their_programs_say,
    a_hostile_program_stops_its_own_messages_and_nothing_else,
);

fn program(source: &str) -> String {
    format!("base64://{}", STANDARD.encode(source))
}

/// Mail and text messages by these programs.
fn courier(target: &Target, mail: &str, sms: &str, further: Value) -> Value {
    let mut request = json!({"url": format!("{}/mail", target.url), "body": program(mail)});
    request.as_object_mut().expect("an object").extend(further.as_object().cloned().expect("an object"));
    let form = json!({"Content-Type": "application/x-www-form-urlencoded"});
    let channel = json!({"url": format!("{}/sms", target.url), "method": "PUT", "headers": form, "body": program(sms),
        "auth": {"type": "basic_auth", "config": {"user": "AC7", "password": "hunter2"}}});
    json!({
        "delivery_strategy": "http",
        "http": {"request_config": request},
        "channels": [{"id": "sms", "type": "http", "request_config": channel}],
    })
}

/// The newest message to somebody, with its attempts, once there was one.
async fn attempted(world: &World, recipient: &str) -> Value {
    for _ in 0..400 {
        let path = format!("/admin/courier/messages?recipient={}", recipient.replace('+', "%2B"));
        let listed = world.admin(Method::GET, &path, json!(null)).await;
        let id = listed[0]["id"].as_str().expect("a message").to_owned();
        let message = world.admin(Method::GET, &format!("/admin/courier/messages/{id}"), json!(null)).await;
        let tried = message["dispatches"].as_array().is_some_and(|dispatches| !dispatches.is_empty());
        // The message is read before its attempts.
        if tried && message["status"] != "processing" {
            return message;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no message to {recipient} is attempted");
}

async fn services_are_sent_what_their_programs_say(backend: Backend) {
    let target = Target::start().await;
    let mail = "function(ctx) {
        to: ctx.recipient, kind: ctx.template_type, via: ctx.message_type, subject: ctx.subject,
        code: ctx.template_data.login_code, who: ctx.template_data.identity.traits.email,
        html: std.length(ctx.html_body) > 0, agent: ctx.request_headers['X-Agent'],
        headers: std.objectFields(ctx.request_headers),
    }";
    let sms = "function(ctx) {To: ctx.recipient, Body: 'Code: ' + ctx.template_data.login_code}";
    let key = json!({"auth": {"type": "api_key", "config": {"name": "X-Key", "value": "hunter2", "in": "header"}}});
    let client = json!({"web_hook": {"header_allowlist": ["X-Agent"]}});
    let identity = json!({"clients": client, "courier": courier(&target, mail, sms, key)});
    let world = passwordless(backend, identity).await;
    // The registration has sent a mail whose data have no such code: its program fails, and nothing arrives.
    let native = world.native().sending("x-agent", "Ada's");
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(EMAIL)).await.expect(400);
    let [call] = target.wait_for(1).await.try_into().expect("one call");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/mail"));
    assert_eq!(
        (call.headers["x-key"].as_str(), call.headers["content-type"].as_str()),
        ("hunter2", "application/json")
    );
    let told = call.json();
    assert_eq!((&told["to"], &told["who"]), (&json!(EMAIL), &json!(EMAIL)));
    assert_eq!(
        (&told["kind"], &told["via"], &told["html"]),
        (&json!("login_code_valid"), &json!("email"), &json!(true))
    );
    assert_eq!(told["agent"], json!(["Ada's"]));
    assert_eq!(told["headers"], json!(["X-Agent"]), "nothing that is not on the list");
    let code = told["code"].as_str().expect("a code");
    native.submit(&flow, entering(EMAIL, code)).await.expect(200);

    person(&world, json!({"phone": PHONE})).await;
    let flow = native_flow(&native, "login").await;
    native.submit(&flow, asking(PHONE)).await.expect(400);
    let call = target.wait_for(2).await.pop().expect("a call");
    assert_eq!((call.method.as_str(), call.path.as_str()), ("PUT", "/sms"));
    assert_eq!(call.headers["authorization"], "Basic QUM3Omh1bnRlcjI=");
    let fields: Vec<_> = url::form_urlencoded::parse(call.body.as_bytes()).into_owned().collect();
    let code = world.server.code_for(PHONE).await;
    assert_eq!(fields, [("Body".into(), format!("Code: {code}")), ("To".into(), PHONE.into())]);
    native.submit(&flow, entering(PHONE, &code)).await.expect(200);
    let sent = attempted(&world, PHONE).await;
    assert_eq!((&sent["status"], &sent["dispatches"][0]["status"]), (&json!("sent"), &json!("success")));
    assert_eq!(json!(call.headers["idempotency-key"]), sent["id"]);
}

async fn a_hostile_program_stops_its_own_messages_and_nothing_else(backend: Backend) {
    let endless = "local f(n) = f(n + 1) tailstrict; function(ctx) f(0)";
    let talkative = "function(ctx) error 'for ' + ctx.recipient + ': ' + ctx.body";
    let greedy = "local f(s, n) = if n == 0 then s else f(s + s, n - 1); function(ctx) std.length(f('xxxxxxxx', 30))";
    for hostile in [endless, talkative, greedy, "function(ctx) 'no form'"] {
        let target = Target::start().await;
        let world =
            passwordless(backend, json!({"courier": courier(&target, "function(ctx) ctx", hostile, json!({}))})).await;
        target.wait_for(1).await;
        person(&world, json!({"phone": PHONE})).await;
        let native = world.native();
        let flow = native_flow(&native, "login").await;
        native.submit(&flow, asking(PHONE)).await.expect(400);
        let code = world.server.code_for(PHONE).await;
        let message = attempted(&world, PHONE).await;
        assert_eq!(message["status"], "queued", "{hostile}");
        let told = message["dispatches"][0]["error"].to_string();
        assert!(told.contains("program") || told.contains("object"), "{told}");
        assert!(!told.contains(&code) && !told.contains(PHONE), "{told}");
        // Mail goes out as before, and the code works although nobody was told.
        native.submit(&native_flow(&native, "login").await, asking(EMAIL)).await.expect(400);
        let calls = target.wait_for(2).await;
        assert!(calls.iter().all(|call| call.path == "/mail"), "{hostile}");
        native.submit(&flow, entering(PHONE, &code)).await.expect(200);
    }
}

#[tokio::test]
async fn what_is_no_program_is_refused_at_start_and_while_running() {
    let target = Target::start().await;
    let with = |mail: &str, sms: &str| json!({"identity": {"courier": courier(&target, mail, sms, json!({}))}});
    for (config, key) in [
        (with("function(ctx) {", "{}"), "identity.courier.http.request_config.body"),
        (with("{}", "function(ctx) {to: recipient}"), "identity.courier.channels.sms.request_config.body"),
        (with("{\"to\": {{ ctx.recipient }}}", "{}"), "identity.courier.http.request_config.body"),
    ] {
        let refused = TestServer::try_start(TestOptions::with(Backend::Sqlite, config)).await;
        let why = refused.err().unwrap_or_else(|| panic!("{key} is accepted"));
        assert!(why.contains(key), "{why}");
    }
    let server = TestServer::start(TestOptions::with(Backend::Sqlite, with("function(ctx) ctx", "{}"))).await;
    let why = server.reload(with("}", "{}")).await.expect_err("refused");
    assert!(why.contains("identity.courier.http.request_config.body"), "{why}");
    let mapper = json!({"session": {"whoami": {"tokenizer": {"templates": {
        "t": {"jwks_url": program(r#"{"keys": []}"#), "claims_mapper_url": program("{claims: clams}")}
    }}}}});
    let why = server.reload(json!({"identity": mapper})).await.expect_err("refused");
    assert!(why.contains("templates.t.claims_mapper_url"), "{why}");
}
