//! Attacks on the outbound client.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::config::value::ByteSize;

/// A resolver that answers from a list, one entry for each question, the last one for ever.
struct Scripted {
    answers: Vec<&'static str>,
    asked: AtomicUsize,
}

#[async_trait]
impl Lookup for Scripted {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let index = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        Ok(self.answers[index].split(',').map(|address| address.parse().expect("an address")).collect())
    }
}

fn client(answers: &[&'static str], exceptions: &[&str]) -> GuardedClient {
    let config = Outbound {
        allowed_networks: exceptions.iter().map(|network| network.parse().expect("a network")).collect(),
        max_response: ByteSize(1000),
        ..Outbound::default()
    };
    let lookup = Scripted { answers: answers.to_vec(), asked: AtomicUsize::new(0) };
    GuardedClient::with_lookup(&config, Arc::new(lookup)).expect("a client")
}

fn get(url: &str, trust: Trust) -> OutboundRequest {
    OutboundRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: vec![("x-test".to_owned(), "1".to_owned())],
        body: Vec::new(),
        trust,
        timeout: Duration::from_secs(20),
        max_response_bytes: 100_000,
    }
}

/// A server on loopback that answers every connection with these bytes, and then perhaps keeps it open.
async fn server(answer: &'static str, then_hang: Option<Duration>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            if let Some(pause) = then_hang {
                tokio::time::sleep(pause).await;
            }
        }
    });
    port
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";

#[tokio::test]
async fn operators_reach_their_own_network() {
    let port = server(OK, None).await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = client(&["1.1.1.1"], &[]).send(get(&url, Trust::Operator)).await.expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"hi"[..]));
}

#[tokio::test]
async fn literal_addresses_are_refused_in_every_spelling() {
    let port = server(OK, None).await;
    let client = client(&["127.0.0.1"], &[]);
    for host in ["127.0.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"] {
        let answer = client.send(get(&format!("http://{host}:{port}/"), Trust::Caller)).await;
        assert!(matches!(answer, Err(OutboundError::Refused)), "{host}: {answer:?}");
    }
}

#[tokio::test]
async fn names_that_lead_inside_are_refused() {
    let port = server(OK, None).await;
    for answers in ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.1,::1"] {
        let answer = client(&[answers], &[]).send(get(&format!("http://inside.example:{port}/"), Trust::Caller)).await;
        assert!(matches!(answer, Err(OutboundError::Refused)), "{answers}: {answer:?}");
    }
}

#[tokio::test]
async fn an_answer_that_changes_after_the_check_is_judged_again() {
    let port = server(OK, None).await;
    let client = client(&["127.0.0.2", "127.0.0.1"], &["127.0.0.2/32"]);
    let url = format!("http://rebind.example:{port}/");
    // The first answer is allowed (nothing listens there); the second one leads inside.
    assert!(client.send(get(&url, Trust::Caller)).await.is_err());
    let second = client.send(get(&url, Trust::Caller)).await;
    assert!(matches!(second, Err(OutboundError::Refused)), "{second:?}");
}

#[tokio::test]
async fn exceptions_open_a_network_and_can_be_closed_again() {
    let port = server(OK, None).await;
    let client = client(&["127.0.0.1"], &["127.0.0.0/8"]);
    let url = format!("http://inside.example:{port}/");
    assert_eq!(client.send(get(&url, Trust::Caller)).await.expect("an answer").status, 200);
    client.reconfigure(&Outbound::default(), &[]);
    assert!(matches!(client.send(get(&url, Trust::Caller)).await, Err(OutboundError::Refused)));
}

#[tokio::test]
async fn redirects_are_answers_and_not_followed() {
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/latest\r\ncontent-length: 0\r\n\r\n";
    let port = server(redirect, None).await;
    let client = client(&["127.0.0.1"], &["127.0.0.0/8"]);
    let answer = client.send(get(&format!("http://x.example:{port}/"), Trust::Caller)).await.expect("an answer");
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn large_bodies_are_cut_off() {
    let announced = server("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", None).await;
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked: &'static str = Box::leak(format!("{chunked}800\r\n{}\r\n", "x".repeat(0x800)).into_boxed_str());
    let unannounced = server(chunked, Some(Duration::from_secs(20))).await;
    for port in [announced, unannounced] {
        let answer = client(&[""], &[]).send(get(&format!("http://127.0.0.1:{port}/"), Trust::Operator)).await;
        assert!(matches!(answer, Err(OutboundError::TooLarge)), "{answer:?}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_given_up() {
    let port = server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx", Some(Duration::from_secs(20))).await;
    let mut request = get(&format!("http://127.0.0.1:{port}/"), Trust::Operator);
    request.timeout = Duration::from_millis(50);
    let answer = client(&["1.1.1.1"], &[]).send(request).await;
    assert!(matches!(answer, Err(OutboundError::Timeout)), "{answer:?}");
}

#[tokio::test]
async fn other_schemes_and_broken_urls_are_refused() {
    for url in ["file:///etc/passwd", "ftp://1.1.1.1/", "gopher://1.1.1.1", "nonsense", "http://"] {
        let answer = client(&["1.1.1.1"], &[]).send(get(url, Trust::Operator)).await;
        assert!(matches!(answer, Err(OutboundError::Refused)), "{url}");
    }
}
