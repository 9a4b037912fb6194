//! Messages over HTTP.

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body_json};
use actix_web::{App, web};
use orrery_core::{Clock, SystemEntropy};
use orrery_courier::config::SmsType;
use orrery_courier::http::{CourierApi, Visibility, admin, development_inbox};
use orrery_courier::message::Channel;
use orrery_courier::store::MessageStore;
use orrery_web::Listener;
use orrery_web::edge::{EdgeSettings, edge};
use serde_json::{Value, json};

use crate::stage::Stage;

struct Answer {
    status: u16,
    links: String,
    total: Option<String>,
    body: Value,
}

async fn get(stage: &Stage, visibility: Visibility, listener: Listener, path: &str) -> Answer {
    let api = web::Data::new(CourierApi {
        store: Arc::clone(&stage.queue) as Arc<dyn MessageStore>,
        keyring: Arc::clone(&stage.keyring),
        entropy: Arc::new(SystemEntropy::default()),
        visibility,
        sms_type: SmsType::Phone,
    });
    let edge_settings = web::Data::new(EdgeSettings {
        clock: Arc::clone(&stage.clock) as Arc<dyn Clock>,
        entropy: Arc::new(SystemEntropy::default()),
        trusted_proxies: Vec::new(),
    });
    let routes = admin().and(development_inbox());
    let app = init_service(
        App::new()
            .app_data(api)
            .app_data(edge_settings)
            .wrap(from_fn(edge))
            .configure(|config| routes.configure(listener, config)),
    )
    .await;
    let response = call_service(&app, TestRequest::with_uri(path).to_request()).await;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (links, total) = (header("link").unwrap_or_default(), header("x-total-count"));
    Answer { status: response.status().as_u16(), links, total, body: read_body_json(response).await }
}

async fn listed(stage: &Stage, query: &str) -> Answer {
    get(stage, Visibility::Redacted, Listener::Admin, &format!("/admin/courier/messages{query}")).await
}

#[actix_web::test]
async fn administrators_see_messages_but_not_what_they_say() {
    let stage = Stage::new(json!({"delivery_strategy": "inbox"}));
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    let answer = listed(&stage, "").await;
    assert_eq!(answer.status, 200);
    let message = &answer.body[0];
    assert_eq!(
        *message,
        json!({
            "id": message["id"],
            "status": "sent",
            "type": "email",
            "recipient": "ada@example.com",
            "body": "<redacted-unless-dev-mode>",
            "subject": "<redacted-unless-dev-mode>",
            "template_type": "login_code_valid",
            "channel": "email",
            "send_count": 1,
            "created_at": "2026-11-23T08:15:00Z",
            "updated_at": "2026-11-23T08:15:00Z",
        })
    );
    let path = format!("/admin/courier/messages/{}", message["id"].as_str().expect("text"));
    let one = get(&stage, Visibility::Redacted, Listener::Admin, &path).await.body;
    assert_eq!(one["dispatches"][0]["status"], "success");
    assert_eq!(one["dispatches"][0]["message_id"], message["id"]);
    assert!(!one.to_string().contains("482913"));
    let open = get(&stage, Visibility::Open, Listener::Admin, &path).await.body;
    assert!(open["body"].as_str().is_some_and(|body| body.contains("482913")));
}

#[actix_web::test]
async fn a_text_message_calls_itself_phone() {
    let stage = Stage::new(json!({}));
    stage.enqueue(Channel::Sms).await;
    stage.courier().deliver_once().await.expect("claims");
    let message = &listed(&stage, "").await.body[0];
    assert_eq!((&message["type"], &message["channel"]), (&json!("phone"), &json!("sms")));
    let path = format!("/admin/courier/messages/{}", message["id"].as_str().expect("text"));
    let dispatch = &get(&stage, Visibility::Redacted, Listener::Admin, &path).await.body["dispatches"][0];
    assert_eq!(dispatch["status"], "failed");
    assert_eq!(dispatch["error"]["message"], "nothing is configured to send sms with");
}

#[actix_web::test]
async fn filters_and_both_kinds_of_pages() {
    let stage = Stage::new(json!({}));
    for _ in 0..12 {
        stage.enqueue(Channel::Email).await;
    }
    let first = listed(&stage, "").await;
    assert_eq!(first.body.as_array().map(Vec::len), Some(10));
    let next = first.links.split(',').find(|link| link.contains("rel=\"next\"")).expect("a next page");
    let next = next.split(['<', '>']).nth(1).expect("an address");
    let second = get(&stage, Visibility::Redacted, Listener::Admin, next).await;
    assert_eq!(second.body.as_array().map(Vec::len), Some(2));
    assert!(!second.links.contains("rel=\"next\""));
    let numbered = listed(&stage, "?page=1&per_page=5").await;
    assert_eq!((numbered.body.as_array().map(Vec::len), numbered.total.as_deref()), (Some(5), Some("12")));
    for (query, count) in
        [("?status=queued", 10), ("?status=sent", 0), ("?recipient=ada@example.com", 10), ("?recipient=x", 0)]
    {
        assert_eq!(listed(&stage, query).await.body.as_array().map(Vec::len), Some(count), "{query}");
    }
}

#[actix_web::test]
async fn bad_input_is_a_4xx_that_names_the_field() {
    let stage = Stage::new(json!({}));
    for (path, status, field) in [
        ("?status=lost", 400, "status"),
        ("?page_token=made-up", 400, "page_token"),
        ("?page_size=x", 400, "page_size"),
        ("/not-a-uuid", 400, "id"),
        ("/00000000-0000-4000-8000-000000000000", 404, "id"),
    ] {
        let answer = listed(&stage, path).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.body["error"]["reason"].as_str().is_some_and(|reason| reason.contains(field)), "{path}");
    }
}

#[actix_web::test]
async fn the_development_inbox_shows_the_code_on_the_public_listener_only() {
    let stage = Stage::new(json!({"delivery_strategy": "inbox"}));
    stage.enqueue(Channel::Email).await;
    let list = get(&stage, Visibility::Open, Listener::Public, "/inbox/messages").await;
    assert!(list.body[0]["text"].as_str().is_some_and(|text| text.contains("482913")));
    let path = format!("/inbox/messages/{}", list.body[0]["id"].as_str().expect("text"));
    let one = get(&stage, Visibility::Open, Listener::Public, &path).await.body;
    assert!(one["html"].as_str().is_some_and(|html| html.contains("482913")));
    assert_eq!(get(&stage, Visibility::Open, Listener::Public, "/admin/courier/messages").await.status, 404);
    assert_eq!(get(&stage, Visibility::Open, Listener::Admin, "/inbox/messages").await.status, 404);
}
