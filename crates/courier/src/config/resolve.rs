//! From configuration to what the courier works with: references loaded, contradictions named.

use std::sync::Arc;
use std::time::Duration;

use super::{ChannelId, CourierConfig, DeliveryStrategy, RequestConfig};
use crate::compose::{ComposerSettings, TemplateFile};
use crate::deliver::{HttpSettings, SmtpSettings, TransportSettings};

/// Where the service that sends mail is configured, and the one that sends text messages.
const HTTP: &str = "http.request_config";
const SMS: &str = "channels.sms.request_config";

/// A value that cannot be used, under which key, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("courier.{key}: {reason}")]
pub struct ConfigError {
    /// The key below `courier`.
    pub key: String,
    /// What is wrong and what to do.
    pub reason: String,
}

/// Everything that the courier is built from.
#[derive(Debug)]
pub struct CourierSettings {
    /// For the composer.
    pub composer: ComposerSettings,
    /// Overrides given by reference; those of the override directory go before them.
    pub templates: Vec<TemplateFile>,
    /// For mail; none when nothing is configured, and then mail is retried and abandoned.
    pub email: Option<TransportSettings>,
    /// For text messages; none when nothing is configured.
    pub sms: Option<TransportSettings>,
    /// Attempts after the first.
    pub message_retries: u32,
    /// Messages claimed, and sent, at once: from 1 to 1000.
    pub pull_count: u32,
    /// Idle time between looks at the queue: at least ten milliseconds.
    pub pull_wait: Duration,
    /// Longest attempt: from one second to one minute, well below the lease.
    pub attempt_timeout: Duration,
}

impl CourierSettings {
    /// The Jsonnet programs that make bodies, with the keys that name them.
    pub fn programs(&self) -> impl Iterator<Item = (String, &Arc<str>)> {
        [(HTTP, &self.email), (SMS, &self.sms)].into_iter().filter_map(|(key, transport)| match transport {
            Some(TransportSettings::Http(http)) => Some((format!("courier.{key}.body"), http.program()?)),
            Some(TransportSettings::Smtp(_) | TransportSettings::Inbox) | None => None,
        })
    }
}

impl CourierConfig {
    /// Checks the section and loads what it refers to. `load` answers a `file://`, `http(s)://` or `base64://`
    /// reference with its content or a reason; `site` is the public host, for texts without a sender's name.
    ///
    /// # Errors
    /// The first value that cannot be used.
    pub fn resolve(
        &self,
        site: &str,
        mut load: impl FnMut(&str) -> Result<Vec<u8>, String>,
    ) -> Result<CourierSettings, ConfigError> {
        let mut text = |key: &str, reference: &str| {
            let bytes = load(reference).map_err(|reason| error(key, reason))?;
            String::from_utf8(bytes).map_err(|_| error(key, "the file is not UTF-8 text"))
        };
        let mut templates = Vec::new();
        for (path, reference) in self.templates.references() {
            templates.push(TemplateFile { content: text("templates", reference)?, path });
        }
        let email = match self.delivery_strategy {
            DeliveryStrategy::Inbox => Some(TransportSettings::Inbox),
            DeliveryStrategy::Http => {
                let http = self
                    .http
                    .as_ref()
                    .ok_or_else(|| error(HTTP, "is needed because courier.delivery_strategy is http"))?;
                Some(TransportSettings::Http(http_settings(HTTP, &http.request_config, &mut text)?))
            }
            DeliveryStrategy::Smtp => match &self.smtp.connection_uri {
                None => None,
                Some(uri) => Some(TransportSettings::Smtp(SmtpSettings::new(uri, &self.smtp, &mut text)?)),
            },
        };
        let mut sms = (self.delivery_strategy == DeliveryStrategy::Inbox).then_some(TransportSettings::Inbox);
        for channel in &self.channels {
            match channel.id {
                ChannelId::Sms => {
                    let settings = http_settings(SMS, &channel.request_config, &mut text)?;
                    sms = Some(TransportSettings::Http(settings));
                }
            }
        }
        if !(1..=1_000).contains(&self.worker.pull_count) {
            return Err(error("worker.pull_count", "must be between 1 and 1000"));
        }
        if self.worker.pull_wait.0 < Duration::from_millis(10) {
            return Err(error("worker.pull_wait", "must be at least 10ms"));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(60)).contains(&self.worker.attempt_timeout.0) {
            return Err(error("worker.attempt_timeout", "must be between 1s and 1m"));
        }
        Ok(CourierSettings {
            composer: ComposerSettings {
                site_name: self.smtp.from_name.clone().unwrap_or_else(|| site.to_owned()),
                default_locale: self.default_locale.clone(),
                retention: self.message_retention.0,
            },
            templates,
            email,
            sms,
            message_retries: self.message_retries,
            pull_count: self.worker.pull_count,
            pull_wait: self.worker.pull_wait.0,
            attempt_timeout: self.worker.attempt_timeout.0,
        })
    }
}

type LoadText<'a> = dyn FnMut(&str, &str) -> Result<String, ConfigError> + 'a;

fn http_settings(key: &str, config: &RequestConfig, load: &mut LoadText<'_>) -> Result<HttpSettings, ConfigError> {
    let body = config.body.as_ref().map(|reference| load(&format!("{key}.body"), reference)).transpose()?;
    HttpSettings::new(config, body).map_err(|reason| error(key, reason))
}

pub(crate) fn error(key: &str, reason: impl Into<String>) -> ConfigError {
    ConfigError { key: key.to_owned(), reason: reason.into() }
}
