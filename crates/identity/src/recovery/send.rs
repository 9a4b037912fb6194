//! Sending a code or a link. For addresses of nobody the work, the statements and the answer are the same.

use orrery_core::RequestContext;
use orrery_courier::compose::TemplateData;
use serde_json::Value;

use super::ADDRESS;
use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::credentials::code::CodeAddress;
use crate::flow::form::endpoint;
use crate::flow::sending::{Delivered, Parcel, about, deliver, tells_strangers};
use crate::flow::steps::{again, invalid};
use crate::flow::{Flow, FlowError, FlowState, Message, Submitted, one_time};
use crate::identity::Identity;

/// Where a code goes.
pub(super) struct Recipient<'a> {
    pub(super) to: CodeAddress,
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
        before: Flow,
        recipient: &Recipient<'_>,
        state: FlowState,
        message: Message,
        done: impl FnOnce(Flow) -> T,
    ) -> Result<Submitted<T>, FlowError> {
        let Self { service, context, config } = *self;
        let Recipient { to, owner } = recipient;
        let mut flow = before.clone();
        flow.state = state;
        flow.updated_at = context.now;
        flow.identity_id = owner.map(|identity| identity.id);
        flow.values.insert(ADDRESS.to_owned(), Value::from(to.value.as_str()));
        flow.messages = vec![message.on_form()];
        let (secret, lifespan) = match config.recovery.uses {
            Delivery::Code => (one_time::digits(&*service.entropy), config.code.lifespan),
            Delivery::Link => (one_time::token(&*service.entropy), config.link.lifespan),
        };
        let parcel = Parcel {
            to,
            owner: flow.identity_id,
            lifespan,
            data: self.data(&flow, recipient, &secret),
            secret: &secret,
            to_strangers: tells_strangers(config.recovery.notify_unknown_recipients, to.via),
            known: None,
        };
        match deliver(service, context, config, flow, parcel).await? {
            Delivered::Sent(flow) => Ok(Submitted::Done(Box::new(done(*flow)))),
            Delivered::TooMany => {
                let reason = "Too many messages were sent to this address. Please try again later.";
                again(service, context, before, vec![invalid(reason)], None).await
            }
            Delivered::FlowClosed => Err(FlowError::Unknown),
        }
    }
}

impl Sender<'_> {
    fn data(&self, flow: &Flow, recipient: &Recipient<'_>, secret: &str) -> TemplateData {
        let Self { service, context, config } = *self;
        let told =
            recipient.owner.is_none() && tells_strangers(config.recovery.notify_unknown_recipients, recipient.to.via);
        let identity = about(service, context, config, recipient.owner, &recipient.to);
        match (config.recovery.uses, told) {
            (Delivery::Code, false) => {
                let expires_in = config.code.lifespan;
                TemplateData::RecoveryCodeValid { recovery_code: secret.to_owned(), expires_in, identity }
            }
            (Delivery::Code, true) => TemplateData::RecoveryCodeInvalid,
            (Delivery::Link, false) => {
                let expires_in = config.link.lifespan;
                TemplateData::RecoveryValid { recovery_url: url(config, flow, secret), expires_in, identity }
            }
            (Delivery::Link, true) => TemplateData::RecoveryInvalid,
        }
    }
}

/// The link that recovers an account.
pub(super) fn url(config: &Config, flow: &Flow, token: &str) -> String {
    let mut link = endpoint(config.link.base_url.as_ref().unwrap_or(&config.public_url), "/self-service/recovery");
    link.query_pairs_mut().append_pair("flow", &flow.id.to_string()).append_pair("token", token);
    link.into()
}
