//! A server that hooks call: it remembers every call and answers as it was told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A call that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Call {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// How a call is answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) after: Duration,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), after: Duration::ZERO }
    }
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    next: VecDeque<Reply>,
}

/// The server. It answers 204 unless it is told otherwise.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
    called: Arc<Notify>,
}

impl Target {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let target = Self { url, state: Arc::default(), called: Arc::default() };
        let serving = target.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let target = serving.clone();
                tokio::spawn(async move { target.serve(stream).await });
            }
        });
        target
    }

    /// The next call that nothing is said about yet is answered like this.
    pub(crate) fn reply(&self, reply: Reply) {
        self.state.lock().expect("no panic").next.push_back(reply);
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.state.lock().expect("no panic").calls.clone()
    }

    /// Waits until so many calls have arrived.
    pub(crate) async fn wait_for(&self, calls: usize) -> Vec<Call> {
        let arrived = async {
            loop {
                let called = self.called.notified();
                let so_far = self.calls();
                if so_far.len() >= calls {
                    return so_far;
                }
                called.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("the calls arrive")
    }

    async fn serve(&self, mut stream: TcpStream) {
        let Some(call) = read(&mut stream).await else { return };
        let reply = {
            let mut state = self.state.lock().expect("no panic");
            state.calls.push(call);
            state.next.pop_front().unwrap_or_else(|| Reply::new(204, ""))
        };
        self.called.notify_waiters();
        self.called.notify_one();
        tokio::time::sleep(reply.after).await;
        let Reply { status, body, .. } = reply;
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
        let location = if (300..400).contains(&status) { "location: http://127.0.0.1:1/\r\n" } else { "" };
        let _ = stream.write_all(format!("{head}{location}\r\n{body}").as_bytes()).await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head_end + 4..].to_vec()).ok()?;
    Some(Call { method, path, headers, body })
}
