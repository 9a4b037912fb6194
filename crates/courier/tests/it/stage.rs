//! A courier with everything around it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use orrery_core::jsonnet::Jsonnet;
use orrery_core::outbound::{OutboundClient, OutboundError, OutboundRequest, OutboundResponse};
use orrery_core::time::ManualClock;
use orrery_core::{Clock, Keyring, ProjectId, SystemEntropy, Timestamp};
use orrery_courier::compose::{ComposeRequest, Composer, TemplateData};
use orrery_courier::config::CourierConfig;
use orrery_courier::deliver::{Courier, CourierParts, Wake};
use orrery_courier::message::Channel;
use orrery_courier::store::MessageStore;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::programs::{Outcome, Programs};
use crate::queue::Queue;

/// Answers every call with one status and remembers what was asked.
pub(crate) struct Service {
    pub(crate) status: u16,
    pub(crate) calls: Mutex<Vec<OutboundRequest>>,
}

#[async_trait]
impl OutboundClient for Service {
    fn allows(&self, _: &str) -> bool {
        true
    }

    async fn send(&self, request: OutboundRequest) -> Result<OutboundResponse, OutboundError> {
        self.calls.lock().expect("not poisoned").push(request);
        Ok(OutboundResponse { status: self.status, headers: Vec::new(), body: Vec::new() })
    }
}

pub(crate) struct Stage {
    pub(crate) queue: Arc<Queue>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) programs: Arc<Programs>,
    pub(crate) wake: Wake,
    composer: Composer,
    config: CourierConfig,
    files: Vec<(&'static str, String)>,
}

impl Stage {
    pub(crate) fn new(config: Value) -> Self {
        Self::with_service_status(config, 200)
    }

    pub(crate) fn with_service_status(config: Value, status: u16) -> Self {
        Self::build(config, status, Vec::new(), Outcome::Value(json!({})))
    }

    /// With files that the configuration names.
    pub(crate) fn with_files(config: Value, files: Vec<(&'static str, String)>) -> Self {
        Self::build(config, 200, files, Outcome::Value(json!({})))
    }

    /// With a program that the configuration names, and what becomes of it.
    pub(crate) fn with_program(config: Value, program: (&'static str, String), outcome: Outcome) -> Self {
        Self::build(config, 200, vec![program], outcome)
    }

    fn build(config: Value, status: u16, files: Vec<(&'static str, String)>, outcome: Outcome) -> Self {
        let config: CourierConfig = serde_json::from_value(config).expect("valid configuration");
        let settings = config.resolve("id.example", |uri| read(&files, uri)).expect("resolves");
        Self {
            queue: Arc::default(),
            keyring: Arc::new(Keyring::new(&[SecretString::from("a secret of some length")]).expect("long enough")),
            clock: Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_421_700))),
            service: Arc::new(Service { status, calls: Mutex::default() }),
            programs: Arc::new(Programs::new(outcome)),
            wake: Wake::default(),
            composer: Composer::new(settings.composer, &settings.templates).expect("valid templates"),
            config,
            files,
        }
    }

    /// A node; several share the queue.
    pub(crate) fn courier(&self) -> Courier {
        let settings = self.config.resolve("id.example", |uri| read(&self.files, uri)).expect("resolved before");
        let parts = CourierParts {
            store: Arc::clone(&self.queue) as Arc<dyn MessageStore>,
            keyring: Arc::clone(&self.keyring),
            entropy: Arc::new(SystemEntropy::default()),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            client: Arc::clone(&self.service) as Arc<dyn OutboundClient>,
            jsonnet: Arc::clone(&self.programs) as Arc<dyn Jsonnet>,
            wake: self.wake.clone(),
        };
        Courier::new(settings, parts)
    }

    /// Queues a message with the code 482913, good for fifteen minutes.
    pub(crate) async fn enqueue(&self, channel: Channel) {
        let recipient = if channel == Channel::Sms { "+4915112345678" } else { "ada@example.com" };
        let request = ComposeRequest {
            project: ProjectId::DEFAULT,
            channel,
            recipient,
            locale: None,
            data: TemplateData::LoginCodeValid {
                login_code: "482913".to_owned(),
                expires_in: Duration::from_secs(15 * 60),
                identity: json!({"traits": {"email": "ada@example.com"}}),
                oauth2_login_request: None,
            },
            request_url: None,
            transient_payload: Value::Null,
            request_headers: BTreeMap::from([("User-Agent".to_owned(), vec!["Ada's".to_owned()])]),
        };
        let message = self
            .composer
            .compose(&request, self.clock.now(), &SystemEntropy::default(), &self.keyring)
            .expect("composes");
        self.queue.message_enqueue(ProjectId::DEFAULT, &message).await.expect("enqueues");
    }
}

fn read(files: &[(&'static str, String)], uri: &str) -> Result<Vec<u8>, String> {
    let found = files.iter().find(|(name, _)| uri.ends_with(name));
    found.map(|(_, content)| content.clone().into_bytes()).ok_or_else(|| format!("{uri} is not there"))
}
