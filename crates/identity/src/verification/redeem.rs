//! Entering a code or token: what hooks say to that, and what is stored.

use std::collections::BTreeSet;

use orrery_core::event::NewEvent;
use orrery_core::{StoreError, TokenHash};

use super::pending::Pending;
use super::{Memory, address};
use crate::config::Hook;
use crate::flow::{Flow, FlowError, FlowMethod, PlacedMessage};
use crate::hooks::{After, Caller, Changes};
use crate::store::{Redeemed, VerifiedChange};

/// A code or token that is being entered.
pub(super) struct Entered<'a> {
    pub(super) flow: &'a Flow,
    /// The flow as it is afterwards.
    pub(super) passed: &'a Flow,
    pub(super) codes: &'a [TokenHash],
    pub(super) max_submissions: u32,
}

impl Entered<'_> {
    /// Whether it is the right one. Nothing is used up by asking, and nothing is counted.
    async fn fits(&self, caller: Caller<'_>) -> Result<bool, StoreError> {
        let Caller { service, context, .. } = caller;
        Ok(self.flow.submissions < self.max_submissions
            && service.flows.verification_code_fits(context.project, self.flow.id, self.codes, context.now).await?)
    }
}

/// What the hooks say.
pub(super) enum Consulted {
    /// Go on, and tell others of it.
    Agreed(Vec<NewEvent>),
    /// Do not go on, for these reasons.
    Objected(Vec<PlacedMessage>),
}

/// Asks the hooks, if this is the right code. Nothing is used up by that.
pub(super) async fn consult(caller: Caller<'_>, entered: &Entered<'_>) -> Result<Consulted, FlowError> {
    let Caller { service, context, .. } = caller;
    let flow = entered.flow;
    let hooks = After { caller, flow: entered.passed, method: flow.active.unwrap_or(FlowMethod::Code) };
    let nothing = Consulted::Agreed(Vec::new());
    let Some(owner) = flow.identity_id.filter(|_| !hooks.is_empty()) else { return Ok(nothing) };
    if !entered.fits(caller).await? {
        return Ok(nothing);
    }
    let found = service.identities.identity_by_id(context.project, owner, &BTreeSet::new()).await?;
    let Some(mut identity) = found else { return Ok(nothing) };
    if let (Some(address), Some(via)) = (address(flow), Memory::of(flow).via) {
        identity.prove(via, address, context.now);
    }
    Ok(match hooks.ask(&mut identity, None, Changes::Ignored).await? {
        Some(messages) => Consulted::Objected(messages),
        None => Consulted::Agreed(hooks.tell(&identity, None).await?),
    })
}

/// Enters a code or token, and stores the change that waits for it, if there is one. A change that has become void makes
/// the code a wrong one.
pub(super) async fn redeem(
    caller: Caller<'_>,
    entered: &Entered<'_>,
    mut events: Vec<NewEvent>,
) -> Result<Redeemed, FlowError> {
    let Caller { service, context, config } = caller;
    let (project, now) = (context.project, context.now);
    let Entered { flow, passed, codes, max_submissions } = *entered;
    let redeemed = match Pending::of(flow) {
        None => service.flows.verification_redeem(project, passed, codes, max_submissions, &events, now).await?,
        Some(pending) => match pending.apply(service, context, flow).await? {
            // Counted like any other try.
            None => service.flows.verification_redeem(project, passed, &[], max_submissions, &[], now).await?,
            Some((before, after)) => {
                let settings = pending.settings_flow(flow, context, service);
                let hooks = After { caller, flow: &settings, method: FlowMethod::Profile };
                // Those that are waited for were asked when the change was made.
                if !hooks.is_empty() && entered.fits(caller).await? {
                    let session = service.sessions.session_by_id(project, pending.session).await?;
                    let session = session.map(|found| found.session);
                    events.extend(hooks.tell(&after, session.as_ref()).await?);
                }
                let kept = |kind| after.credentials.contains_key(kind);
                let change = VerifiedChange {
                    flow: passed.clone(),
                    codes: codes.to_vec(),
                    max_submissions,
                    removed: before.credentials.keys().filter(|kind| !kept(kind)).copied().collect(),
                    session: pending.session,
                    revoke_others: config.settings.after.hooks("profile").contains(&Hook::RevokeActiveSessions),
                    events: events.clone(),
                    identity: after,
                };
                match service.flows.verified_change(project, &change).await {
                    // Somebody else has the address, or the name, by now.
                    Err(StoreError::Conflict(_)) => Redeemed::Wrong,
                    redeemed => redeemed?,
                }
            }
        },
    };
    if matches!(redeemed, Redeemed::Done { .. }) {
        service.outbox.recorded(events.len());
    }
    Ok(redeemed)
}
