//! Mail through a mail server.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Identity, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error as SmtpError, PoolConfig};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Failure, Outgoing};
use crate::config::{ConfigError, SmtpConfig, error};

/// Connections kept open to the server, and for how long without use.
const POOL_SIZE: u32 = 10;
const POOL_IDLE: Duration = Duration::from_secs(60);
/// Connecting takes no longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Pool = AsyncSmtpTransport<Tokio1Executor>;

/// The server and what every mail carries.
#[derive(Clone)]
pub struct SmtpSettings {
    server: AsyncSmtpTransportBuilder,
    from: Mailbox,
    headers: Vec<HeaderValue>,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpSettings(…)")
    }
}

impl SmtpSettings {
    /// Checks the server's address and the sender; `load` reads the client certificate.
    pub(crate) fn new(
        uri: &SecretString,
        config: &SmtpConfig,
        load: &mut dyn FnMut(&str, &str) -> Result<String, ConfigError>,
    ) -> Result<Self, ConfigError> {
        // The reasons never repeat the address: it holds the password.
        let wrong = |reason: &str| error("smtp.connection_uri", reason);
        let uri = Url::parse(uri.expose_secret()).map_err(|_| wrong("is not a URL such as smtp://host:587/"))?;
        // An IPv6 address has brackets in a URL only.
        let host = uri.host_str().ok_or_else(|| wrong("names no host"))?.trim_matches(['[', ']']);
        let options = Options::parse(&uri).map_err(|reason| wrong(&reason))?;
        let identity = client_identity(config, load)?;
        let tls = || {
            let mut tls = TlsParameters::builder(options.server_name.clone().unwrap_or_else(|| host.to_owned()))
                .dangerous_accept_invalid_certs(options.skip_ssl_verify)
                .dangerous_accept_invalid_hostnames(options.skip_ssl_verify);
            if let Some(identity) = &identity {
                tls = tls.identify_with(identity.clone());
            }
            tls.build().map_err(|problem| wrong(&format!("TLS cannot be set up: {problem}")))
        };
        let (port, tls) = match uri.scheme() {
            "smtps" => (465, Tls::Wrapper(tls()?)),
            "smtp" if options.disable_starttls => (25, Tls::None),
            "smtp" => (587, Tls::Required(tls()?)),
            _ => return Err(wrong("must begin with smtp:// or smtps://")),
        };
        let mut server = Pool::builder_dangerous(host)
            .port(uri.port().unwrap_or(port))
            .tls(tls)
            .hello_name(ClientId::Domain(config.local_name.clone()))
            .timeout(Some(CONNECT_TIMEOUT))
            .pool_config(PoolConfig::new().max_size(POOL_SIZE).idle_timeout(POOL_IDLE));
        if !uri.username().is_empty() {
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let password = decode(uri.password().unwrap_or_default());
            server = server.credentials(Credentials::new(decode(uri.username()), password));
        }
        let address: Address = config
            .from_address
            .parse()
            .map_err(|_| error("smtp.from_address", "is not a mail address such as no-reply@example.com"))?;
        if config.from_name.as_deref().is_some_and(|name| name.contains(char::is_control)) {
            return Err(error("smtp.from_name", "has control characters"));
        }
        let headers = config.headers.iter().map(header).collect::<Result<_, _>>()?;
        Ok(Self { server, from: Mailbox::new(config.from_name.clone(), address), headers })
    }
}

/// The parameters of the connection URI.
#[derive(Default)]
struct Options {
    disable_starttls: bool,
    skip_ssl_verify: bool,
    server_name: Option<String>,
}

impl Options {
    fn parse(uri: &Url) -> Result<Self, String> {
        let mut options = Self::default();
        for (name, value) in uri.query_pairs() {
            let flag = || match value.as_ref() {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(format!("the parameter {name} must be true or false")),
            };
            match name.as_ref() {
                "disable_starttls" => options.disable_starttls = flag()?,
                "skip_ssl_verify" => options.skip_ssl_verify = flag()?,
                "server_name" => options.server_name = Some(value.into_owned()),
                // Old Kratos files carry it; the scheme has said the same since.
                "legacy_ssl" => {}
                _ => {
                    return Err(format!(
                        "the parameter {name} is not known; there are disable_starttls, skip_ssl_verify and server_name"
                    ));
                }
            }
        }
        Ok(options)
    }
}

