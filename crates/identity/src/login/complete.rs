//! Completing a login: hooks, the session, and one step that writes everything.

use orrery_core::{RequestContext, Timestamp, TokenHash};

use super::{LoggedIn, Login, Outcome, SessionIssue};
use crate::IdentityService;
use crate::config::Hook;
use crate::credentials::Credential;
use crate::flow::steps::again;
use crate::flow::{
    ContinueWith, Flow, FlowError, FlowMethod, FlowState, Origin, Submitted, VerificationFlow, catalogue,
};
use crate::hooks::{self, Caller, Changes};
use crate::identity::{AddressStatus, Identity, Via};
use crate::limits::Pass;
use crate::session::{self, SessionWithIdentity, UsedMethod};
use crate::store::{Completion, LoginDone, SessionWrite};
use crate::verification;

/// Somebody who has proved who they are.
#[derive(Debug)]
pub struct Proven<'a> {
    /// Whose account it is.
    pub identity: Identity,
    /// The method that they submitted.
    pub method: FlowMethod,
    /// What their session records of it.
    pub used: UsedMethod,
    /// The credential with a stronger hash, and the `updated_at` that it replaces.
    pub upgraded: Option<(Credential, Timestamp)>,
    /// The code that was found to be right, and is used up.
    pub code: Option<Vec<TokenHash>>,
    /// The address that the code proves.
    pub address: Option<(Via, String)>,
    /// The places at the doors, to be kept until the outcome is stored.
    pub passes: Vec<Pass<'a>>,
}

/// Signs in whoever was proven, unless the account is disabled or a hook objects.
pub(super) async fn complete(
    login: Login<'_>,
    mut flow: Flow,
    proven: Proven<'_>,
) -> Result<Submitted<Outcome>, FlowError> {
    let Login { service, context, config, .. } = login;
    let Proven { mut identity, method, used, upgraded, code, address, passes } = proven;
    if !identity.is_active() {
        return disabled(service, context, flow).await;
    }
    if let Some((via, value)) = &address {
        identity.prove(*via, value, context.now);
    }
    // Somebody else than before gets a session of their own; the same person keeps id and token.
    let own = login.current.filter(|(session, _)| session.identity.id == identity.id);
    let issued = if own.is_some() { SessionIssue::Renewed } else { SessionIssue::New };
    let csrf = login.browser.map(|browser| match issued {
        SessionIssue::New => browser.next,
        SessionIssue::Renewed => browser.present,
    });
    let caller = Caller { service, context, config };
    verified(caller, &flow, &identity, method).await?;
    let (session, token, write) = if let Some((own, token)) = own {
        let renewed = session::renew(&own.session, used, &config.session, context, &*service.entropy);
        (renewed.clone(), token, SessionWrite::Renew(renewed))
    } else {
        let new = session::issue(identity.id, used, &config.session, context, &*service.entropy);
        let write = new.write(&service.keyring);
        (new.session, new.token, write)
    };
    let before = flow.clone();
    close(&mut flow, context, &session);
    let hooks = hooks::After { caller, flow: &flow, method };
    if let Some(messages) = hooks.ask(&mut identity, Some(&session), Changes::Ignored).await? {
        return again(service, context, before, messages, None).await;
    }
    let events = hooks.tell(&identity, Some(&session)).await?;
    let after = after(caller, &identity, method, Origin::of(&flow, csrf)).await?;
    let done = LoginDone {
        flow: flow.clone(),
        session: write,
        upgraded,
        clear_attempts: passes.iter().filter_map(Pass::counter_to_clear).collect(),
        revoke_others: after.revoke_others,
        code,
        proven: address,
        messages: Vec::new(),
        events,
    };
    match (service.flows.login_complete(context.project, &done).await?, issued) {
        (Completion::Done, _) => {
            service.wake.enqueued(done.messages.len());
            service.outbox.recorded(done.events.len());
            let session = SessionWithIdentity { session, identity };
            let continue_with = after.continue_with;
            let logged_in = LoggedIn { flow, method, session, token, issued, continue_with };
            Ok(Submitted::Done(Box::new(Outcome::LoggedIn(Box::new(logged_in)))))
        }
        (Completion::FlowClosed, _) => {
            flow.messages = vec![catalogue::LOGIN_COMPLETED.message().on_form()];
            Ok(Submitted::Again(Box::new(flow)))
        }
        (Completion::CodeUsed, _) => {
            again(service, context, before, vec![catalogue::LOGIN_CODE_INVALID.message().on_form()], None).await
        }
        (Completion::Inactive, SessionIssue::Renewed) => Err(FlowError::SessionInactive),
        (Completion::Inactive, SessionIssue::New) => disabled(service, context, before).await,
    }
}

