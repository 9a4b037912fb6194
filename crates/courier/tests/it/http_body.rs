//! What HTTP services are sent: bodies that programs make, and what becomes of a message when one cannot.

use std::time::Duration;

use orrery_core::jsonnet::JsonnetError;
use orrery_courier::message::{Channel, MessageStatus};
use serde_json::{Value, json};

use crate::programs::Outcome;
use crate::stage::Stage;

const PROGRAM: &str = "function(ctx) {To: ctx.recipient}";

fn request(further: Value) -> Value {
    let mut request = json!({"url": "https://service.example/send", "body": "file://body.jsonnet"});
    let members = further.as_object().cloned().unwrap_or_default();
    request.as_object_mut().expect("an object").extend(members);
    request
}

/// Both channels go to services whose bodies are made by a program.
fn stage(further: Value, outcome: Outcome) -> Stage {
    let config = json!({
        "delivery_strategy": "http",
        "http": {"request_config": request(further.clone())},
        "channels": [{"id": "sms", "type": "http", "request_config": request(further)}],
        "message_retries": 1,
    });
    Stage::with_program(config, ("body.jsonnet", PROGRAM.to_owned()), outcome)
}

#[tokio::test]
async fn a_program_is_given_the_message_and_makes_the_body() {
    for (channel, recipient) in [(Channel::Email, "ada@example.com"), (Channel::Sms, "+4915112345678")] {
        let made = json!({"To": "somebody", "nested": {"list": [1, null]}});
        let stage = stage(json!({}), Outcome::Value(made.clone()));
        stage.enqueue(channel).await;
        stage.courier().deliver_once().await.expect("claims");
        assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
        let sent = stage.service.calls.lock().expect("not poisoned")[0].body.clone();
        assert_eq!(serde_json::from_slice::<Value>(&sent).expect("JSON"), made);

        let [program] = stage.programs.given().try_into().expect("one program");
        assert_eq!((&*program.source, program.variables.len()), (PROGRAM, 0));
        assert_eq!(program.arguments.keys().collect::<Vec<_>>(), ["ctx"]);
        let ctx = &program.arguments["ctx"];
        assert_eq!((&ctx["recipient"], &ctx["message_type"]), (&json!(recipient), &json!(channel.as_str())));
        assert_eq!(ctx["template_type"], "login_code_valid");
        assert_eq!(ctx["template_data"]["login_code"], "482913");
        assert_eq!(ctx["template_data"]["identity"]["traits"]["email"], "ada@example.com");
        assert_eq!(ctx["request_headers"], json!({"User-Agent": ["Ada's"]}));
        assert!(ctx["body"].as_str().is_some_and(|text| text.contains("482913")));
        let mail = channel == Channel::Email;
        assert_eq!(ctx["subject"].as_str().is_some_and(|subject| !subject.is_empty()), mail);
        assert_eq!(ctx["html_body"].as_str().is_some_and(|html| html.contains("482913")), mail);
    }
}

#[tokio::test]
async fn a_service_that_takes_forms_gets_a_form() {
    let form = json!({"headers": {"content-type": "application/x-www-form-urlencoded"}, "method": "put"});
    let stage = stage(form, Outcome::Value(json!({"Body": "a&b=c +", "Tries": 2})));
    stage.enqueue(Channel::Sms).await;
    stage.courier().deliver_once().await.expect("claims");
    let calls = stage.service.calls.lock().expect("not poisoned");
    let body = std::str::from_utf8(&calls[0].body).expect("text");
    assert_eq!((calls[0].method.as_str(), body), ("PUT", "Body=a%26b%3Dc+%2B&Tries=2"));
    assert_eq!(calls[0].headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-type")).count(), 1);
}

#[tokio::test]
async fn a_call_without_a_body_runs_no_program() {
    let stage = stage(json!({"method": "GET"}), Outcome::Endless);
    stage.enqueue(Channel::Sms).await;
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
    assert!(stage.service.calls.lock().expect("not poisoned")[0].body.is_empty());
    assert_eq!(stage.programs.given().len(), 0);
}

/// Whoever repairs the program in time gets the messages delivered: a program that fails ends nothing at once.
#[tokio::test(start_paused = true)]
async fn without_a_body_nothing_is_sent_and_nothing_is_told() {
    let repeated = || JsonnetError::Failed("Unexpected: 482913 for ada@example.com".to_owned());
    let form = json!({"headers": {"Content-Type": "application/x-www-form-urlencoded"}});
    for (further, outcome, why) in [
        (json!({}), Outcome::Fails(repeated), "the Jsonnet program of the body failed"),
        (json!({}), Outcome::Fails(|| JsonnetError::TooMuch), "more time or memory"),
        (json!({}), Outcome::Fails(|| JsonnetError::Unavailable(None)), "cannot be run"),
        (json!({}), Outcome::Endless, "in time"),
        (form, Outcome::Value(json!("482913")), "must be an object"),
    ] {
        let stage = stage(further, outcome);
        stage.enqueue(Channel::Email).await;
        let courier = stage.courier();
        courier.deliver_once().await.expect("claims");
        assert_eq!(stage.queue.only().message.status, MessageStatus::Queued, "{why}");
        stage.clock.advance(Duration::from_secs(10));
        courier.deliver_once().await.expect("claims");
        let row = stage.queue.only();
        assert_eq!(row.message.status, MessageStatus::Abandoned, "{why}");
        for dispatch in &row.dispatches {
            let told = dispatch.error.as_deref().expect("a reason");
            assert!(told.contains(why) && !told.contains("482913") && !told.contains("ada@"), "{told}");
        }
        assert!(stage.service.calls.lock().expect("not poisoned").is_empty(), "{why}");
    }
}

#[tokio::test]
async fn programs_of_a_channel_leave_room_for_those_that_somebody_waits_for() {
    let stage = stage(json!({}), Outcome::Value(json!({})));
    for _ in 0..8 {
        stage.enqueue(Channel::Sms).await;
    }
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.service.calls.lock().expect("not poisoned").len(), 8);
    assert_eq!(stage.programs.most(), 1);
}
