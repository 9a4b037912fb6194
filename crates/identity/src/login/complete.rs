//! Completing a login: hooks, the session, and one step that writes everything.

use orrery_core::RequestContext;
use secrecy::SecretString;

use super::password::Proven;
use super::{LoggedIn, Outcome, SessionIssue};
use crate::IdentityService;
use crate::config::Hook;
use crate::flow::steps::again;
use crate::flow::{Flow, FlowError, FlowMethod, FlowState, Origin, Submitted, VerificationFlow, catalogue};
use crate::identity::Identity;
use crate::limits::Pass;
use crate::session::{self, Aal, AuthenticationMethod, SessionWithIdentity, UsedMethod};
use crate::store::{Completion, LoginDone, SessionWrite};
use crate::verification;

/// Signs in whoever was proven, unless the account is disabled or a hook objects.
pub(super) async fn complete(
    service: &IdentityService,
    context: &RequestContext,
    mut flow: Flow,
    proven: Proven<'_>,
    current: Option<(SessionWithIdentity, SecretString)>,
) -> Result<Submitted<Outcome>, FlowError> {
    let config = service.config.load();
    let Proven { identity, upgraded, passes } = proven;
    if !identity.is_active() {
        let disabled = vec![catalogue::IDENTITY_DISABLED.message().on_form()];
        return again(service, context, flow, disabled, None).await;
    }
    let hooks = config.login.after.hooks(FlowMethod::Password.as_str());
    if hooks.contains(&Hook::RequireVerifiedAddress)
        && let Some(verification) = unverified(service, context, &flow, &identity).await?
    {
        return Err(FlowError::AddressUnverified(verification));
    }
    let method = UsedMethod {
        method: AuthenticationMethod::Password,
        aal: Aal::Aal1,
        completed_at: context.now,
        provider: None,
        organization: None,
    };
    // Somebody else than before gets a session of their own; the same person keeps id and token.
    let own = current.filter(|(session, _)| session.identity.id == identity.id);
    let (issued, session, token, write) = if let Some((own, token)) = own {
        let renewed = session::renew(&own.session, method, &config.session, context, &*service.entropy);
        (SessionIssue::Renewed, renewed.clone(), token, SessionWrite::Renew(renewed))
    } else {
        let new = session::issue(identity.id, method, &config.session, context, &*service.entropy);
        let write = new.write(&service.keyring);
        (SessionIssue::New, new.session, new.token, write)
    };
    close(&mut flow, context, &session);
    let done = LoginDone {
        flow: flow.clone(),
        session: write,
        upgraded,
        clear_attempts: passes.iter().filter_map(Pass::counter_to_clear).collect(),
        revoke_others: hooks.contains(&Hook::RevokeActiveSessions),
        messages: Vec::new(),
    };
    match (service.flows.login_complete(context.project, &done).await?, issued) {
        (Completion::Done, _) => {
            service.wake.enqueued(done.messages.len());
            let session = SessionWithIdentity { session, identity };
            let logged_in = LoggedIn { flow, session, token, issued };
            Ok(Submitted::Done(Box::new(Outcome::LoggedIn(Box::new(logged_in)))))
        }
        (Completion::FlowClosed, _) => {
            flow.messages = vec![catalogue::LOGIN_COMPLETED.message().on_form()];
            Ok(Submitted::Again(Box::new(flow)))
        }
        (Completion::Inactive, SessionIssue::Renewed) => Err(FlowError::SessionInactive),
        (Completion::Inactive, SessionIssue::New) => {
            let disabled = vec![catalogue::IDENTITY_DISABLED.message().on_form()];
            flow.completed_at = None;
            flow.state = FlowState::ChooseMethod;
            again(service, context, flow, disabled, None).await
        }
    }
}

fn close(flow: &mut Flow, context: &RequestContext, session: &session::Session) {
    flow.state = FlowState::PassedChallenge;
    flow.identity_id = Some(session.identity_id);
    flow.session_id = Some(session.id);
    flow.completed_at = Some(context.now);
    flow.updated_at = context.now;
}

/// The verification to pass first, if the identity has addresses but none is proven. Its code is on its way.
async fn unverified(
    service: &IdentityService,
    context: &RequestContext,
    flow: &Flow,
    identity: &Identity,
) -> Result<Option<VerificationFlow>, FlowError> {
    if identity.verifiable_addresses.iter().any(|address| address.verified) {
        return Ok(None);
    }
    let Some(address) = identity.verifiable_addresses.first() else { return Ok(None) };
    let origin = Origin::of(flow, flow.csrf);
    let begun = match verification::send_for(service, context, identity, address, origin.clone()).await? {
        Some(begun) => begun,
        // The address cannot be written to; another may be entered.
        None => verification::start(service, context, origin).await?,
    };
    Ok(Some(VerificationFlow::of(&begun, &address.value, &service.config.load())))
}
