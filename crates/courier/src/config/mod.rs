//! The `courier` section of the configuration: the keys of Kratos, and what they resolve to.

mod resolve;
mod templates;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use orrery_core::GoDuration;
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub(crate) use resolve::error;
pub use resolve::{ConfigError, CourierSettings};
pub use templates::TemplatesConfig;

/// How messages are made and sent.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CourierConfig {
    /// The mail server.
    pub smtp: SmtpConfig,
    /// What mail is sent with.
    pub delivery_strategy: DeliveryStrategy,
    /// The HTTP mail service, when `delivery_strategy` is `http`.
    pub http: Option<HttpConfig>,
    /// Further channels; `sms` is needed for text messages.
    pub channels: Vec<ChannelConfig>,
    /// How often a failed message is tried again before it is abandoned.
    pub message_retries: u32,
    /// The delivery worker.
    pub worker: WorkerConfig,
    /// A directory of templates that replace the built-in ones, laid out as Kratos expects it.
    pub template_override_path: Option<String>,
    /// Single templates that replace the built-in ones.
    pub templates: TemplatesConfig,
    /// The language of messages to people whose language is not known.
    pub default_locale: String,
    /// What a text message calls itself in `type` of the admin API.
    pub sms_message_type: SmsType,
    /// How long messages stay readable for operators, and then they are removed.
    #[schemars(with = "String")]
    pub message_retention: GoDuration,
}

impl Default for CourierConfig {
    fn default() -> Self {
        Self {
            smtp: SmtpConfig::default(),
            delivery_strategy: DeliveryStrategy::default(),
            http: None,
            channels: Vec::new(),
            message_retries: 5,
            worker: WorkerConfig::default(),
            template_override_path: None,
            templates: TemplatesConfig::default(),
            default_locale: "en".to_owned(),
            sms_message_type: SmsType::default(),
            message_retention: GoDuration(Duration::from_secs(30 * 24 * 60 * 60)),
        }
    }
}

impl CourierConfig {
    /// Whether any message goes to an HTTP service.
    #[must_use]
    pub fn speaks_http(&self) -> bool {
        self.delivery_strategy == DeliveryStrategy::Http || !self.channels.is_empty()
    }
}

/// What mail is sent with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStrategy {
    /// A mail server.
    #[default]
    Smtp,
    /// An HTTP mail service.
    Http,
    /// Nothing: messages only appear in the development inbox.
    Inbox,
}

/// What a text message calls itself in `type` of the admin API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SmsType {
    /// As the contracts say, and typed clients insist.
    #[default]
    Phone,
    /// As Kratos writes.
    Sms,
}

impl SmsType {
    /// The word in the admin API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Sms => "sms",
        }
    }
}

/// The mail server.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpConfig {
    /// `smtp://user:password@host:587/` (STARTTLS, mandatory unless `?disable_starttls=true`) or
    /// `smtps://user:password@host:465/`; further parameters: `skip_ssl_verify=true`, `server_name=…`.
    #[schemars(with = "Option<String>")]
    #[serde(serialize_with = "hide_optional")]
    pub connection_uri: Option<SecretString>,
    /// The sender's address.
    pub from_address: String,
    /// The sender's name.
    pub from_name: Option<String>,
    /// Further header fields of every mail.
    pub headers: BTreeMap<String, String>,
    /// The name that this server gives itself in the SMTP greeting.
    pub local_name: String,
    /// A PEM file with the client certificate.
    pub client_cert_path: String,
    /// A PEM file with its key.
    pub client_key_path: String,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            connection_uri: None,
            from_address: "no-reply@localhost".to_owned(),
            from_name: None,
            headers: BTreeMap::new(),
            local_name: "localhost".to_owned(),
            client_cert_path: String::new(),
            client_key_path: String::new(),
        }
    }
}

/// The HTTP mail service.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// How it is called.
    pub request_config: RequestConfig,
}

/// A channel beside mail.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// Which channel.
    pub id: ChannelId,
    /// What it is sent with.
    #[serde(rename = "type")]
    pub kind: ChannelType,
    /// How the service is called.
    pub request_config: RequestConfig,
}

/// A channel that can be configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelId {
    /// Text messages.
    Sms,
}

/// What a channel is sent with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelType {
    /// An HTTP service.
    Http,
}

/// How an HTTP service is called.
#[derive(Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestConfig {
    /// Where.
    #[serde(serialize_with = "hide_credentials")]
    pub url: url::Url,
    /// The HTTP method.
    #[serde(default = "post")]
    pub method: String,
    /// Further header fields.
    #[serde(default, serialize_with = "hide_values")]
    pub headers: BTreeMap<String, String>,
    /// The Jsonnet program that makes the body from `ctx`: `file://…`, `https://…` or `base64://…`. Without one `ctx`
    /// itself is sent. The body is JSON, or a form if a header `Content-Type` asks for one.
    #[serde(default)]
    pub body: Option<String>,
    /// How the call is authenticated.
    #[serde(default)]
    pub auth: Option<AuthConfig>,
}

impl fmt::Debug for RequestConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // URL and headers may authenticate the call.
        f.debug_struct("RequestConfig").field("method", &self.method).finish_non_exhaustive()
    }
}

fn post() -> String {
    "POST".to_owned()
}

/// How a call is authenticated.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(tag = "type", content = "config", rename_all = "snake_case")]
pub enum AuthConfig {
    /// HTTP basic authentication.
    BasicAuth(BasicAuthConfig),
    /// A fixed secret in a header or a cookie.
    ApiKey(ApiKeyConfig),
}

/// HTTP basic authentication.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuthConfig {
    /// The user.
    pub user: String,
    /// The password.
    #[schemars(with = "String")]
    #[serde(serialize_with = "hide")]
    pub password: SecretString,
}

/// A fixed secret in a header or a cookie.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyConfig {
    /// The name of the header or cookie.
    pub name: String,
    /// The secret.
    #[schemars(with = "String")]
    #[serde(serialize_with = "hide")]
    pub value: SecretString,
    /// Where it is sent.
    #[serde(rename = "in")]
    pub place: ApiKeyPlace,
}

/// Where an API key is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyPlace {
    /// In a header field.
    Header,
    /// In a cookie.
    Cookie,
}

/// The delivery worker.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// How many messages are claimed at once, and sent at the same time (at most 32).
    pub pull_count: u32,
    /// How long the worker waits when there is nothing to do; messages enqueued on the same node wake it at once.
    #[schemars(with = "String")]
    pub pull_wait: GoDuration,
    /// How long one attempt to deliver one message may take: from one second to one minute.
    #[schemars(with = "String")]
    pub attempt_timeout: GoDuration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            pull_count: 10,
            pull_wait: GoDuration(Duration::from_secs(1)),
            attempt_timeout: GoDuration(Duration::from_secs(30)),
        }
    }
}

#[cfg(test)]
mod tests;

/// What stands in the place of a secret when a configuration is shown.
const HIDDEN: &str = "<redacted>";

fn hide<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(HIDDEN)
}

fn hide_optional<S: Serializer>(secret: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| HIDDEN).serialize(serializer)
}

/// Headers of calls to services authenticate them, more often than not.
fn hide_values<S: Serializer>(headers: &BTreeMap<String, String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, HIDDEN)))
}

/// A URL up to its path: what comes before and after may authenticate.
#[must_use]
pub fn without_credentials(url: &url::Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

fn hide_credentials<S: Serializer>(url: &url::Url, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&without_credentials(url))
}
