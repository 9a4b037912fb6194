//! Submitting a change: may this session make it, and by which method?

use orrery_core::{RequestContext, TokenHash};
use secrecy::SecretString;

use super::{Outcome, admit, password, profile};
use crate::IdentityService;
use crate::config::Config;
use crate::flow::steps::{again, succeed};
use crate::flow::{
    Asked, BrowserSecrets, Flow, FlowError, FlowMethod, FlowState, Open, Submission, Submitted, catalogue,
};
use crate::session::SessionWithIdentity;

/// One change on its way, with all that methods need to know.
pub(super) struct Change<'a> {
    pub(super) service: &'a IdentityService,
    pub(super) context: &'a RequestContext,
    pub(super) config: &'a Config,
    pub(super) current: SessionWithIdentity,
    pub(super) token: SecretString,
    pub(super) submitted: &'a Submission,
}

/// Submits a change whose sender was found to be the one who began the flow.
///
/// # Errors
/// What the flow itself cannot say; see [`FlowError`].
pub async fn submit(
    service: &IdentityService,
    context: &RequestContext,
    open: Open,
    submitted: &Submission,
    browser: Option<BrowserSecrets>,
) -> Result<Submitted<Outcome>, FlowError> {
    let Open { mut flow, current, .. } = open;
    let config = service.config.load();
    let (current, token) = current.ok_or(FlowError::SessionInactive)?;
    admit(&config, &flow, &current)?;
    if flow.is_expired(context.now) {
        return expired(service, context, flow, browser.map(|browser| browser.present)).await;
    }
    flow.messages.clear();
    flow.state = FlowState::ShowForm;
    flow.transient_payload = submitted.transient_payload();
    let change = Change { service, context, config: &config, current, token, submitted };
    match submitted.asked() {
        Asked::Method(FlowMethod::Profile) if config.settings.profile => profile::submit(change, flow).await,
        Asked::Method(FlowMethod::Password) if config.password.enabled => password::submit(change, flow).await,
        Asked::Method(method) => Err(FlowError::MethodDisabled(method)),
        Asked::Nothing | Asked::Identifier => {
            again(service, context, flow, vec![catalogue::SETTINGS_NO_METHOD.message().on_form()], None).await
        }
    }
}

impl Change<'_> {
    /// Refuses sessions whose last sign-in is too long ago. The submit is kept for afterwards.
    pub(super) fn privileged(&self, flow: &Flow) -> Result<(), FlowError> {
        let max_age = self.config.settings.privileged_max_age;
        let fresh = max_age.is_zero() || self.context.now <= self.current.session.authenticated_at + max_age;
        if fresh {
            return Ok(());
        }
        Err(FlowError::RefreshNeeded { flow: Box::new(flow.clone()), submitted: self.submitted.clone() })
    }
}

async fn expired(
    service: &IdentityService,
    context: &RequestContext,
    expired: Flow,
    csrf: Option<TokenHash>,
) -> Result<Submitted<Outcome>, FlowError> {
    let lifespan = service.config.load().lifespans.settings;
    let mut fresh = expired.successor(csrf, lifespan, &catalogue::SETTINGS_EXPIRED, context.now, &*service.entropy);
    fresh.state = FlowState::ShowForm;
    fresh.identity_id = expired.identity_id;
    fresh.session_id = expired.session_id;
    succeed(service, context, expired, fresh).await
}
