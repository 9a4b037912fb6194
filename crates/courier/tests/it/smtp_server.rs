//! The smallest mail server that a client can talk to, and that can fail on demand.

use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

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

/// How the server encrypts.
#[derive(Clone)]
pub(crate) enum Encryption {
    Never,
    /// From the first byte.
    Wrapper(Arc<ServerConfig>),
    /// After STARTTLS, and takes no mail before.
    StartTls(Arc<ServerConfig>),
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
        Self::encrypting(mood, Encryption::Never).await
    }

    pub(crate) async fn encrypting(mood: Mood, encryption: Encryption) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Self {
            port: listener.local_addr().expect("bound").port(),
            mails: Arc::default(),
            mood: Arc::new(Mutex::new(mood)),
            hang_up: Arc::default(),
        };
        let desk = Desk {
            mails: Arc::clone(&server.mails),
            mood: Arc::clone(&server.mood),
            hang_up: Arc::clone(&server.hang_up),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, encryption.clone(), desk.clone()));
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

/// What all conversations share.
#[derive(Clone)]
struct Desk {
    mails: Arc<Mutex<Vec<String>>>,
    mood: Arc<Mutex<Mood>>,
    hang_up: Arc<Notify>,
}

async fn receive(mut stream: TcpStream, encryption: Encryption, desk: Desk) -> Option<()> {
    match encryption {
        Encryption::Never => {
            stream.write_all(b"220 test ESMTP\r\n").await.ok()?;
            converse(stream, desk).await
        }
        Encryption::Wrapper(config) => {
            let mut stream = TlsAcceptor::from(config).accept(stream).await.ok()?;
            stream.write_all(b"220 test ESMTP\r\n").await.ok()?;
            converse(stream, desk).await
        }
        Encryption::StartTls(config) => {
            stream.write_all(b"220 test ESMTP\r\n").await.ok()?;
            until_encrypted(&mut stream).await?;
            converse(TlsAcceptor::from(config).accept(stream).await.ok()?, desk).await
        }
    }
}

/// Nothing but STARTTLS leads on.
async fn until_encrypted(stream: &mut TcpStream) -> Option<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.ok()? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => write.write_all(b"250-test\r\n250-STARTTLS\r\n250 8BITMIME\r\n").await.ok()?,
            "STARTTLS" => return write.write_all(b"220 go ahead\r\n").await.ok(),
            "QUIT" => return None,
            _ => write.write_all(b"530 5.7.0 Must issue a STARTTLS command first\r\n").await.ok()?,
        }
    }
    None
}

async fn converse(stream: impl AsyncRead + AsyncWrite, desk: Desk) -> Option<()> {
    let Desk { mails, mood, hang_up } = desk;
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
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
