//! Beginning to change an account.

use orrery_core::{Entropy, RequestContext, Timestamp};

use super::reaches;
use crate::IdentityService;
use crate::config::Config;
use crate::flow::{Flow, FlowError, FlowKind, FlowState, Origin};
use crate::hooks::{self, Caller};
use crate::session::{Session, SessionWithIdentity};

/// Begins a settings flow for whoever is signed in, and stores it: one insert.
///
/// # Errors
/// [`FlowError::SessionInactive`], [`FlowError::SecondFactorNeeded`] or storage trouble.
pub async fn start(
    service: &IdentityService,
    context: &RequestContext,
    origin: Origin,
    current: Option<SessionWithIdentity>,
) -> Result<Flow, FlowError> {
    let config = service.config.load();
    let current = current.ok_or(FlowError::SessionInactive)?;
    reaches(&config, &current)?;
    let flow = begin(&config, origin, &current.session, context.now, &*service.entropy);
    hooks::begin(Caller { service, context, config: &config }, &flow).await?;
    Ok(flow)
}

/// A settings flow for the owner of this session, to be stored by the step that causes it.
pub(crate) fn begin(config: &Config, origin: Origin, session: &Session, now: Timestamp, entropy: &dyn Entropy) -> Flow {
    let mut flow = Flow::begin(FlowKind::Settings, origin, config.lifespans.settings, now, entropy);
    flow.state = FlowState::ShowForm;
    flow.identity_id = Some(session.identity_id);
    flow.session_id = Some(session.id);
    flow
}