fn client_identity(
    config: &SmtpConfig,
    load: &mut dyn FnMut(&str, &str) -> Result<String, ConfigError>,
) -> Result<Option<Identity>, ConfigError> {
    match (config.client_cert_path.as_str(), config.client_key_path.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => {
            Err(error("smtp.client_cert_path", "client_cert_path and client_key_path belong together"))
        }
        (certificate, key) => {
            let certificate = load("smtp.client_cert_path", &format!("file://{certificate}"))?;
            let key = load("smtp.client_key_path", &format!("file://{key}"))?;
            let certificate = CertificateDer::pem_slice_iter(certificate.as_bytes())
                .next()
                .and_then(Result::ok)
                .ok_or_else(|| error("smtp.client_cert_path", "holds no PEM certificate"))?;
            // lettre 0.11 takes the bytes of the certificate as DER, whatever the name of the function says.
            Identity::from_pem(&certificate, key.as_bytes())
                .map(Some)
                .map_err(|_| error("smtp.client_key_path", "holds no PEM private key"))
        }
    }
}

/// Fields that every mail has already, and that must not be doubled.
const OWN_HEADERS: [&str; 9] =
    ["from", "to", "cc", "bcc", "subject", "date", "message-id", "mime-version", "content-type"];

fn header((name, value): (&String, &String)) -> Result<HeaderValue, ConfigError> {
    let wrong = |reason| error(&format!("smtp.headers.{name}"), reason);
    if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(wrong("is set by the courier itself"));
    }
    if value.contains(char::is_control) {
        return Err(wrong("has control characters"));
    }
    let name = HeaderName::new_from_ascii(name.clone()).map_err(|_| wrong("is not the name of a header"))?;
    Ok(HeaderValue::new(name, value.clone()))
}

pub(super) struct SmtpTransport {
    settings: SmtpSettings,
    timeout: Duration,
    pool: Mutex<Pool>,
}

impl SmtpTransport {
    /// Needs a running tokio runtime: the pool tends its connections from a task.
    pub(super) fn new(settings: SmtpSettings, timeout: Duration) -> Self {
        Self { pool: Mutex::new(settings.server.clone().build()), timeout, settings }
    }

    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<(), Failure> {
        let mail = self.mail(outgoing).map_err(|error| Failure::permanent(error.to_string()))?;
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match tokio::time::timeout(self.timeout, pool.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => {
                // The pool takes an interrupted connection back, although half a mail may stand in it: give up on
                // the whole pool. Attempts under way finish; their connections are closed afterwards.
                let fresh = self.settings.server.clone().build();
                let stale = std::mem::replace(&mut *self.pool.lock().unwrap_or_else(PoisonError::into_inner), fresh);
                stale.shutdown().await;
                Err(Failure::temporary("the mail server did not answer in time"))
            }
        }
    }

    fn mail(&self, outgoing: &Outgoing<'_>) -> Result<Mail, Box<dyn std::error::Error + Send + Sync>> {
        let (message, content, from) = (outgoing.message, outgoing.content, &self.settings.from);
        let sent_at = u64::try_from(message.created_at.as_micros()).unwrap_or_default();
        let mut builder = Mail::builder()
            .from(from.clone())
            .to(Mailbox::new(None, message.recipient.parse()?))
            .subject(content.subject.clone())
            .date(SystemTime::UNIX_EPOCH + Duration::from_micros(sent_at))
            // The same for every attempt: should a node die between sending and recording, the duplicate shows.
            .message_id(Some(format!("<{}@{}>", message.id, from.email.domain())))
            // RFC 3834, 5: keeps holiday replies away.
            .raw_header(fixed_header("Auto-Submitted", "auto-generated"))
            .raw_header(fixed_header("Content-Language", &content.locale));
        for header in &self.settings.headers {
            builder = builder.raw_header(header.clone());
        }
        Ok(match &content.html {
            Some(html) => builder.multipart(MultiPart::alternative_plain_html(content.text.clone(), html.clone()))?,
            None => builder.body(content.text.clone())?,
        })
    }
}

fn fixed_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

/// 5xx is about the message and final, except where the server refuses this client rather than the message.
fn failure(error: &SmtpError) -> Failure {
    let reason = error
        .status()
        .map_or_else(|| describe(error), |code| format!("the mail server answered {code}: {}", describe(error)));
    let refuses_client = error.status().is_some_and(|code| {
        // RFC 4954, 6 and RFC 7504: authentication required, failed or too weak; host accepts no mail.
        matches!(u16::from(code), 521 | 530 | 534 | 535 | 538)
    });
    if error.is_permanent() && !refuses_client { Failure::permanent(reason) } else { Failure::temporary(reason) }
}

/// The error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
