//! A change of an account that waits until its new address is proven (`verify_new_address`).

use std::collections::BTreeSet;

use orrery_core::event::NewEvent;
use orrery_core::id::SessionId;
use orrery_core::{RequestContext, StoreError, Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Memory, address};
use crate::IdentityService;
use crate::flow::{Flow, FlowError, FlowMethod, PlacedMessage};
use crate::hooks::{After, Caller, Changes};
use crate::identity::{Identity, every_credential};
use crate::store::{Redeemed, VerifiedChange};

/// The change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The session that it was made in, which must last until then.
    pub(crate) session: SessionId,
    /// The new address.
    pub(crate) address: String,
    /// The identity as it was last changed: another change in between makes this one void.
    pub(crate) unchanged_since: Timestamp,
    /// All traits, the new address among them.
    pub(crate) traits: Map<String, Value>,
}

impl Pending {
    /// Makes the verification wait with this change.
    pub(crate) fn store(self, flow: &mut Flow) {
        Memory { pending: Some(self), ..Memory::of(flow) }.store(flow);
    }

    /// The change that waits for the address that this flow is about.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        Memory::of(flow).pending.filter(|pending| address(flow) == Some(pending.address.as_str()))
    }

    /// The identity as it will be, unless it was changed or removed in between.
    async fn apply(
        &self,
        service: &IdentityService,
        context: &RequestContext,
        flow: &Flow,
    ) -> Result<Option<(Identity, Identity)>, StoreError> {
        let Some(owner) = flow.identity_id else { return Ok(None) };
        let found = service.identities.identity_by_id(context.project, owner, &every_credential()).await?;
        let Some(before) = found.filter(|identity| identity.updated_at == self.unchanged_since) else {
            return Ok(None);
        };
        let schemas = service.schemas.load_full();
        let mut after = before.clone();
        let accepted = schemas.get(&before.schema_id).is_some_and(|schema| {
            after.set_traits(schema, self.traits.clone(), context.now, &*service.entropy).is_ok()
        });
        let via = after.verifiable_addresses.iter().find(|address| address.value == self.address).map(|it| it.via);
        let proven = via.is_some_and(|via| after.prove(via, &self.address, context.now));
        Ok((accepted && proven).then_some((before, after)))
    }
}

/// A code or token that is being entered.
pub(super) struct Entered<'a> {
    pub(super) flow: &'a Flow,
    /// The flow as it is afterwards.
    pub(super) passed: &'a Flow,
    pub(super) codes: &'a [TokenHash],
    pub(super) max_submissions: u32,
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
    let (project, now) = (context.project, context.now);
    if flow.submissions >= entered.max_submissions
        || !service.flows.verification_code_fits(project, flow.id, entered.codes, now).await?
    {
        return Ok(nothing);
    }
    let found = service.identities.identity_by_id(project, owner, &BTreeSet::new()).await?;
    let Some(mut identity) = found else { return Ok(nothing) };
    if let (Some(address), Some(via)) = (address(flow), Memory::of(flow).via) {
        identity.prove(via, address, now);
    }
    Ok(match hooks.ask(&mut identity, None, Changes::Ignored).await? {
        Some(messages) => Consulted::Objected(messages),
        None => Consulted::Agreed(hooks.tell(&identity, None).await?),
    })
}

/// Enters a code or token, and stores the change that waits for it, if there is one. A change that has become void makes
/// the code a wrong one.
pub(super) async fn redeem(
    service: &IdentityService,
    context: &RequestContext,
    entered: &Entered<'_>,
    events: &[NewEvent],
) -> Result<Redeemed, StoreError> {
    let (project, now) = (context.project, context.now);
    let Entered { flow, passed, codes, max_submissions } = *entered;
    let Some(pending) = Pending::of(flow) else {
        return service.flows.verification_redeem(project, passed, codes, max_submissions, events, now).await;
    };
    let Some((before, after)) = pending.apply(service, context, flow).await? else {
        // Counted like any other try.
        return service.flows.verification_redeem(project, passed, &[], max_submissions, &[], now).await;
    };
    let change = VerifiedChange {
        flow: passed.clone(),
        codes: codes.to_vec(),
        max_submissions,
        removed: before.credentials.keys().copied().filter(|kind| !after.credentials.contains_key(kind)).collect(),
        identity: after,
        session: pending.session,
        events: events.to_vec(),
    };
    match service.flows.verified_change(project, &change).await {
        // Somebody else has the address, or the name, by now.
        Err(StoreError::Conflict(_)) => Ok(Redeemed::Wrong),
        redeemed => redeemed,
    }
}
