//! The smallest mail server that a client can talk to, and that can fail on demand.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// How the server treats the next mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Friendly,
    /// 451 to the recipient.
    Busy,
    /// 550 to the recipient.
    Refusing,
    /// 530 to the sender: authentication is required.
    Suspicious,
    /// Takes the mail and hangs up without a word.
    Cutting,
    /// Does not answer to the sender until told to hang up.
    Silent,
}

pub(crate) struct SmtpServer {
    pub(crate) port: u16,
    /// Taken mails, as they came over the wire.
    pub(crate) mails: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<Mood>>,
    hang_up: Arc<Notify>,
}

impl SmtpServer {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Self {
            port: listener.local_addr().expect("bound").port(),
            mails: Arc::default(),
            mood: Arc::new(Mutex::new(mood)),
            hang_up: Arc::default(),
        };
        let (mails, mood, hang_up) = (Arc::clone(&server.mails), Arc::clone(&server.mood), Arc::clone(&server.hang_up));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&mails), Arc::clone(&mood), Arc::clone(&hang_up)));
            }
        });
        server
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.mood.lock().expect("not poisoned") = mood;
    }

    /// Ends a silent conversation.
    pub(crate) fn hang_up(&self) {
        self.hang_up.notify_one();
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.mails.lock().expect("not poisoned").clone()
    }
}

async fn converse(
    stream: TcpStream,
    mails: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<Mood>>,
    hang_up: Arc<Notify>,
) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test ESMTP\r\n").await.ok()?;
    while let Some(line) = lines.next_line().await.ok()? {
        let now = *mood.lock().expect("not poisoned");
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match (verb.as_str(), now) {
            ("EHLO", _) => b"250-test\r\n250 8BITMIME\r\n",
            ("MAIL", Mood::Suspicious) => b"530 5.7.0 Authentication required\r\n",
            ("MAIL", Mood::Silent) => {
                hang_up.notified().await;
                return None;
            }
            ("RCPT", Mood::Busy) => b"451 4.3.2 try again later\r\n",
            ("RCPT", Mood::Refusing) => b"550 5.1.1 no such user\r\n",
            ("DATA", _) => {
                write.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await.ok()?.filter(|line| line != ".") {
                    mail.push_str(&line);
                    mail.push_str("\r\n");
                }
                mails.lock().expect("not poisoned").push(mail);
                if now == Mood::Cutting {
                    return None;
                }
                b"250 2.0.0 taken\r\n"
            }
            ("QUIT", _) => {
                write.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        write.write_all(reply).await.ok()?;
    }
    None
}
