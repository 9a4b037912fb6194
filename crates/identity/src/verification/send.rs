//! Sending a code.

use orrery_core::RequestContext;
use orrery_courier::compose::{ComposeError, TemplateData};
use orrery_courier::message::NewMessage;
use serde_json::{Value, json};

use super::{ADDRESS, Memory, begin};
use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::credentials::code::CodeAddress;
use crate::flow::form::{endpoint, with_query};
use crate::flow::sending::{compose, count, new_code};
use crate::flow::{Flow, FlowError, FlowMethod, FlowState, Origin, catalogue, one_time};
use crate::identity::json::IdentityJson;
use crate::identity::{Identity, VerifiableAddress, Via};
use crate::store::NewCode;

/// A verification whose code is ready to be sent: everything is to be stored in one step.
#[derive(Debug)]
pub struct Begun {
    /// The flow, waiting for the code.
    pub flow: Flow,
    /// The code as it is stored.
    pub code: NewCode,
    /// The message that carries it.
    pub messages: Vec<NewMessage>,
}

/// A verification of an address that is known to belong to the identity, for the step that causes it to store.
///
/// None when the address cannot be written to: that must not keep anybody from registering.
#[must_use]
pub fn begin_for(
    service: &IdentityService,
    context: &RequestContext,
    identity: &Identity,
    address: &VerifiableAddress,
    origin: Origin,
) -> Option<Begun> {
    let config = service.config.load();
    let mut flow = begin(&config, context, origin, &*service.entropy);
    flow.identity_id = Some(identity.id);
    let recipient = Recipient { via: address.via, value: &address.value, owner: Some(identity) };
    match recipient.prepare(service, context, &config, &mut flow) {
        Ok((code, messages)) => Some(Begun { flow, code, messages }),
        Err(error) => {
            tracing::warn!(request_id = %context.request_id, %error, "no verification message could be composed");
            None
        }
    }
}

/// As [`begin_for`], and stored by itself, unless the address had too many codes lately.
///
/// # Errors
/// Storage trouble, or [`FlowError::TooMany`].
pub async fn send_for(
    service: &IdentityService,
    context: &RequestContext,
    identity: &Identity,
    address: &VerifiableAddress,
    origin: Origin,
) -> Result<Option<Flow>, FlowError> {
    count(service, context, &service.config.load(), &address.value, None).await?;
    let Some(begun) = begin_for(service, context, identity, address, origin) else { return Ok(None) };
    service.flows.verification_send(context.project, &begun.flow, &begun.code, &begun.messages).await?;
    service.wake.enqueued(begun.messages.len());
    Ok(Some(begun.flow))
}

/// Who is to get a code.
pub(super) struct Recipient<'a> {
    pub(super) via: Via,
    pub(super) value: &'a str,
    /// Whose address it is, if it is anybody's.
    pub(super) owner: Option<&'a Identity>,
}

impl Recipient<'_> {
    /// Puts the flow where a code was sent and prepares the code and its message. For addresses of nobody the work and
    /// the flow are the same; the code never matches, and the message is a notice or thrown away.
    pub(super) fn prepare(
        &self,
        service: &IdentityService,
        context: &RequestContext,
        config: &Config,
        flow: &mut Flow,
    ) -> Result<(NewCode, Vec<NewMessage>), ComposeError> {
        flow.state = FlowState::SentEmail;
        flow.updated_at = context.now;
        flow.values.insert(ADDRESS.to_owned(), Value::from(self.value));
        Memory { via: Some(self.via), prefilled: None, ..Memory::of(flow) }.store(flow);
        // Text messages always carry a code: it is shorter, and read on another device.
        let (sent, secret, lifespan, method) = match (self.via, config.verification.uses) {
            (Via::Email, Delivery::Link) => {
                let token = one_time::token(&*service.entropy);
                (&catalogue::VERIFICATION_LINK_SENT, token, config.link.lifespan, FlowMethod::Link)
            }
            (via, Delivery::Code | Delivery::Link) => {
                let sent = match via {
                    Via::Email => &catalogue::VERIFICATION_CODE_MAILED,
                    Via::Sms => &catalogue::VERIFICATION_CODE_TEXTED,
                };
                (sent, one_time::digits(&*service.entropy), config.code.lifespan, FlowMethod::Code)
            }
        };
        flow.active = Some(method);
        flow.messages = vec![sent.message().on_form()];
        let owner = self.owner.map(|identity| identity.id);
        let to = CodeAddress::new(self.via, self.value);
        let address = owner.map(|_| (self.via, self.value.to_owned()));
        let code = new_code(service, flow, &secret, owner, address, context.now, lifespan);
        let message = compose(service, context, flow, &to, self.data(config, flow, method, secret))?;
        let sends = self.owner.is_some() || config.verification.notify_unknown_recipients;
        Ok((code, if sends { vec![message] } else { Vec::new() }))
    }

    fn data(&self, config: &Config, flow: &Flow, method: FlowMethod, secret: String) -> TemplateData {
        let by_link = method == FlowMethod::Link;
        let Some(identity) = self.owner else {
            return if by_link { TemplateData::VerificationInvalid } else { TemplateData::VerificationCodeInvalid };
        };
        let base = config.link.base_url.as_ref().filter(|_| by_link).unwrap_or(&config.public_url);
        let mut page = endpoint(base, "/self-service/verification");
        page.query_pairs_mut().append_pair("flow", &flow.id.to_string());
        let identity = json!(IdentityJson::public(identity, &config.public_url));
        if by_link {
            let verification_url = with_query(&page, "token", &secret);
            return TemplateData::VerificationValid { verification_url, expires_in: config.link.lifespan, identity };
        }
        TemplateData::VerificationCodeValid {
            verification_url: Some(with_query(&page, "code", &secret)),
            verification_code: secret,
            expires_in: config.code.lifespan,
            identity,
        }
    }
}
