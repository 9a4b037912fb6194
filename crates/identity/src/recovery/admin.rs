//! Recovery begun by an administrator, who hands the code or the link over in person.

use std::time::Duration;

use orrery_core::id::IdentityId;
use orrery_core::{RequestContext, StoreError, Timestamp};
use std::collections::BTreeSet;

use super::send::url;
use super::{Memory, begin};
use crate::IdentityService;
use crate::flow::form::with_query;
use crate::flow::sending::new_code;
use crate::flow::{Flow, FlowKind, FlowMethod, FlowState, FlowType, Origin, one_time};
use crate::store::{CodeSent, Updated};

/// Why an administrator gets no code.
#[derive(Debug, thiserror::Error)]
pub enum AdminRecoveryError {
    /// There is no such identity.
    #[error("there is no such identity")]
    UnknownIdentity,
    /// Recovery, or this way of it, is switched off.
    #[error("recovery by {} is disabled", .0.as_str())]
    Disabled(FlowMethod),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the administrator hands over.
#[derive(Debug)]
pub struct HandedOver {
    /// The page, or the link that recovers by itself.
    pub link: String,
    /// The code, unless the link is enough. Secret.
    pub code: Option<String>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What an administrator asks for.
#[derive(Debug, Clone)]
pub struct AdminRecovery {
    /// Whose account it is.
    pub identity: IdentityId,
    /// How long it works; none means as long as any other.
    pub expires_in: Option<Duration>,
    /// Who will drive the flow.
    pub flow_type: FlowType,
    /// Where to go afterwards; already checked.
    pub return_to: Option<String>,
    /// The full URL of the request.
    pub request_url: String,
}

/// Makes a code or a link for one identity. Whoever has it proves nothing about an address.
///
/// # Errors
/// See [`AdminRecoveryError`].
pub async fn hand_over(
    service: &IdentityService,
    context: &RequestContext,
    method: FlowMethod,
    asked: AdminRecovery,
) -> Result<HandedOver, AdminRecoveryError> {
    let config = service.config.load();
    if !config.recovery.enabled || !config.enables(method) {
        return Err(AdminRecoveryError::Disabled(method));
    }
    let found = service.identities.identity_by_id(context.project, asked.identity, &BTreeSet::new()).await?;
    let identity = found.ok_or(AdminRecoveryError::UnknownIdentity)?;
    let usual = if method == FlowMethod::Link { config.link.lifespan } else { config.code.lifespan };
    let lifespan = asked.expires_in.unwrap_or(usual);
    let origin = Origin {
        flow_type: asked.flow_type,
        request_url: asked.request_url,
        return_to: asked.return_to,
        csrf: None,
        transient_payload: None,
    };
    let memory = Memory { by_administrator: true, ..Memory::default() };
    let mut flow: Flow = begin(&config, context, origin, &memory, &*service.entropy);
    flow.active = Some(method);
    flow.state = FlowState::SentEmail;
    flow.identity_id = Some(identity.id);
    flow.expires_at = context.now + lifespan;
    let secret = if method == FlowMethod::Link {
        one_time::token(&*service.entropy)
    } else {
        one_time::digits(&*service.entropy)
    };
    let code = new_code(service, &flow, &secret, Some(identity.id), None, context.now, lifespan);
    let page = with_query(config.ui.of(FlowKind::Recovery), "flow", &flow.id.to_string());
    let handed_over = if method == FlowMethod::Link {
        HandedOver { link: url(&config, &flow, &secret), code: None, expires_at: flow.expires_at }
    } else {
        HandedOver { link: page, code: Some(secret), expires_at: flow.expires_at }
    };
    let sent = CodeSent { flow, code, message: None, marks: None };
    match service.flows.code_send(context.project, &sent).await? {
        Updated::Done => Ok(handed_over),
        Updated::Stale | Updated::Unknown => Err(StoreError::internal("a fresh flow exists already").into()),
    }
}
