//! Storing a change: hooks, verifications of new addresses, and one step that writes everything.

use std::collections::BTreeSet;

use orrery_core::StoreError;
use orrery_core::error::Conflict;

use super::submit::Change;
use super::{Outcome, Saved};
use crate::config::Hook;
use crate::flow::sending::count;
use crate::flow::steps::{again, invalid};
use crate::flow::{
    ContinueWith, Flow, FlowError, FlowMethod, FlowState, Origin, PlacedMessage, Submitted, VerificationFlow, catalogue,
};
use crate::hooks::{self, Caller, Changes};
use crate::identity::{Identity, VerifiableAddress};
use crate::store::{SettingsDone, SettingsStored};
use crate::verification::{self, Begun, Pending};

/// How often a change is computed anew because somebody else changed the identity in between.
pub(super) const TRIES: usize = 4;

/// What became of one try to store a change.
pub(super) enum Written {
    /// The submit is answered.
    Answer(Submitted<Outcome>),
    /// Somebody else changed the identity first: compute the change again.
    Stale,
}

/// What to say when others kept changing the identity.
pub(super) fn contended() -> PlacedMessage {
    invalid("Others changed this account at the same time. Please look at it and try again.")
}

/// Stores `after` in place of `before`, unless somebody else has one of its names or addresses.
pub(super) async fn store(
    change: &Change<'_>,
    flow: &Flow,
    method: FlowMethod,
    before: &Identity,
    mut after: Identity,
) -> Result<Written, FlowError> {
    let (service, context, config) = (change.service, change.context, change.config);
    let hooks = config.settings.after.hooks(method.as_str());
    let caller = Caller { service, context, config };
    let mut saved = flow.clone();
    saved.state = FlowState::Success;
    saved.messages = vec![catalogue::SETTINGS_SAVED.message().on_form()];
    saved.updated_at = context.now;
    let asking = hooks::After { caller, flow: &saved, method };
    let objections = asking.ask(&mut after, Some(&change.current.session), Changes::Taken).await?;
    if let Some(messages) = objections {
        return Ok(Written::Answer(again(service, context, flow.clone(), messages, None).await?));
    }
    if method == FlowMethod::Profile && hooks.contains(&Hook::VerifyNewAddress) && config.verification.enabled {
        match new_addresses(before, &after).as_slice() {
            [] => {}
            [address] => {
                let address = (*address).clone();
                return Ok(Written::Answer(wait_for_proof(change, flow, before, &after, &address).await?));
            }
            [..] => {
                let several = catalogue::SETTINGS_SEVERAL_ADDRESSES.message().on_form();
                let flow = show(change, flow, vec![several]).await?;
                return Ok(Written::Answer(Submitted::Done(Box::new(Outcome::Shown(Box::new(flow))))));
            }
        }
    }
    let begun = match verifications(change, flow, before, &after).await {
        Ok(begun) => begun,
        Err(FlowError::TooMany(_)) => {
            let reason = "Too many messages were sent to this address. Please try again later.";
            return Ok(Written::Answer(again(service, context, flow.clone(), vec![invalid(reason)], None).await?));
        }
        Err(error) => return Err(error),
    };
    let mut continue_with = Vec::new();
    if hooks.contains(&Hook::ShowVerificationUi) {
        let shown = begun.iter().map(|(begun, address)| VerificationFlow::of(&begun.flow, address, config));
        continue_with.extend(shown.map(|flow| ContinueWith::ShowVerificationUi { flow }));
    }
    let telling = hooks::After { caller, flow: &saved, method };
    let events = telling.tell(&after, Some(&change.current.session)).await?;
    // The account has them now; the flow need not remember.
    saved.values.clear();
    after.updated_at = context.now;
    for (_, address) in &begun {
        after.sent_to(address, context.now);
    }
    let kept: BTreeSet<_> = after.credentials.keys().copied().collect();
    let mut done = SettingsDone {
        flow: saved,
        removed: before.credentials.keys().copied().filter(|kind| !kept.contains(kind)).collect(),
        identity: after,
        session: change.current.session.id,
        revoke_others: hooks.contains(&Hook::RevokeActiveSessions),
        verifications: Vec::new(),
        messages: Vec::new(),
        events,
    };
    for (begun, _) in begun {
        done.verifications.push((begun.flow, begun.code));
        done.messages.extend(begun.message);
    }
    match service.flows.settings_complete(context.project, &done).await {
        Ok(SettingsStored::Done) => {
            service.wake.enqueued(done.messages.len());
            service.outbox.recorded(done.events.len());
            let session = (change.current.session.clone(), change.token.clone());
            let saved = Saved { flow: done.flow, method, session, continue_with };
            Ok(Written::Answer(Submitted::Done(Box::new(Outcome::Saved(Box::new(saved))))))
        }
        Ok(SettingsStored::Stale) => Ok(Written::Stale),
        Ok(SettingsStored::FlowClosed) => Err(FlowError::Unknown),
        Ok(SettingsStored::SignedOut) => Err(FlowError::SessionInactive),
        Err(StoreError::Conflict(
            Conflict::CredentialIdentifier | Conflict::VerifiableAddress | Conflict::RecoveryAddress,
        )) => {
            let taken = vec![catalogue::IDENTIFIER_TAKEN.message().on_form()];
            Ok(Written::Answer(again(service, context, flow.clone(), taken, None).await?))
        }
        Err(error) => Err(error.into()),
    }
}

