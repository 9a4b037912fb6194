//! A TCP connection to a database that can be cut, mended and silenced.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use url::Url;

/// What happens to what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Open,
    /// Nothing arrives, and nobody is told.
    Silent,
}

/// The connections between a database and those who use [`Wire::url`].
pub(crate) struct Wire {
    pub(crate) url: String,
    whole: Arc<AtomicBool>,
    cuts: watch::Sender<u32>,
    line: watch::Sender<Line>,
}

impl Wire {
    pub(crate) async fn to(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a URL");
        let target = format!("{}:{}", url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        url.set_host(Some("127.0.0.1")).expect("has a host");
        url.set_port(Some(port)).expect("has a port");
        let (cuts, cut) = watch::channel(0);
        let (line, state) = watch::channel(Line::Open);
        let whole = Arc::new(AtomicBool::new(true));
        tokio::spawn({
            let whole = Arc::clone(&whole);
            async move {
                while let Ok((caller, _)) = listener.accept().await {
                    if !whole.load(Ordering::SeqCst) {
                        continue;
                    }
                    let (target, mut cut, state) = (target.clone(), cut.clone(), state.clone());
                    tokio::spawn(async move {
                        let server = TcpStream::connect(target).await.expect("the server answers");
                        cut.mark_unchanged();
                        let ((from_caller, to_caller), (from_server, to_server)) =
                            (caller.into_split(), server.into_split());
                        tokio::select! {
                            () = carry(from_caller, to_server, state.clone()) => {}
                            () = carry(from_server, to_caller, state) => {}
                            _ = cut.changed() => {}
                        }
                    });
                }
            }
        });
        Self { url: url.into(), whole, cuts, line }
    }

    /// Ends every connection, and makes no further one.
    pub(crate) fn cut(&self) {
        self.whole.store(false, Ordering::SeqCst);
        self.cuts.send_modify(|count| *count += 1);
    }

    pub(crate) fn mend(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }

    /// Holds back everything that is sent, as a network does that loses every packet.
    pub(crate) fn silence(&self) {
        self.line.send_replace(Line::Silent);
    }
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut line: watch::Receiver<Line>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if line.wait_for(|line| *line == Line::Open).await.is_err() || to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
