//! Sending a code or a link. For addresses of nobody the work, the statements and the answer are the same.

use std::time::Duration;

use orrery_core::id::{CodeId, IdentityId};
use orrery_core::secret::Purpose;
use orrery_core::{RequestContext, StoreError, Timestamp};
use orrery_courier::compose::{ComposeError, ComposeRequest, TemplateData};
use orrery_courier::message::{Channel, NewMessage};
use serde_json::{Value, json};

use super::ADDRESS;
use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::flow::form::endpoint;
use crate::flow::steps::{again, invalid};
use crate::flow::{Flow, FlowError, FlowState, Message, Submitted, one_time};
use crate::identity::json::IdentityJson;
use crate::identity::{Identity, Via};
use crate::store::{NewCode, RecoverySent, Updated};
use crate::verification;

/// Where a code goes.
pub(super) struct Recipient<'a> {
    pub(super) via: Via,
    pub(super) value: &'a str,
    /// Whose address it is, if it is anybody's.
    pub(super) owner: Option<&'a Identity>,
}

/// Who sends.
#[derive(Clone, Copy)]
pub(super) struct Sender<'a> {
    pub(super) service: &'a IdentityService,
    pub(super) context: &'a RequestContext,
    pub(super) config: &'a Config,
}

impl Sender<'_> {
    /// Sends, puts the flow in `state` with this message, and stores everything in one step.
    pub(super) async fn send<T>(
        &self,
        mut flow: Flow,
        to: &Recipient<'_>,
        state: FlowState,
        message: Message,
        done: impl FnOnce(Flow) -> T,
    ) -> Result<Submitted<T>, FlowError> {
        let Self { service, context, config } = *self;
        match verification::count(service, context, to.value).await {
            Ok(()) => {}
            Err(FlowError::TooMany(_)) => {
                let reason = "Too many messages were sent to this address. Please try again later.";
                return again(service, context, flow, vec![invalid(reason)], None).await;
            }
            Err(error) => return Err(error),
        }
        flow.state = state;
        flow.updated_at = context.now;
        flow.identity_id = to.owner.map(|identity| identity.id);
        flow.values.insert(ADDRESS.to_owned(), Value::from(to.value));
        flow.messages = vec![message.on_form()];
        let secret = match config.recovery.uses {
            Delivery::Code => one_time::digits(&*service.entropy),
            Delivery::Link => one_time::token(&*service.entropy),
        };
        let lifespan = lifespan(config);
        let address = to.owner.map(|_| (to.via, to.value.to_owned()));
        let owner = to.owner.map(|identity| identity.id);
        let code = new_code(service, &flow, &secret, owner, address, context.now, lifespan);
        let message = match self.compose(&flow, to, secret) {
            Ok(message) => Some(message),
            // What was typed is no address at all; nobody has it.
            Err(ComposeError::InvalidRecipient | ComposeError::TooLarge) => None,
            Err(error) => return Err(StoreError::internal(error).into()),
        };
        let sends = to.owner.is_some() || config.recovery.notify_unknown_recipients;
        let sent = RecoverySent { flow, code, message: message.filter(|_| sends) };
        match service.flows.recovery_send(context.project, &sent).await? {
            Updated::Done => {
                service.wake.enqueued(usize::from(sent.message.is_some()));
                Ok(Submitted::Done(Box::new(done(sent.flow))))
            }
            Updated::Stale | Updated::Unknown => Err(FlowError::Unknown),
        }
    }

    fn compose(&self, flow: &Flow, to: &Recipient<'_>, secret: String) -> Result<NewMessage, ComposeError> {
        let Self { service, context, config } = *self;
        let request = ComposeRequest {
            project: context.project,
            channel: match to.via {
                Via::Email => Channel::Email,
                Via::Sms => Channel::Sms,
            },
            recipient: to.value,
            locale: context.accept_language.as_deref(),
            data: data(config, flow, to.owner, secret),
            request_url: Some(&flow.request_url),
            transient_payload: flow.transient_payload.clone().unwrap_or(Value::Null),
        };
        service.composer.load().compose(&request, context.now, &*service.entropy, &service.keyring)
    }
}

fn data(config: &Config, flow: &Flow, owner: Option<&Identity>, secret: String) -> TemplateData {
    let expires_in = lifespan(config);
    let identity = owner.map(|identity| json!(IdentityJson::public(identity, &config.public_url)));
    match (config.recovery.uses, identity) {
        (Delivery::Code, Some(identity)) => {
            TemplateData::RecoveryCodeValid { recovery_code: secret, expires_in, identity }
        }
        (Delivery::Code, None) => TemplateData::RecoveryCodeInvalid,
        (Delivery::Link, Some(identity)) => {
            TemplateData::RecoveryValid { recovery_url: url(config, flow, &secret), expires_in, identity }
        }
        (Delivery::Link, None) => TemplateData::RecoveryInvalid,
    }
}

/// The link that recovers an account.
pub(super) fn url(config: &Config, flow: &Flow, token: &str) -> String {
    let mut link = endpoint(config.link.base_url.as_ref().unwrap_or(&config.public_url), "/self-service/recovery");
    link.query_pairs_mut().append_pair("flow", &flow.id.to_string()).append_pair("token", token);
    link.into()
}

fn lifespan(config: &Config) -> Duration {
    match config.recovery.uses {
        Delivery::Code => config.code.lifespan,
        Delivery::Link => config.link.lifespan,
    }
}

/// A code or token as it is stored.
pub(super) fn new_code(
    service: &IdentityService,
    flow: &Flow,
    secret: &str,
    owner: Option<IdentityId>,
    address: Option<(Via, String)>,
    now: Timestamp,
    lifespan: Duration,
) -> NewCode {
    NewCode {
        id: CodeId::generate(&*service.entropy),
        flow_id: flow.id,
        code: service.keyring.hash(Purpose::OneTimeCode, &one_time::name(flow, secret)),
        identity: owner,
        address,
        created_at: now,
        expires_at: now + lifespan,
    }
}
