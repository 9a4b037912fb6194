//! Traces leave for a collector, over OTLP/HTTP.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::process::Running;

/// One request that the collector received.
struct Export {
    head: String,
    body: Vec<u8>,
}

/// A collector that keeps what it is sent.
struct Collector {
    address: String,
    exports: Arc<Mutex<Vec<Export>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let exports = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&exports);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, Arc::clone(&kept)));
            }
        });
        Self { address, exports }
    }

    /// Whether some export holds this text: names and values of spans stand in protobuf as they are.
    fn holds(&self, text: &str) -> bool {
        let exports = self.exports.lock().expect("no panic");
        exports.iter().any(|export| export.body.windows(text.len()).any(|window| window == text.as_bytes()))
    }
}

/// Answers every request on a connection with success.
async fn receive(mut stream: TcpStream, exports: Arc<Mutex<Vec<Export>>>) {
    let mut unread = Vec::new();
    loop {
        let split = loop {
            if let Some(at) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut unread).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&unread[..split]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).expect("a length");
        while unread.len() < split + length {
            if stream.read_buf(&mut unread).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let rest = unread.split_off(split + length);
        let body = unread.split_off(split);
        exports.lock().expect("no panic").push(Export { head, body });
        unread = rest;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n";
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}

async fn run(collector: &Collector, sampling: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!(
        "tracing:\n  endpoint: {}\n  service_name: traced-orrery\n  sampling_ratio: {sampling}\n",
        collector.address
    );
    std::fs::write(folder.path().join("orrery.yml"), config).expect("written");
    let running = Running::start(folder, &["serve", "all", "--dev", "--config", "orrery.yml"], "info").await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let asked = client.get(format!("{}/sessions/whoami?q=S3cret-query", running.public)).bearer_auth("S3cret-token");
    assert_eq!(asked.send().await.expect("an answer").status(), 401);
    let (success, log) = running.stop().await;
    assert!(success, "{log}");
    log
}

#[tokio::test]
async fn a_collector_receives_spans_with_route_and_status_and_no_secret() {
    let collector = Collector::start().await;
    run(&collector, "1.0").await;
    for text in ["traced-orrery", "GET /sessions/whoami", "http.route", "http.response.status_code"] {
        assert!(collector.holds(text), "{text}");
    }
    for secret in ["S3cret-query", "S3cret-token"] {
        assert!(!collector.holds(secret), "{secret}");
    }
    let exports = collector.exports.lock().expect("no panic");
    assert!(exports.iter().all(|export| export.head.starts_with("post /v1/traces http/1.1")));
    assert!(exports.iter().all(|export| export.head.contains("content-type: application/x-protobuf")));
}

#[tokio::test]
async fn what_is_not_sampled_is_not_sent() {
    let collector = Collector::start().await;
    run(&collector, "0.0").await;
    assert!(!collector.holds("/sessions/whoami"));
}

#[tokio::test]
async fn a_collector_that_is_gone_keeps_nobody_from_serving_or_stopping() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let collector = Collector { address, exports: Arc::default() };
    run(&collector, "1.0").await;
}