async fn disabled(
    service: &IdentityService,
    context: &RequestContext,
    flow: Flow,
) -> Result<Submitted<Outcome>, FlowError> {
    again(service, context, flow, vec![catalogue::IDENTITY_DISABLED.message().on_form()], None).await
}

fn close(flow: &mut Flow, context: &RequestContext, session: &session::Session) {
    flow.state = FlowState::PassedChallenge;
    flow.identity_id = Some(session.identity_id);
    flow.session_id = Some(session.id);
    flow.completed_at = Some(context.now);
    flow.updated_at = context.now;
}

/// What hooks make of a login.
struct After {
    revoke_others: bool,
    continue_with: Vec<ContinueWith>,
}

/// Refuses accounts without a proven address, if the operator wants that. It comes first: nobody outside is to hear of a
/// sign-in that does not happen.
async fn verified(caller: Caller<'_>, flow: &Flow, identity: &Identity, method: FlowMethod) -> Result<(), FlowError> {
    let Caller { service, context, config } = caller;
    if !config.login.after.hooks(method.as_str()).contains(&Hook::RequireVerifiedAddress) {
        return Ok(());
    }
    // Nobody is signed in by that: the browser stays who it is.
    match unverified(service, context, identity, Origin::of(flow, flow.csrf)).await? {
        Some(next) => Err(FlowError::AddressUnverified(next)),
        None => Ok(()),
    }
}

/// What the remaining hooks make of a login that nobody objects to. `origin` is for the flows that a hook begins, in the
/// browser with its coming session.
async fn after(
    caller: Caller<'_>,
    identity: &Identity,
    method: FlowMethod,
    origin: Origin,
) -> Result<After, FlowError> {
    let Caller { service, context, config } = caller;
    let hooks = config.login.after.hooks(method.as_str());
    let mut after = After { revoke_others: hooks.contains(&Hook::RevokeActiveSessions), continue_with: Vec::new() };
    let shows = hooks.contains(&Hook::ShowVerificationUi);
    let unproven = identity.verifiable_addresses.iter().find(|address| {
        let sends = hooks.contains(&Hook::Verification) && address.status == AddressStatus::Pending;
        !address.verified && (shows || sends)
    });
    let Some(address) = unproven.filter(|_| config.verification.enabled) else { return Ok(after) };
    match verification::send_for(service, context, identity, address, origin).await {
        Ok(Some(begun)) if shows => {
            let flow = VerificationFlow::of(&begun, &address.value, config);
            after.continue_with.push(ContinueWith::ShowVerificationUi { flow });
        }
        // Signing in does not depend on it.
        Ok(_) | Err(FlowError::TooMany(_)) => {}
        Err(error) => return Err(error),
    }
    Ok(after)
}

/// The verification to pass first, if the identity has addresses but none is proven. Its code is on its way.
async fn unverified(
    service: &IdentityService,
    context: &RequestContext,
    identity: &Identity,
    origin: Origin,
) -> Result<Option<VerificationFlow>, FlowError> {
    if identity.verifiable_addresses.iter().any(|address| address.verified) {
        return Ok(None);
    }
    let Some(address) = identity.verifiable_addresses.first() else { return Ok(None) };
    let begun = match verification::send_for(service, context, identity, address, origin.clone()).await? {
        Some(begun) => begun,
        // The address cannot be written to; another may be entered.
        None => verification::blank(service, context, origin).await?,
    };
    Ok(Some(VerificationFlow::of(&begun, &address.value, &service.config.load())))
}
