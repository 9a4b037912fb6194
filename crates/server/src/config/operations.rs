//! The small sections that operators set: `secrets`, `log`, `tracing`, `admin`, `limits`, `outbound`, `outbox`, `ui`.

use std::collections::BTreeMap;

use ipnet::IpNet;
use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use super::value::{ByteSize, DurationText, Secret, SecretUrl, seconds};

/// The secrets from which every key is derived, separately for each purpose.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// At least one of 16 characters or more. The first hashes and encrypts, all verify and decrypt: rotate by
    /// putting a new one in front.
    pub default: Vec<Secret>,
}

/// What is written to standard error.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much: a level, or directives such as `info,orrery_courier=debug`.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
}

/// A level or filter directives, as `tracing` understands them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LogLevel(pub String);

impl Default for LogLevel {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object on each line.
    Json,
}

/// OpenTelemetry traces.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tracing {
    /// Base URL of an OTLP/HTTP collector, such as `http://localhost:4318`. No traces when unset.
    pub endpoint: Option<SecretUrl>,
    /// `service.name` of the traces.
    pub service_name: String,
    /// Share of requests that are traced, from 0 to 1.
    pub sampling_ratio: f64,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { endpoint: None, service_name: "orrery".to_owned(), sampling_ratio: 1.0 }
    }
}

/// Access to the admin listener.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Admin {
    /// Tokens for `Authorization: Bearer …`, at least 32 characters each. Needed, and checked, when the admin
    /// listener binds anything but loopback or a Unix socket; when given, they are checked there too.
    pub tokens: Vec<Secret>,
}

/// Bounds for what one address or account may do. A request above them is answered 429 with `Retry-After`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Submits of self-service flows from one client address, or one IPv6 /64 network, per minute; 0 for no bound.
    pub submits_per_minute: u32,
    /// Self-service flows begun from one client address or network per minute; 0 for no bound.
    pub flows_per_minute: u32,
    /// Failures to authenticate as one OAuth2 client from one client address or network per minute, before that client is not
    /// heard from there for a moment; 0 for no bound.
    pub failed_client_authentications_per_minute: u32,
    /// OAuth2 clients that register themselves from one client address or network per minute; 0 for no bound.
    pub registrations_per_minute: u32,
    /// Failed attempts on one account, over every door to it, before it is closed for a while.
    pub failed_attempts: u32,
    /// Failures older than this do not count.
    #[schemars(with = "DurationText")]
    pub attempt_window: GoDuration,
    /// How long a closed account stays closed.
    #[schemars(with = "DurationText")]
    pub lockout: GoDuration,
    /// Password hashes computed at the same time. The number of processors when unset.
    pub hash_workers: Option<usize>,
    /// Password hashes that may wait; further callers are asked to come back.
    pub hash_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            submits_per_minute: 60,
            flows_per_minute: 120,
            failed_client_authentications_per_minute: 30,
            registrations_per_minute: 10,
            failed_attempts: 10,
            attempt_window: seconds(15 * 60),
            lockout: seconds(15 * 60),
            hash_workers: None,
            hash_queue: 256,
        }
    }
}

/// Calls to other servers (webhooks, schemas, HTTP mail and SMS).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// Networks that URLs chosen by callers may reach although they are private.
    #[schemars(with = "Vec<String>")]
    pub allowed_networks: Vec<IpNet>,
    /// The longest that any call may take.
    #[schemars(with = "DurationText")]
    pub timeout: GoDuration,
    /// The largest answer that is read.
    pub max_response: ByteSize,
}

impl Default for Outbound {
    fn default() -> Self {
        Self { allowed_networks: Vec::new(), timeout: seconds(30), max_response: ByteSize(5 << 20) }
    }
}

/// The outbox: calls that are owed to other servers because something happened (webhooks that nobody waits for).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// How often a failed call is repeated, at growing intervals, before the event is given up.
    pub retries: u32,
    /// How long events stay readable for administrators, and then they are removed.
    #[schemars(with = "DurationText")]
    pub retention: GoDuration,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { retries: 8, retention: seconds(7 * 24 * 3600) }
    }
}

/// The built-in pages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// The name at the top of every page.
    pub name: String,
    /// A logo instead of the built-in mark.
    pub logo_url: Option<Url>,
    /// CSS variables of the theme and their values, such as `accent: "#0a5"`.
    pub theme: BTreeMap<String, String>,
}

impl Default for Ui {
    fn default() -> Self {
        Self { name: "Orrery".to_owned(), logo_url: None, theme: BTreeMap::new() }
    }
}
