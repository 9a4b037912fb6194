//! A change of an account that waits until its new address is proven (`verify_new_address`).

use orrery_core::id::SessionId;
use orrery_core::{RequestContext, StoreError, Timestamp, TokenHash};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Memory, address};
use crate::IdentityService;
use crate::flow::Flow;
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

/// Enters a code or token, and stores the change that waits for it, if there is one. A change that has become void makes
/// the code a wrong one.
pub(super) async fn redeem(
    service: &IdentityService,
    context: &RequestContext,
    flow: &Flow,
    passed: &Flow,
    codes: &[TokenHash],
    max_submissions: u32,
) -> Result<Redeemed, StoreError> {
    let (project, now) = (context.project, context.now);
    let Some(pending) = Pending::of(flow) else {
        return service.flows.verification_redeem(project, passed, codes, max_submissions, now).await;
    };
    let Some((before, after)) = pending.apply(service, context, flow).await? else {
        // Counted like any other try.
        return service.flows.verification_redeem(project, passed, &[], max_submissions, now).await;
    };
    let change = VerifiedChange {
        flow: passed.clone(),
        codes: codes.to_vec(),
        max_submissions,
        removed: before.credentials.keys().copied().filter(|kind| !after.credentials.contains_key(kind)).collect(),
        identity: after,
        session: pending.session,
    };
    match service.flows.verified_change(project, &change).await {
        // Somebody else has the address, or the name, by now.
        Err(StoreError::Conflict(_)) => Ok(Redeemed::Wrong),
        redeemed => redeemed,
    }
}
