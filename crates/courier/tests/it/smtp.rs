//! The worker with a mail server.

use std::time::Duration;

use orrery_core::Clock;
use orrery_courier::message::{Channel, DispatchStatus, MessageStatus};
use serde_json::json;

use crate::smtp_server::{Mood, SmtpServer};
use crate::stage::Stage;

fn stage(server: &SmtpServer) -> Stage {
    patient_stage(server, "30s")
}

fn patient_stage(server: &SmtpServer, attempt_timeout: &str) -> Stage {
    Stage::new(json!({
        "smtp": {
            "connection_uri": format!("smtp://127.0.0.1:{}/?disable_starttls=true", server.port),
            "from_address": "no-reply@id.example",
            "from_name": "Exämple & Co",
            "headers": {"X-Team": "accounts"},
        },
        "worker": {"attempt_timeout": attempt_timeout},
    }))
}

#[tokio::test]
async fn a_mail_arrives_with_both_bodies_and_its_headers() {
    let server = SmtpServer::start(Mood::Friendly).await;
    let stage = stage(&server);
    stage.enqueue(Channel::Email).await;
    assert_eq!(stage.courier().deliver_once().await.expect("claims"), 1);
    let row = stage.queue.only();
    assert_eq!(row.message.status, MessageStatus::Sent);
    assert_eq!(row.message.send_count, 1);
    assert_eq!(
        row.dispatches.iter().map(|d| (d.status, d.error.clone())).collect::<Vec<_>>(),
        [(DispatchStatus::Success, None)]
    );
    let mails = server.mails();
    let [mail] = mails.as_slice() else { panic!("one mail") };
    for expected in [
        &format!("Message-ID: <{}@id.example>\r\n", row.message.id),
        "To: ada@example.com\r\n",
        "<no-reply@id.example>\r\n",
        "Date: Mon, 23 Nov 2026 08:15:00 +0000\r\n",
        "Auto-Submitted: auto-generated\r\n",
        "Content-Language: en\r\n",
        "X-Team: accounts\r\n",
        "multipart/alternative",
        "text/plain; charset=utf-8",
        "text/html; charset=utf-8",
        "482913",
    ] {
        assert!(mail.contains(expected), "{expected} in {mail}");
    }
    assert_eq!(stage.courier().deliver_once().await.expect("claims"), 0, "sent once");
}

#[tokio::test]
async fn a_temporary_refusal_is_retried_after_a_growing_wait_and_abandoned_in_the_end() {
    let server = SmtpServer::start(Mood::Busy).await;
    let stage = stage(&server);
    stage.enqueue(Channel::Email).await;
    let courier = stage.courier();
    let mut last_wait = Duration::ZERO;
    for attempt in 1..=3 {
        assert_eq!(courier.deliver_once().await.expect("claims"), 1, "attempt {attempt}");
        let row = stage.queue.only();
        assert_eq!((row.message.status, row.message.send_count), (MessageStatus::Queued, attempt));
        let error = row.dispatches.last().and_then(|dispatch| dispatch.error.clone()).expect("a reason");
        assert!(error.contains("451"), "{error}");
        assert_eq!(courier.deliver_once().await.expect("claims"), 0, "not before its time");
        let wait = row.message.send_after.since(stage.clock.now());
        assert!(wait > last_wait, "{wait:?}");
        last_wait = wait;
        stage.clock.advance(wait);
    }
    server.set(Mood::Friendly);
    assert_eq!(courier.deliver_once().await.expect("claims"), 1);
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_permanent_refusal_is_abandoned_at_once() {
    let server = SmtpServer::start(Mood::Refusing).await;
    let stage = stage(&server);
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    let row = stage.queue.only();
    assert_eq!((row.message.status, row.message.send_count), (MessageStatus::Abandoned, 1));
    assert!(row.dispatches[0].error.as_ref().is_some_and(|error| error.contains("550")));
}

#[tokio::test]
async fn a_server_that_refuses_our_password_costs_no_message() {
    let server = SmtpServer::start(Mood::Suspicious).await;
    let stage = stage(&server);
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Queued);
}

#[tokio::test]
async fn a_connection_cut_after_the_mail_repeats_it_with_the_same_message_id() {
    let server = SmtpServer::start(Mood::Cutting).await;
    let stage = stage(&server);
    stage.enqueue(Channel::Email).await;
    let courier = stage.courier();
    courier.deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Queued);
    server.set(Mood::Friendly);
    stage.clock.advance(Duration::from_secs(60));
    courier.deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
    let ids: Vec<String> = server
        .mails()
        .iter()
        .filter_map(|mail| mail.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned))
        .collect();
    assert!(ids.len() == 2 && ids[0] == ids[1], "{ids:?}");
}

#[tokio::test]
async fn a_silent_server_does_not_poison_the_next_attempt() {
    let server = SmtpServer::start(Mood::Silent).await;
    let stage = patient_stage(&server, "1s");
    stage.enqueue(Channel::Email).await;
    let courier = stage.courier();
    assert_eq!(courier.deliver_once().await.expect("claims"), 1);
    let row = stage.queue.only();
    assert_eq!(row.message.status, MessageStatus::Queued);
    assert!(row.dispatches[0].error.as_ref().is_some_and(|error| error.contains("in time")));
    server.set(Mood::Friendly);
    // A busy machine may need more than the second that one attempt has here.
    while stage.queue.only().message.status == MessageStatus::Queued {
        stage.clock.advance(stage.queue.only().message.send_after.since(stage.clock.now()));
        courier.deliver_once().await.expect("claims");
    }
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
}

#[tokio::test]
async fn nobody_listening_is_a_temporary_failure() {
    let server = SmtpServer::start(Mood::Friendly).await;
    let stage = Stage::new(json!({"smtp": {"connection_uri": "smtp://127.0.0.1:1/?disable_starttls=true"}}));
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Queued);
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_server_without_starttls_gets_no_mail_unless_the_operator_says_so() {
    let server = SmtpServer::start(Mood::Friendly).await;
    let stage = Stage::new(json!({"smtp": {"connection_uri": format!("smtp://127.0.0.1:{}/", server.port)}}));
    stage.enqueue(Channel::Email).await;
    stage.courier().deliver_once().await.expect("claims");
    assert_ne!(stage.queue.only().message.status, MessageStatus::Sent);
    assert!(server.mails().is_empty());
}
