//! A change of an account that waits until its new address is proven (`verify_new_address`).

use std::time::Duration;

use orrery_core::id::{FlowId, SessionId};
use orrery_core::{RequestContext, StoreError, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Memory, address};
use crate::IdentityService;
use crate::flow::{Flow, FlowKind, FlowMethod, FlowState, Origin, catalogue};
use crate::identity::{Identity, IdentityState, VerifiableAddress, Via, every_credential};

/// The change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    /// The session that it was made in, which must last until then.
    pub(super) session: SessionId,
    /// The new address.
    pub(super) address: String,
    /// The identity as it was last changed: another change in between makes this one void.
    unchanged_since: Timestamp,
    /// What the account is to be. Whatever follows from the traits follows from them anew.
    schema_id: String,
    traits: Map<String, Value>,
    state: IdentityState,
    external_id: Option<String>,
    metadata_public: Option<Value>,
    metadata_admin: Option<Value>,
    /// Addresses that a hook knows to be proven, or not to be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    proofs: Vec<Proof>,
    /// The settings flow that it was made in.
    made_in: MadeIn,
}

/// What is known about the proof of an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Proof {
    via: Via,
    value: String,
    verified: bool,
}

/// What is kept of the settings flow, which may be removed before the code is entered. The rest is what the verification
/// took over from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct MadeIn {
    id: FlowId,
    issued_at: Timestamp,
    expires_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transient_payload: Option<Value>,
}

impl Pending {
    /// What turns `before` into `after` once the address is proven.
    pub(crate) fn new(before: &Identity, after: &Identity, address: &str, session: SessionId, settings: &Flow) -> Self {
        let known = |via, value: &str| {
            let mut known = before.verifiable_addresses.iter();
            known.any(|it| it.via == via && it.value == value && it.verified)
        };
        let addresses = after.verifiable_addresses.iter().filter(|it| it.verified != known(it.via, &it.value));
        let proof = |it: &VerifiableAddress| Proof { via: it.via, value: it.value.clone(), verified: it.verified };
        Self {
            session,
            address: address.to_owned(),
            unchanged_since: before.updated_at,
            schema_id: after.schema_id.clone(),
            traits: after.traits.clone(),
            state: after.state,
            external_id: after.external_id.clone(),
            metadata_public: after.metadata_public.clone(),
            metadata_admin: after.metadata_admin.clone(),
            proofs: addresses.map(proof).collect(),
            made_in: MadeIn {
                id: settings.id,
                issued_at: settings.issued_at,
                expires_at: settings.expires_at,
                transient_payload: settings.transient_payload.clone(),
            },
        }
    }

    /// Makes the verification wait with this change.
    pub(crate) fn store(self, flow: &mut Flow) {
        Memory { pending: Some(self), ..Memory::of(flow) }.store(flow);
    }

    /// The change that waits for the address that this flow is about.
    pub(super) fn of(flow: &Flow) -> Option<Self> {
        Memory::of(flow).pending.filter(|pending| address(flow) == Some(pending.address.as_str()))
    }

    /// The identity as it was and as it will be, unless it was changed or removed in between.
    pub(super) async fn apply(
        &self,
        service: &IdentityService,
        context: &RequestContext,
        flow: &Flow,
    ) -> Result<Option<(Identity, Identity)>, StoreError> {
        let (now, entropy) = (context.now, &*service.entropy);
        let Some(owner) = flow.identity_id else { return Ok(None) };
        let found = service.identities.identity_by_id(context.project, owner, &every_credential()).await?;
        let Some(before) = found.filter(|identity| identity.updated_at == self.unchanged_since) else {
            return Ok(None);
        };
        let schemas = service.schemas.load_full();
        let Some(schema) = schemas.get(&self.schema_id) else { return Ok(None) };
        let mut after = before.clone();
        if after.set_traits(schema, self.traits.clone(), now, entropy).is_err() {
            return Ok(None);
        }
        if after.state != self.state {
            after.state = self.state;
            after.state_changed_at = now;
        }
        after.external_id.clone_from(&self.external_id);
        after.metadata_public.clone_from(&self.metadata_public);
        after.metadata_admin.clone_from(&self.metadata_admin);
        for Proof { via, value, verified } in &self.proofs {
            if *verified {
                after.prove(*via, value, now);
            } else {
                after.disprove(*via, value, now);
            }
        }
        let via = after.verifiable_addresses.iter().find(|address| address.value == self.address).map(|it| it.via);
        let proven = via.is_some_and(|via| after.prove(via, &self.address, now));
        Ok(proven.then_some((before, after)))
    }

    /// The settings flow as its hooks see it once the change is stored.
    pub(super) fn settings_flow(
        &self,
        verification: &Flow,
        context: &RequestContext,
        service: &IdentityService,
    ) -> Flow {
        let origin = Origin {
            transient_payload: self.made_in.transient_payload.clone(),
            ..Origin::of(verification, verification.csrf)
        };
        let mut flow = Flow::begin(FlowKind::Settings, origin, Duration::ZERO, context.now, &*service.entropy);
        flow.id = self.made_in.id;
        flow.issued_at = self.made_in.issued_at;
        flow.expires_at = self.made_in.expires_at;
        flow.state = FlowState::Success;
        flow.active = Some(FlowMethod::Profile);
        flow.identity_id = verification.identity_id;
        flow.session_id = Some(self.session);
        flow.messages = vec![catalogue::SETTINGS_SAVED.message().on_form()];
        flow
    }
}
