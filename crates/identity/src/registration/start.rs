//! Beginning a registration.

use orrery_core::RequestContext;

use super::Memory;
use crate::IdentityService;
use crate::flow::{Flow, FlowError, FlowKind, Origin};
use crate::hooks::{self, Caller};
use crate::session::SessionWithIdentity;

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct StartRegistration {
    /// Where the flow comes from.
    pub origin: Origin,
    /// Where to go after the verification that follows; already checked.
    pub after_verification_return_to: Option<String>,
    /// The identity schema asked for.
    pub schema_id: Option<String>,
    /// The request's session, if it is active.
    pub session: Option<SessionWithIdentity>,
    /// Whether an app wants to exchange codes for the session.
    pub exchange: bool,
}

/// Begins a registration and stores it: one insert.
///
/// # Errors
/// [`FlowError::SessionAvailable`], [`FlowError::UnknownSchema`] or storage trouble.
pub async fn start(
    service: &IdentityService,
    context: &RequestContext,
    asked: StartRegistration,
) -> Result<Flow, FlowError> {
    let config = service.config.load();
    if asked.session.is_some() {
        return Err(FlowError::SessionAvailable);
    }
    let schema_id = asked.schema_id.unwrap_or_else(|| config.default_schema_id.clone());
    if !config.may_choose_schema(&schema_id) {
        return Err(FlowError::UnknownSchema);
    }
    let lifespan = config.lifespans.registration;
    let mut flow = Flow::begin(FlowKind::Registration, asked.origin, lifespan, context.now, &*service.entropy);
    flow.schema_id = Some(schema_id);
    let (after_verification_return_to, exchange) = (asked.after_verification_return_to, asked.exchange);
    Memory { after_verification_return_to, exchange, ..Memory::default() }.store(&mut flow);
    hooks::begin(Caller { service, context, config: &config }, &flow).await?;
    Ok(flow)
}
