//! Codes and links on their way: how often, how they are stored, and the message that carries them.
//!
//! For addresses of nobody the statements, the work and the outcome are the same; the code never matches, and the message
//! is thrown away unless the operator wants strangers to be told.

use std::time::Duration;

use orrery_core::id::{CodeId, IdentityId};
use orrery_core::secret::Purpose;
use orrery_core::{RequestContext, StoreError, Timestamp};
use orrery_courier::compose::{ComposeError, ComposeRequest, TemplateData};
use orrery_courier::message::{Channel, NewMessage};
use serde_json::{Value, json};

use super::{Flow, FlowError, one_time};
use crate::IdentityService;
use crate::config::Config;
use crate::credentials::code::CodeAddress;
use crate::identity::json::IdentityJson;
use crate::identity::{Identity, Via};
use crate::limits::{Door, Known, TooMany};
use crate::store::{CodeSent, NewCode, Updated};

/// Something to be sent in a flow.
pub(crate) struct Parcel<'a> {
    /// Where it goes.
    pub(crate) to: &'a CodeAddress,
    /// Whose address it is, if it is anybody's.
    pub(crate) owner: Option<IdentityId>,
    /// The code or token. Secret.
    pub(crate) secret: &'a str,
    /// How long it works.
    pub(crate) lifespan: Duration,
    /// What the message says.
    pub(crate) data: TemplateData,
    /// Whether a message goes out although nobody has the address.
    pub(crate) to_strangers: bool,
    /// By what its sender is known to be the owner.
    pub(crate) known: Option<Known>,
}

/// What became of sending.
pub(crate) enum Delivered {
    /// It is on its way, and the flow stored.
    Sent(Box<Flow>),
    /// There were too many messages to this address lately. Nothing is stored.
    TooMany,
    /// The flow is over.
    FlowClosed,
}

/// Sends, unless there were too many messages to this address lately: stores the flow, the code and the message in one
/// step.
///
/// # Errors
/// Storage trouble.
pub(crate) async fn deliver(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    flow: Flow,
    parcel: Parcel<'_>,
) -> Result<Delivered, FlowError> {
    match count(service, context, config, &parcel.to.value, parcel.known).await {
        Ok(()) => {}
        Err(FlowError::TooMany(_)) => return Ok(Delivered::TooMany),
        Err(error) => return Err(error),
    }
    let Parcel { to, owner, secret, lifespan, data, to_strangers, .. } = parcel;
    let address = owner.map(|_| (to.via, to.value.clone()));
    let code = new_code(service, &flow, secret, owner, address, context.now, lifespan);
    let message = match compose(service, context, &flow, to, data) {
        Ok(message) => Some(message).filter(|_| owner.is_some() || to_strangers),
        // What was typed is no address at all; nobody has it.
        Err(ComposeError::InvalidRecipient | ComposeError::TooLarge) => None,
        Err(error) => return Err(StoreError::internal(error).into()),
    };
    let sent = CodeSent { flow, code, message, marks: None };
    match service.flows.code_send(context.project, &sent).await? {
        Updated::Done => {
            service.wake.enqueued(usize::from(sent.message.is_some()));
            Ok(Delivered::Sent(Box::new(sent.flow)))
        }
        Updated::Stale | Updated::Unknown => Ok(Delivered::FlowClosed),
    }
}

/// Counts one message to this address. Whoever is known to be its owner is counted alone, so that strangers cannot use
/// up what the owner may ask for.
///
/// # Errors
/// Storage trouble, or [`FlowError::TooMany`] when there were too many lately. The same for addresses of nobody.
pub(crate) async fn count(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    address: &str,
    known: Option<Known>,
) -> Result<(), FlowError> {
    let (project, keyring) = (context.project, &service.keyring);
    let door = match known {
        Some(known) => known.sending(project, address, keyring),
        None => Door::sending(project, address, keyring),
    };
    let sent = door.failure(&config.limits, context.now);
    let counted = service.attempts.attempt_failed(project, &sent).await?;
    match counted.locked_until {
        Some(until) if counted.failures > sent.limit => Err(TooMany { retry_after: until.since(context.now) }.into()),
        Some(_) | None => Ok(()),
    }
}

/// Whether somebody who has no account here is told that a code was asked for with this address, where the operator wants
/// it. Never by text message: strangers would have the operator pay for writing to anybody.
pub(crate) const fn tells_strangers(wanted: bool, via: Via) -> bool {
    wanted && matches!(via, Via::Email)
}

/// What messages say about whose address it is. Nobody's messages, which are thrown away, are composed about somebody
/// made up, so that they take as long.
pub(crate) fn about(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    owner: Option<&Identity>,
    to: &CodeAddress,
) -> Value {
    if let Some(owner) = owner {
        return json!(IdentityJson::public(owner, &config.public_url));
    }
    let mut nobody = Identity::new(&config.default_schema_id, context.now, &*service.entropy);
    nobody.traits.insert("email".to_owned(), Value::from(to.value.as_str()));
    json!(IdentityJson::public(&nobody, &config.public_url))
}

/// A code or token as it is stored.
pub(crate) fn new_code(
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

/// The message that carries it.
///
/// # Errors
/// When no message can go there, or the operator's template does not work.
pub(crate) fn compose(
    service: &IdentityService,
    context: &RequestContext,
    flow: &Flow,
    to: &CodeAddress,
    data: TemplateData,
) -> Result<NewMessage, ComposeError> {
    let request = ComposeRequest {
        project: context.project,
        channel: match to.via {
            Via::Email => Channel::Email,
            Via::Sms => Channel::Sms,
        },
        recipient: &to.value,
        locale: context.accept_language.as_deref(),
        data,
        request_url: Some(&flow.request_url),
        transient_payload: flow.transient_payload.clone().unwrap_or(Value::Null),
        request_headers: context.caused_by.as_ref().map(|request| request.headers.clone()).unwrap_or_default(),
    };
    service.composer.load().compose(&request, context.now, &*service.entropy, &service.keyring)
}
