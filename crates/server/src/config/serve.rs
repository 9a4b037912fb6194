//! `serve`: what the server listens on.

use std::path::PathBuf;

use ipnet::IpNet;
use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::value::{ByteSize, DurationText, Secret, seconds};

/// What the server listens on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Serve {
    /// The public listener: flows, pages, sessions, schemas, key sets.
    pub public: PublicListener,
    /// The admin listener: `/admin/…`, metrics. Open on loopback and on a Unix socket; anywhere else it needs
    /// `admin.tokens`.
    pub admin: AdminListener,
    /// Also listen on Ory's own ports (public 4433 and 4444, admin 4434 and 4445) on the hosts of the two
    /// listeners, so that Kratos and Hydra clients work with their default addresses.
    pub ory_ports: bool,
    /// Networks of the reverse proxies whose `X-Forwarded-For`, `-Host` and `-Proto` headers are believed.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// Threads that serve requests, for each listener. The number of processors when unset.
    pub workers: Option<usize>,
    /// Connections that one worker holds open at most; further ones wait.
    pub max_connections: usize,
    /// How long an idle connection stays open.
    #[schemars(with = "DurationText")]
    pub keep_alive: GoDuration,
    /// How long a client may take to send the head of a request.
    #[schemars(with = "DurationText")]
    pub client_timeout: GoDuration,
    /// How long readiness answers 503 after a stop signal while requests are still accepted, so that load balancers
    /// turn elsewhere first.
    #[schemars(with = "DurationText")]
    pub shutdown_delay: GoDuration,
    /// How long requests in flight may take after a stop signal.
    #[schemars(with = "DurationText")]
    pub shutdown_timeout: GoDuration,
    /// The largest request body; a larger one is answered 413.
    pub max_body: ByteSize,
}

impl Default for Serve {
    fn default() -> Self {
        Self {
            public: PublicListener::default(),
            admin: AdminListener::default(),
            ory_ports: false,
            trusted_proxies: Vec::new(),
            workers: None,
            max_connections: 25_000,
            keep_alive: seconds(75),
            client_timeout: seconds(10),
            shutdown_delay: seconds(3),
            shutdown_timeout: seconds(30),
            max_body: ByteSize(5 << 20),
        }
    }
}

impl Serve {
    /// The files that certificates and keys are read from.
    pub(crate) fn certificate_files(&self) -> Vec<PathBuf> {
        let tls = self.public.tls.iter().chain(&self.admin.tls);
        tls.flat_map(|tls| [&tls.cert, &tls.key]).filter_map(|pem| pem.path.clone()).collect()
    }
}

/// The listener that everybody may reach.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PublicListener {
    /// Address to listen on, or `unix:` and the path of a socket.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// The URL under which browsers reach this listener. From host and port when unset.
    pub base_url: Option<Url>,
    /// Who may use the Unix socket.
    pub socket: Socket,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Tls>,
    /// Cross-origin rules for pages on other origins.
    pub cors: Cors,
    /// What is logged about requests.
    pub request_log: RequestLog,
}

impl Default for PublicListener {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 4433,
            base_url: None,
            socket: Socket::default(),
            tls: None,
            cors: Cors::default(),
            request_log: RequestLog::default(),
        }
    }
}

/// The listener for operators and their services.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AdminListener {
    /// Address to listen on, or `unix:` and the path of a socket.
    pub host: String,
    /// Port to listen on; 0 takes a free one.
    pub port: u16,
    /// The URL under which operators reach this listener. From host and port when unset.
    pub base_url: Option<Url>,
    /// Who may use the Unix socket.
    pub socket: Socket,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Tls>,
    /// What is logged about requests.
    pub request_log: RequestLog,
}

impl Default for AdminListener {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 4434,
            base_url: None,
            socket: Socket::default(),
            tls: None,
            request_log: RequestLog::default(),
        }
    }
}

/// Permissions of a Unix socket.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Socket {
    /// Permission bits. In YAML `0o660` or 432; the owner and the group may connect by default.
    pub mode: u32,
}

impl Default for Socket {
    fn default() -> Self {
        Self { mode: 0o660 }
    }
}

/// A certificate chain and its private key. Both are read again when their files change.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain, leaf first.
    pub cert: Pem,
    /// The private key (PKCS#8, SEC1 or PKCS#1).
    pub key: Pem,
}

/// PEM text: in a file, or in the configuration as base64. Exactly one of the two.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Pem {
    /// Path of a PEM file.
    pub path: Option<PathBuf>,
    /// PEM text in base64.
    pub base64: Option<Secret>,
}

/// Cross-origin rules.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cors {
    /// Answer cross-origin requests at all.
    pub enabled: bool,
    /// Origins such as `https://app.example.com`; `https://*.example.com` for every direct subdomain,
    /// `https://pr-*.example.com` for those with that beginning, `https://*` for every origin with TLS; `*` for all,
    /// which browsers then refuse to combine with cookies. Where OAuth2 clients call, their own `allowed_cors_origins`
    /// are allowed besides; where browsers go (the authorization endpoint, the pages), nobody is.
    pub allowed_origins: Vec<String>,
    /// Methods that a page may use.
    pub allowed_methods: Vec<String>,
    /// Headers that a page may send.
    pub allowed_headers: Vec<String>,
    /// Headers that a page may read.
    pub exposed_headers: Vec<String>,
    /// Whether cookies are sent along. Ignored for the origin `*`.
    pub allow_credentials: bool,
    /// Seconds for which a browser may keep the answer to a preflight; 0 leaves it to the browser.
    pub max_age: u32,
}

impl Default for Cors {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|&item| item.to_owned()).collect();
        Self {
            enabled: false,
            allowed_origins: list(&["*"]),
            allowed_methods: list(&["POST", "GET", "PUT", "PATCH", "DELETE"]),
            allowed_headers: list(&[
                "Authorization",
                "Content-Type",
                "Max-Age",
                "X-Session-Token",
                "X-XSRF-TOKEN",
                "X-CSRF-TOKEN",
                "DPoP",
            ]),
            exposed_headers: list(&["Content-Type", "DPoP-Nonce", "WWW-Authenticate"]),
            allow_credentials: true,
            max_age: 0,
        }
    }
}

/// What is logged about requests.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestLog {
    /// Leave `/health/…` out of the access log.
    pub disable_for_health: bool,
}
