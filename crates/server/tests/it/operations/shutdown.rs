//! Stopping without dropping anything.

use orrery_testkit::{Backend, TestOptions, TestServer};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn readiness_turns_first_and_a_request_in_flight_is_answered() {
    let options = TestOptions::with(Backend::Sqlite, json!({ "serve": { "shutdown_delay": "5s" } }));
    let server = TestServer::start(options).await;
    let (client, ready, alive) = (server.api(), server.public("/health/ready"), server.public("/health/alive"));
    let address = server.admin("").trim_start_matches("http://").to_owned();

    // A request whose body is still on its way when the stop begins.
    let body = json!({ "schema_id": "default", "traits": { "email": "late@example.org" } }).to_string();
    let (begin, rest) = body.split_at(10);
    let mut late = TcpStream::connect(&address).await.expect("a connection");
    let head = format!(
        "POST /admin/identities HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{begin}",
        body.len()
    );
    late.write_all(head.as_bytes()).await.expect("sent");

    let stopping = tokio::spawn(server.stop());
    let probe = || async { client.get(&ready).send().await.expect("still accepted").status().as_u16() };
    while probe().await != 503 {}
    assert_eq!(client.get(&alive).send().await.expect("an answer").status(), 200);

    late.write_all(rest.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let _database = stopping.await.expect("stopped");
    assert!(TcpStream::connect(&address).await.is_err(), "nothing listens any more");
}
