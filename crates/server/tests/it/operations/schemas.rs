//! Identity schemas that are fetched from another server when the configuration is loaded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What the other server does with a request.
#[derive(Debug, Clone)]
enum Manner {
    /// Answers this, raw.
    Says(String),
    /// Sends a body without end.
    Floods,
    /// Sends a byte now and then.
    Trickles,
    /// Says nothing.
    Hangs,
}

/// A server that hands out schemas, and how often it was asked.
async fn other(manner: Manner) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/person.json", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let manner = manner.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _: std::io::Result<usize> = stream.read(&mut request).await;
                let endless = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
                match manner {
                    Manner::Says(answer) => drop(stream.write_all(answer.as_bytes()).await),
                    Manner::Floods => {
                        let mut sent = stream.write_all(endless).await;
                        while sent.is_ok() {
                            sent = stream.write_all(&[b' '; 64 * 1024]).await;
                        }
                    }
                    Manner::Trickles => {
                        let mut sent = stream.write_all(endless).await;
                        while sent.is_ok() {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                            sent = stream.write_all(b" ").await;
                        }
                    }
                    Manner::Hangs => std::future::pending::<()>().await,
                }
            });
        }
    });
    (url, asked)
}

fn person() -> String {
    json!({"type": "object", "properties": {"traits": {"type": "object", "properties": {
        "nickname": {"type": "string"},
    }}}})
    .to_string()
}

fn ok(body: &str) -> Manner {
    Manner::Says(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()))
}

fn config(url: &str) -> Value {
    json!({
        // So that a test of patience needs little of it.
        "outbound": {"timeout": "700ms"},
        "identity": {"schemas": [{"id": "default", "url": url}]},
    })
}

async fn start(url: &str) -> Result<TestServer, String> {
    TestServer::try_start(TestOptions::with(Backend::Sqlite, config(url))).await
}

async fn refused(manner: Manner, why: &str) {
    let (url, _) = other(manner.clone()).await;
    let told = start(&url).await.err().expect("refused");
    assert!(told.contains("the identity schema `default`") && told.contains(&url), "{told}");
    assert!(told.contains(why), "{manner:?}: {told}");
}

#[tokio::test]
async fn a_schema_from_a_server_is_fetched_once_and_used() {
    // The operator's own servers may stand on private addresses: this one does.
    let (url, asked) = other(ok(&person())).await;
    let server = start(&url).await.expect("started");
    for _ in 0..3 {
        let shown = server.api().get(server.public("/schemas/default")).send().await.expect("an answer");
        let shown: Value = shown.json().await.expect("JSON");
        assert!(shown["properties"]["traits"]["properties"]["nickname"].is_object(), "{shown}");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_server_that_is_slow_or_silent_delays_the_start_no_longer_than_its_time() {
    refused(Manner::Hangs, "time").await;
    refused(Manner::Trickles, "time").await;
}

#[tokio::test]
async fn a_huge_schema_is_given_up() {
    refused(Manner::Floods, "large").await;
    let announced = "HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_owned();
    refused(Manner::Says(announced), "large").await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (target, asked) = other(ok(&person())).await;
    let redirect = format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n");
    refused(Manner::Says(redirect), "302").await;
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_is_no_schema_is_refused() {
    refused(Manner::Says("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()), "404").await;
    for body in ["", "{", "[]", "\u{fffd}", "{\"type\": \"nonsense\"}"] {
        refused(ok(body), "").await;
    }
    let elsewhere = json!({"properties": {"traits": {"$ref": "http://127.0.0.1:1/other.json"}}}).to_string();
    refused(ok(&elsewhere), "").await;
}

#[tokio::test]
async fn a_server_that_fails_during_a_reload_changes_nothing() {
    let (url, _) = other(ok(&person())).await;
    let server = start(&url).await.expect("started");
    let (gone, _) = other(Manner::Hangs).await;
    let told = server.reload(config(&gone)).await.expect_err("refused");
    assert!(told.contains(&gone), "{told}");
    let shown: Value = server
        .api()
        .get(server.public("/schemas/default"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert!(shown["properties"]["traits"]["properties"]["nickname"].is_object(), "{shown}");
}
