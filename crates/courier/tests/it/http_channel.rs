//! The worker with an HTTP service.

use orrery_core::Clock;
use orrery_core::outbound::Trust;
use orrery_courier::message::{Channel, MessageStatus};
use serde_json::{Value, json};

use crate::stage::Stage;

fn sms(request_config: Value) -> Value {
    json!({"channels": [{"id": "sms", "type": "http", "request_config": request_config}]})
}

#[tokio::test]
async fn a_text_message_is_posted_with_its_context_and_credentials() {
    let stage = Stage::new(sms(json!({
        "url": "https://sms.example/send",
        "headers": {"X-Account": "7"},
        "auth": {"type": "basic_auth", "config": {"user": "u", "password": "p"}},
    })));
    stage.enqueue(Channel::Sms).await;
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
    let calls = stage.service.calls.lock().expect("not poisoned");
    let [call] = calls.as_slice() else { panic!("one call") };
    assert_eq!(
        (call.method.as_str(), call.url.as_str(), call.trust),
        ("POST", "https://sms.example/send", Trust::Operator)
    );
    let header = |name: &str| call.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    assert_eq!(header("Authorization"), Some("Basic dTpw"));
    assert_eq!(header("X-Account"), Some("7"));
    assert_eq!(header("Content-Type"), Some("application/json"));
    assert_eq!(header("Idempotency-Key"), Some(stage.queue.only().message.id.to_string().as_str()));
    let body: Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(body["recipient"], "+4915112345678");
    assert_eq!(body["template_type"], "login_code_valid");
    assert_eq!(body["message_type"], "sms");
    assert_eq!(body["template_data"]["login_code"], "482913");
    assert!(body["body"].as_str().is_some_and(|text| text.contains("482913")));
    assert!(body.get("html_body").is_none());
}

#[tokio::test]
async fn mail_can_go_by_http_too() {
    let stage = Stage::new(json!({
        "delivery_strategy": "http",
        "http": {"request_config": {
            "url": "https://mail.example/send",
            "auth": {"type": "api_key", "config": {"name": "key", "value": "v", "in": "cookie"}},
        }},
    }));
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    let calls = stage.service.calls.lock().expect("not poisoned");
    let body: Value = serde_json::from_slice(&calls[0].body).expect("JSON");
    assert!(body["html_body"].as_str().is_some_and(|html| html.contains("<!DOCTYPE html>")));
    assert!(calls[0].headers.contains(&("Cookie".to_owned(), "key=v".to_owned())));
}

#[tokio::test]
async fn a_refusing_service_is_asked_again_as_often_as_configured() {
    let mut config = sms(json!({"url": "https://sms.example/send"}));
    config["message_retries"] = json!(2);
    let stage = Stage::with_service_status(config, 500);
    stage.enqueue(Channel::Sms).await;
    let courier = stage.courier();
    for attempt in 1..=3 {
        assert_eq!(courier.deliver_once().await.expect("claims"), 1, "attempt {attempt}");
        stage.clock.advance(stage.queue.only().message.send_after.since(stage.clock.now()));
    }
    assert_eq!(stage.queue.only().message.status, MessageStatus::Abandoned);
    assert_eq!(courier.deliver_once().await.expect("claims"), 0);
    let calls = stage.service.calls.lock().expect("not poisoned");
    let keys: Vec<_> =
        calls.iter().flat_map(|call| call.headers.iter().filter(|(name, _)| name == "Idempotency-Key")).collect();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[tokio::test]
async fn a_code_that_has_expired_is_not_sent_any_more() {
    let stage = Stage::new(sms(json!({"url": "https://sms.example/send"})));
    stage.enqueue(Channel::Sms).await;
    stage.clock.advance(std::time::Duration::from_secs(15 * 60));
    stage.courier().deliver_once().await.expect("claims");
    let row = stage.queue.only();
    assert_eq!(row.message.status, MessageStatus::Abandoned);
    assert!(row.dispatches[0].error.as_ref().is_some_and(|error| error.contains("expired")));
    assert!(stage.service.calls.lock().expect("not poisoned").is_empty());
}

#[tokio::test]
async fn without_a_channel_text_messages_wait_and_say_why() {
    let stage = Stage::new(json!({}));
    stage.enqueue(Channel::Sms).await;
    stage.courier().deliver_once().await.expect("claims");
    let row = stage.queue.only();
    assert_eq!(row.message.status, MessageStatus::Queued);
    assert_eq!(row.dispatches[0].error.as_deref(), Some("nothing is configured to send sms with"));
}
