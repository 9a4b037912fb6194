//! `identity.courier`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use orrery_core::GoDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Headers;
use crate::config::value::{DurationText, Secret, SecretUrl, seconds};

/// Outgoing messages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Courier {
    /// How mail leaves. The inbox page with `--dev`, SMTP otherwise, when unset.
    pub delivery_strategy: Option<DeliveryStrategy>,
    /// Mail by SMTP.
    pub smtp: Smtp,
    /// Mail by HTTP.
    pub http: HttpChannel,
    /// Further channels: `sms` by HTTP.
    pub channels: Vec<Channel>,
    /// Attempts after the first before a message is given up.
    pub message_retries: u32,
    /// The worker that delivers.
    pub worker: Worker,
    /// Folder with templates that replace the built-in ones.
    pub template_override_path: Option<PathBuf>,
    /// Templates that replace the built-in ones, by type: `file://`, `https://` or `base64://` addresses.
    pub templates: BTreeMap<String, serde_json::Value>,
}

impl Default for Courier {
    fn default() -> Self {
        Self {
            delivery_strategy: None,
            smtp: Smtp::default(),
            http: HttpChannel::default(),
            channels: Vec::new(),
            message_retries: 5,
            worker: Worker::default(),
            template_override_path: None,
            templates: BTreeMap::new(),
        }
    }
}

/// How mail leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStrategy {
    /// To a mail server.
    Smtp,
    /// To an HTTP service.
    Http,
    /// Nowhere: the inbox page shows it. Only with `--dev`, because everybody can read that page.
    Inbox,
}

/// Mail by SMTP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Smtp {
    /// `smtp://user:password@host:587/` (STARTTLS unless `?disable_starttls=true`) or `smtps://…`; further
    /// parameters `skip_ssl_verify` and `server_name`.
    pub connection_uri: Option<SecretUrl>,
    /// The sender's address.
    pub from_address: String,
    /// The sender's name.
    pub from_name: String,
    /// Further header lines.
    pub headers: Headers,
    /// The name in the greeting.
    pub local_name: String,
    /// Certificate to authenticate with, PEM.
    pub client_cert_path: Option<PathBuf>,
    /// Its private key, PEM.
    pub client_key_path: Option<PathBuf>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            connection_uri: None,
            from_address: "no-reply@localhost".to_owned(),
            from_name: String::new(),
            headers: Headers::new(),
            local_name: "localhost".to_owned(),
            client_cert_path: None,
            client_key_path: None,
        }
    }
}

/// Messages by HTTP.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpChannel {
    /// The request that delivers a message.
    pub request_config: Option<RequestConfig>,
}

/// A further channel.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// `sms` or `email`.
    pub id: String,
    /// How it delivers; only `http`.
    #[serde(rename = "type", default)]
    pub kind: ChannelKind,
    /// The request that delivers a message.
    pub request_config: RequestConfig,
}

/// How a channel delivers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// By an HTTP request.
    #[default]
    Http,
}

/// The request that delivers a message.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestConfig {
    /// Where to.
    pub url: SecretUrl,
    /// Method.
    #[serde(default = "post")]
    pub method: String,
    /// Header lines.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Template of the body: `file://`, `https://` or `base64://`. A JSON object with everything when unset.
    pub body: Option<String>,
    /// How to authenticate.
    pub auth: Option<RequestAuth>,
}

fn post() -> String {
    "POST".to_owned()
}

/// How a request authenticates.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "config", rename_all = "snake_case", deny_unknown_fields)]
pub enum RequestAuth {
    /// HTTP Basic.
    BasicAuth {
        /// User.
        user: String,
        /// Password.
        password: Secret,
    },
    /// A key in a header or a cookie.
    ApiKey {
        /// Name of the header or cookie.
        name: String,
        /// The key.
        value: Secret,
        /// Where it goes.
        #[serde(rename = "in")]
        place: ApiKeyPlace,
    },
}

/// Where an API key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyPlace {
    /// A header.
    Header,
    /// A cookie.
    Cookie,
}

/// The worker that delivers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Worker {
    /// Messages taken at once.
    pub pull_count: u32,
    /// The pause when there is nothing to do.
    #[schemars(with = "DurationText")]
    pub pull_wait: GoDuration,
}

impl Default for Worker {
    fn default() -> Self {
        Self { pull_count: 10, pull_wait: seconds(1) }
    }
}