/// Addresses that were not part of the account before.
fn new_addresses<'a>(before: &Identity, after: &'a Identity) -> Vec<&'a VerifiableAddress> {
    let known = |address: &VerifiableAddress| before.verifiable_addresses.iter().any(|old| old.id == address.id);
    after.verifiable_addresses.iter().filter(|address| !address.verified && !known(address)).collect()
}

/// Begins the verification that the change then waits for; the account stays as it is until the code is entered.
async fn wait_for_proof(
    change: &Change<'_>,
    flow: &Flow,
    before: &Identity,
    after: &Identity,
    address: &VerifiableAddress,
) -> Result<Submitted<Outcome>, FlowError> {
    let (service, context, config) = (change.service, change.context, change.config);
    if service.flows.verifiable_address(context.project, address.via, &address.value).await?.is_some() {
        let taken = vec![catalogue::IDENTIFIER_TAKEN.message().on_form()];
        return again(service, context, flow.clone(), taken, None).await;
    }
    match count(service, context, config, &address.value, None).await {
        Ok(()) => {}
        Err(FlowError::TooMany(_)) => {
            let reason = "Too many messages were sent to this address. Please try again later.";
            return again(service, context, flow.clone(), vec![invalid(reason)], None).await;
        }
        Err(error) => return Err(error),
    }
    let begun = verification::begin_for(service, context, before, address, Origin::of(flow, flow.csrf));
    let Some(mut begun) = begun else {
        let reason = "No message can be sent to this address.";
        return again(service, context, flow.clone(), vec![invalid(reason)], None).await;
    };
    Pending::new(before, after, &address.value, change.current.session.id, flow).store(&mut begun.flow);
    // The address is nobody's yet: there is none to be marked.
    let begun = begun.store(service, context, None).await?;
    let next = VerificationFlow::of(&begun, &address.value, config);
    let saved = Saved {
        flow: show(change, flow, Vec::new()).await?,
        method: FlowMethod::Profile,
        session: (change.current.session.clone(), change.token.clone()),
        continue_with: vec![ContinueWith::ShowVerificationUi { flow: next }],
    };
    Ok(Submitted::Done(Box::new(Outcome::Saved(Box::new(saved)))))
}

/// The flow with what is to be said, stored.
async fn show(change: &Change<'_>, flow: &Flow, messages: Vec<PlacedMessage>) -> Result<Flow, FlowError> {
    let mut flow = flow.clone();
    flow.messages = messages;
    flow.updated_at = change.context.now;
    change.service.flows.flow_update(change.context.project, &flow, None).await?;
    Ok(flow)
}

/// The verifications of addresses that are new, each with its address. Counted like every other message to an address.
async fn verifications(
    change: &Change<'_>,
    flow: &Flow,
    before: &Identity,
    after: &Identity,
) -> Result<Vec<(Begun, String)>, FlowError> {
    let mut begun = Vec::new();
    if !change.config.verification.enabled {
        return Ok(begun);
    }
    for address in new_addresses(before, after) {
        count(change.service, change.context, change.config, &address.value, None).await?;
        let origin = Origin::of(flow, flow.csrf);
        if let Some(next) = verification::begin_for(change.service, change.context, after, address, origin) {
            begun.push((next, address.value.clone()));
        }
    }
    Ok(begun)
}
