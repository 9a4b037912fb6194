//! Mail and text messages through an HTTP service.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use orrery_core::jsonnet::{Jsonnet, JsonnetError, Program};
use orrery_core::outbound::{OutboundClient, OutboundRequest, Trust};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value as Json, json};
use tokio::sync::Mutex;

use super::{Failure, Outgoing};
use crate::call;
use crate::config::{AuthConfig, RequestConfig, without_credentials};

/// What an answer may have; only its status matters.
const MAX_RESPONSE: usize = 64 * 1024;

/// How the service is called.
pub struct HttpSettings {
    method: String,
    url: url::Url,
    headers: Vec<(String, String)>,
    secret_header: Option<(String, SecretString)>,
    /// The source of the Jsonnet program that makes the body; without one everything is sent.
    body: Option<Arc<str>>,
}

// The rest of the URL, headers and program may hold secrets.
impl fmt::Debug for HttpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpSettings({} {})", self.method, without_credentials(&self.url))
    }
}

impl HttpSettings {
    /// Checks a request's configuration; `body` is the source of its program.
    pub(crate) fn new(config: &RequestConfig, body: Option<String>) -> Result<Self, String> {
        if !matches!(config.url.scheme(), "http" | "https") {
            return Err("url must begin with http:// or https://".to_owned());
        }
        let method = config.method.to_ascii_uppercase();
        if !matches!(method.as_str(), "POST" | "PUT" | "PATCH" | "GET") {
            return Err("method must be POST, PUT, PATCH or GET".to_owned());
        }
        for (name, value) in &config.headers {
            call::check_header(name, value)?;
        }
        Ok(Self {
            method,
            url: config.url.clone(),
            headers: config.headers.clone().into_iter().collect(),
            secret_header: config.auth.as_ref().map(AuthConfig::header).transpose()?,
            body: body.map(Arc::from),
        })
    }

    /// The source of the program that makes the body.
    pub(crate) fn program(&self) -> Option<&Arc<str>> {
        self.body.as_ref()
    }
}

pub(super) struct HttpTransport {
    settings: HttpSettings,
    timeout: Duration,
    client: Arc<dyn OutboundClient>,
    jsonnet: Arc<dyn Jsonnet>,
    /// Programs of a channel run one at a time: hooks, which somebody waits for, use the same few processes.
    turn: Mutex<()>,
}

impl HttpTransport {
    pub(super) fn new(
        settings: HttpSettings,
        timeout: Duration,
        client: Arc<dyn OutboundClient>,
        jsonnet: Arc<dyn Jsonnet>,
    ) -> Self {
        Self { settings, timeout, client, jsonnet, turn: Mutex::default() }
    }

    /// Any 2xx is success. Everything else is tried again: a refusal, or a program that fails, is more often a matter of what
    /// is configured than of the message.
    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<(), Failure> {
        let attempt = tokio::time::timeout(self.timeout, self.attempt(outgoing)).await;
        attempt.unwrap_or_else(|_| Err(Failure::temporary("the message could not be handed over in time")))
    }

    async fn attempt(&self, outgoing: &Outgoing<'_>) -> Result<(), Failure> {
        let mut headers = self.settings.headers.clone();
        let mut body = String::new();
        if call::has_body(&self.settings.method) {
            let value = self.value(context(outgoing)).await?;
            body = call::body(&value, &mut headers).map_err(|why| Failure::temporary(format!("the body: {why}")))?;
        }
        // The same for every attempt, so that a service can recognise a message that it has taken already.
        headers.push(("Idempotency-Key".to_owned(), outgoing.message.id.to_string()));
        if let Some((name, value)) = &self.settings.secret_header {
            headers.push((name.clone(), value.expose_secret().to_owned()));
        }
        let request = OutboundRequest {
            method: self.settings.method.clone(),
            url: self.settings.url.to_string(),
            headers,
            body: body.into_bytes(),
            trust: Trust::Operator,
            timeout: self.timeout,
            max_response_bytes: MAX_RESPONSE,
        };
        match self.client.send(request).await {
            Ok(response) if (200..300).contains(&response.status) => Ok(()),
            Ok(response) => Err(Failure::temporary(format!("the service answered with status {}", response.status))),
            Err(error) => Err(Failure::temporary(error.to_string())),
        }
    }

    /// What the program makes of the context.
    async fn value(&self, context: Json) -> Result<Json, Failure> {
        let Some(source) = &self.settings.body else { return Ok(context) };
        let arguments = Map::from_iter([("ctx".to_owned(), context)]);
        let program = Program { source: Arc::clone(source), arguments, variables: Map::new() };
        let _turn = self.turn.lock().await;
        self.jsonnet.evaluate(program).await.map_err(|why| {
            Failure::temporary(match why {
                // Its words may repeat the message.
                JsonnetError::Failed(_) => "the Jsonnet program of the body failed".to_owned(),
                JsonnetError::TooMuch | JsonnetError::Unavailable(_) => why.to_string(),
            })
        })
    }
}

/// What programs call `ctx`.
fn context(outgoing: &Outgoing<'_>) -> Json {
    let (message, content) = (outgoing.message, outgoing.content);
    let mut context = json!({
        "recipient": message.recipient,
        "subject": content.subject,
        "body": content.text,
        "template_type": message.template_type.as_str(),
        "template_data": content.template_data,
        "message_type": message.channel.as_str(),
        "message_id": message.id,
        "request_headers": content.request_headers,
    });
    if let Some(html) = &content.html {
        context["html_body"] = json!(html);
    }
    context
}
