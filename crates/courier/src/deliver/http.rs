//! Mail and text messages through an HTTP service.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use minijinja::{AutoEscape, Environment, context};
use orrery_core::outbound::{OutboundClient, OutboundError, OutboundRequest, Trust};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::{Failure, Outgoing};
use crate::compose::trusted;
use crate::config::{ApiKeyPlace, AuthConfig, RequestConfig};

/// What an answer may have; only its status matters.
const MAX_RESPONSE: usize = 64 * 1024;
/// Steps that a body template may take.
const FUEL: u64 = 200_000;
/// The one template of a channel.
const BODY: &str = "body.json";

/// How the service is called.
#[derive(Debug)]
pub struct HttpSettings {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    secret_header: Option<(String, SecretString)>,
    body: Option<Environment<'static>>,
}

impl HttpSettings {
    /// Checks a request's configuration; `body` is the source of its template.
    pub(crate) fn new(config: &RequestConfig, body: Option<String>) -> Result<Self, String> {
        if !matches!(config.url.scheme(), "http" | "https") {
            return Err("url must begin with http:// or https://".to_owned());
        }
        let method = config.method.to_ascii_uppercase();
        if !matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "GET") {
            return Err("method must be POST, PUT, PATCH or GET".to_owned());
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in &config.headers {
            check_header(name, value)?;
            headers.push((name.clone(), value.clone()));
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        let secret_header = config.auth.as_ref().map(secret_header).transpose()?;
        Ok(Self { method, url: config.url.to_string(), headers, secret_header, body: body.map(template).transpose()? })
    }
}

/// The authentication as a header.
fn secret_header(auth: &AuthConfig) -> Result<(String, SecretString), String> {
    match auth {
        AuthConfig::BasicAuth(basic) => {
            let credentials = format!("{}:{}", basic.user, basic.password.expose_secret());
            let value = format!("Basic {}", BASE64_STANDARD.encode(credentials));
            Ok(("Authorization".to_owned(), value.into()))
        }
        AuthConfig::ApiKey(key) => {
            check_header(&key.name, key.value.expose_secret())?;
            Ok(match key.place {
                ApiKeyPlace::Header => (key.name.clone(), key.value.clone()),
                ApiKeyPlace::Cookie => {
                    ("Cookie".to_owned(), format!("{}={}", key.name, key.value.expose_secret()).into())
                }
            })
        }
    }
}

/// RFC 9110, 5.1 and 5.5; the value is not repeated, it may be a secret.
fn check_header(name: &str, value: &str) -> Result<(), String> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{name:?} is not the name of a header"));
    }
    if value.chars().any(char::is_control) {
        return Err(format!("the value of the header {name} has control characters"));
    }
    Ok(())
}

/// A template whose values are escaped as JSON.
fn template(source: String) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Json);
    environment.set_fuel(Some(FUEL));
    environment
        .add_template_owned(BODY, source)
        .map_err(|error| format!("body, line {}: {}", error.line().unwrap_or(1), error.kind()))?;
    Ok(environment)
}

pub(super) struct HttpTransport {
    settings: HttpSettings,
    timeout: Duration,
    client: Arc<dyn OutboundClient>,
}

impl HttpTransport {
    pub(super) fn new(settings: HttpSettings, timeout: Duration, client: Arc<dyn OutboundClient>) -> Self {
        Self { settings, timeout, client }
    }

    /// Any 2xx is success. Everything else is tried again: a refusal is more often a matter of the service's
    /// configuration than of the message.
    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<(), Failure> {
        let context = body_context(outgoing);
        let body = match &self.settings.body {
            None => context.to_string(),
            Some(environment) => render(environment, &context)?,
        };
        let mut headers = self.settings.headers.clone();
        // The same for every attempt, so that a service can recognise a message that it has taken already.
        headers.push(("Idempotency-Key".to_owned(), outgoing.message.id.to_string()));
        if let Some((name, value)) = &self.settings.secret_header {
            headers.push((name.clone(), value.expose_secret().to_owned()));
        }
        let request = OutboundRequest {
            method: self.settings.method.clone(),
            url: self.settings.url.clone(),
            headers,
            body: body.into_bytes(),
            trust: Trust::Operator,
            timeout: self.timeout,
            max_response_bytes: MAX_RESPONSE,
        };
        match self.client.send(request).await {
            Ok(response) if (200..300).contains(&response.status) => Ok(()),
            Ok(response) => Err(Failure::temporary(format!("the service answered with status {}", response.status))),
            // The service has answered, and at length: only its status is of interest, and that is lost.
            Err(error @ OutboundError::TooLarge) => Err(Failure::temporary(error.to_string())),
            Err(error @ (OutboundError::Refused | OutboundError::Timeout | OutboundError::Failed(_))) => {
                Err(Failure::temporary(error.to_string()))
            }
        }
    }
}

/// What Kratos calls `ctx`.
fn body_context(outgoing: &Outgoing<'_>) -> Json {
    let (message, content) = (outgoing.message, outgoing.content);
    let mut context = json!({
        "recipient": message.recipient,
        "subject": content.subject,
        "body": content.text,
        "template_type": message.template_type.as_str(),
        "template_data": content.template_data,
        "message_type": message.channel.as_str(),
        "message_id": message.id,
    });
    if let Some(html) = &content.html {
        context["html_body"] = json!(html);
    }
    context
}

/// A body that is not JSON will not become JSON by trying again.
fn render(environment: &Environment<'static>, context: &Json) -> Result<String, Failure> {
    let rendered = environment
        .get_template(BODY)
        .and_then(|template| template.render(context! { ctx => trusted(context) }))
        .map_err(|error| Failure::permanent(format!("the body template failed: {}", error.kind())))?;
    match serde_json::from_str::<serde::de::IgnoredAny>(&rendered) {
        Ok(_) => Ok(rendered),
        Err(_) => Err(Failure::permanent("the body template did not render JSON")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_break_out_of_a_json_body() {
        let environment =
            template("{\"to\": {{ ctx.recipient }}, \"text\": {{ ctx.body }}}".to_owned()).expect("valid");
        let hostile = "x\", \"admin\": true, \"y\": \"\n\\";
        let rendered = render(&environment, &json!({"recipient": "+4915112345678", "body": hostile})).expect("renders");
        let read: Json = serde_json::from_str(&rendered).expect("JSON");
        assert_eq!(read, json!({"to": "+4915112345678", "text": hostile}));
    }

    #[test]
    fn a_body_that_is_not_json_or_runs_wild_is_a_permanent_failure() {
        for source in
            ["to={{ ctx.recipient }}", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"]
        {
            let environment = template(source.to_owned()).expect("valid");
            let failure = render(&environment, &json!({"recipient": "x"})).expect_err("refused");
            assert_eq!(failure.kind, super::super::FailureKind::Permanent);
        }
    }
}
