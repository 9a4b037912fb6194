//! Several nodes, crashes, and the loop.

use std::sync::Arc;
use std::time::Duration;

use orrery_core::{Clock, SystemEntropy};
use orrery_courier::message::{Channel, MessageStatus};
use orrery_courier::store::{Claim, LeaseToken, MessageStore};
use serde_json::json;

use crate::smtp_server::{Mood, SmtpServer};
use crate::stage::Stage;

/// Claims as a node would that dies before it settles.
async fn claim_and_die(stage: &Stage) -> usize {
    let now = stage.clock.now();
    let lease = LeaseToken::generate(&SystemEntropy::default());
    let claim = Claim { lease, now, lease_until: now + Duration::from_secs(120), limit: 10 };
    stage.queue.messages_claim(claim).await.expect("claims").len()
}

#[tokio::test]
async fn a_message_of_a_dead_node_is_sent_when_its_lease_has_ended() {
    let stage = Stage::new(json!({"delivery_strategy": "inbox"}));
    stage.enqueue(Channel::Email).await;
    assert_eq!(claim_and_die(&stage).await, 1);
    let courier = stage.courier();
    assert_eq!(courier.deliver_once().await.expect("claims"), 0, "the other node may be alive");
    stage.clock.advance(Duration::from_secs(120));
    assert_eq!(courier.deliver_once().await.expect("claims"), 1);
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
}

#[tokio::test]
async fn a_message_that_brings_down_every_node_is_given_up() {
    let stage = Stage::new(json!({"delivery_strategy": "inbox", "message_retries": 2}));
    stage.enqueue(Channel::Email).await;
    for _ in 0..3 {
        assert_eq!(claim_and_die(&stage).await, 1);
        stage.clock.advance(Duration::from_secs(120));
    }
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Abandoned);
}

#[tokio::test]
async fn a_wrong_secret_keeps_the_message() {
    let mut stage = Stage::new(json!({"delivery_strategy": "inbox"}));
    stage.enqueue(Channel::Email).await;
    let other = orrery_core::Keyring::new(&["another secret of some length".into()]).expect("long enough");
    let right = std::mem::replace(&mut stage.keyring, Arc::new(other));
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Queued);
    stage.keyring = right;
    stage.clock.advance(Duration::from_secs(60));
    stage.courier().deliver_once().await.expect("claims");
    assert_eq!(stage.queue.only().message.status, MessageStatus::Sent);
}

#[tokio::test]
async fn the_loop_wakes_for_a_new_message_and_ends_when_told() {
    // An hour between looks: only the wake-up can deliver in time.
    let stage = Stage::new(json!({"delivery_strategy": "inbox", "worker": {"pull_wait": "1h"}}));
    let courier = stage.courier();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = courier.run(async move { stopped.await.unwrap_or_default() });
    let acting = async {
        tokio::task::yield_now().await;
        stage.enqueue(Channel::Email).await;
        stage.wake.enqueued(1);
        while stage.queue.only().message.status != MessageStatus::Sent {
            tokio::task::yield_now().await;
        }
        stop.send(()).expect("still running");
    };
    tokio::join!(running, acting);
}

#[tokio::test]
async fn a_hanging_mail_server_does_not_hold_up_text_messages() {
    let server = SmtpServer::start(Mood::Silent).await;
    let stage = Stage::new(json!({
        "smtp": {"connection_uri": format!("smtp://127.0.0.1:{}/?disable_starttls=true", server.port)},
        "channels": [{"id": "sms", "type": "http", "request_config": {"url": "https://sms.example/"}}],
        "worker": {"pull_wait": "1h", "attempt_timeout": "1m"},
    }));
    stage.enqueue(Channel::Email).await;
    let courier = stage.courier();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = courier.run(async move { stopped.await.unwrap_or_default() });
    let acting = async {
        while stage.queue.status_of(Channel::Email) != Some(MessageStatus::Processing) {
            tokio::task::yield_now().await;
        }
        stage.enqueue(Channel::Sms).await;
        stage.wake.enqueued(1);
        while stage.queue.status_of(Channel::Sms) != Some(MessageStatus::Sent) {
            tokio::task::yield_now().await;
        }
        assert_eq!(stage.queue.status_of(Channel::Email), Some(MessageStatus::Processing));
        stop.send(()).expect("still running");
        server.hang_up();
    };
    tokio::join!(running, acting);
    assert_eq!(stage.queue.status_of(Channel::Email), Some(MessageStatus::Queued), "what was in hand is finished");
}
