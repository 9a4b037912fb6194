//! Sending a code.

use orrery_core::RequestContext;
use orrery_courier::compose::{ComposeError, TemplateData};
use orrery_courier::message::NewMessage;
use serde_json::Value;

use super::{ADDRESS, Memory, begin};
use crate::IdentityService;
use crate::config::{Config, Delivery};
use crate::credentials::code::CodeAddress;
use crate::flow::form::{endpoint, with_query};
use crate::flow::sending::{about, compose, count, new_code, tells_strangers};
use crate::flow::{Flow, FlowError, FlowMethod, FlowState, Origin, catalogue, one_time};
use crate::identity::{AddressStatus, Identity, VerifiableAddress, Via};
use crate::store::{CodeSent, NewCode};

/// A verification whose code is ready to be sent: everything is to be stored in one step.
#[derive(Debug)]
pub struct Begun {
    /// The flow, waiting for the code.
    pub flow: Flow,
    /// The code as it is stored.
    pub code: NewCode,
    /// The message that carries it.
    pub message: Option<NewMessage>,
}

impl Begun {
    /// Stores it by itself, marking this address as sent to.
    ///
    /// # Errors
    /// Storage trouble.
    pub(crate) async fn store(
        self,
        service: &IdentityService,
        context: &RequestContext,
        marks: Option<(Via, String)>,
    ) -> Result<Flow, FlowError> {
        let Self { flow, code, message } = self;
        let sent = CodeSent { flow, code, message, marks };
        service.flows.code_send(context.project, &sent).await?;
        service.wake.enqueued(usize::from(sent.message.is_some()));
        Ok(sent.flow)
    }
}

/// The address of an identity that is to be marked as sent to, unless it is already.
pub(super) fn unmarked(identity: &Identity, via: Via, value: &str) -> Option<(Via, String)> {
    let mut addresses = identity.verifiable_addresses.iter();
    let address = addresses.find(|address| address.via == via && address.value == value)?;
    (address.status == AddressStatus::Pending).then(|| (via, value.to_owned()))
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
        Ok((code, message)) => Some(Begun { flow, code, message }),
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
    let marks = unmarked(identity, address.via, &address.value);
    Ok(Some(begun.store(service, context, marks).await?))
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
    ) -> Result<(NewCode, Option<NewMessage>), ComposeError> {
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
        let identity = about(service, context, config, self.owner, &to);
        let message = compose(service, context, flow, &to, self.data(config, flow, method, secret, identity))?;
        let sends = self.owner.is_some() || self.is_told(config);
        Ok((code, Some(message).filter(|_| sends)))
    }

    /// Whether the message is a notice to somebody without an account.
    const fn is_told(&self, config: &Config) -> bool {
        self.owner.is_none() && tells_strangers(config.verification.notify_unknown_recipients, self.via)
    }

    fn data(&self, config: &Config, flow: &Flow, method: FlowMethod, secret: String, identity: Value) -> TemplateData {
        let by_link = method == FlowMethod::Link;
        if self.is_told(config) {
            return if by_link { TemplateData::VerificationInvalid } else { TemplateData::VerificationCodeInvalid };
        }
        let base = config.link.base_url.as_ref().filter(|_| by_link).unwrap_or(&config.public_url);
        let mut page = endpoint(base, "/self-service/verification");
        page.query_pairs_mut().append_pair("flow", &flow.id.to_string());
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
