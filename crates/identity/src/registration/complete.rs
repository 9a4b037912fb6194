//! Completing a registration: one step that writes the identity, its session and its verification.

use std::collections::BTreeSet;

use orrery_core::error::Conflict;
use orrery_core::{PageRequest, RequestContext, StoreError, TokenHash};
use serde_json::json;

use super::submit::show;
use super::{Memory, Registered, Registering, Screen};
use crate::IdentityService;
use crate::config::{Config, Hook};
use crate::credentials::CredentialKind;
use crate::flow::steps::again;
use crate::flow::{
    ContinueWith, Flow, FlowError, FlowMethod, FlowState, Origin, PlacedMessage, Submitted, VerificationFlow, catalogue,
};
use crate::hooks::{self, Caller, Changes};
use crate::identity::Identity;
use crate::session::{self, UsedMethod};
use crate::store::{Completion, IdentityFilter, RegistrationDone};
use crate::verification::{self, Begun};

/// How somebody will sign in.
pub(super) struct Chosen {
    /// The method that they submitted.
    pub(super) method: FlowMethod,
    /// What their first session records of it.
    pub(super) used: UsedMethod,
    /// The code that was found to be right, and is used up.
    pub(super) code: Option<Vec<TokenHash>>,
}

/// Stores the identity, unless somebody else has one of its names or addresses.
pub(super) async fn complete(
    registering: Registering<'_>,
    mut flow: Flow,
    mut identity: Identity,
    chosen: Chosen,
) -> Result<Submitted<Registered>, FlowError> {
    let Registering { service, context, config, browser, .. } = registering;
    let Chosen { method, used, code } = chosen;
    let before = flow.clone();
    let caller = Caller { service, context, config };
    flow.state = FlowState::PassedChallenge;
    flow.identity_id = Some(identity.id);
    let asking = hooks::After { caller, flow: &flow, method };
    if let Some(mut messages) = asking.ask(&mut identity, None, Changes::Taken).await? {
        let mut flow = before;
        let about_password = messages.iter().any(|placed| placed.node.as_deref() == Some("password"));
        show(&mut flow, if about_password { Screen::Credentials } else { Screen::Profile }, &mut messages);
        return again(service, context, flow, messages, None).await;
    }
    let hooks = config.registration.after.hooks(method.as_str());
    // The session comes last, whatever its place in the list; there is none for somebody whom a hook has disabled.
    let issued = (hooks.contains(&Hook::Session) && identity.is_active())
        .then(|| session::issue(identity.id, used, &config.session, context, &*service.entropy));
    let csrf = browser.map(|browser| if issued.is_some() { browser.next } else { browser.present });
    let verification = verification(service, context, &flow, &identity, csrf);
    flow.session_id = issued.as_ref().map(|issued| issued.session.id);
    flow.completed_at = Some(context.now);
    flow.updated_at = context.now;
    if let Some((_, address)) = &verification {
        identity.sent_to(address, context.now);
    }
    let telling = hooks::After { caller, flow: &flow, method };
    let events = telling.tell(&identity, issued.as_ref().map(|issued| &issued.session)).await?;
    // The account has them now; the flow need not remember.
    flow.values.clear();
    let mut done = RegistrationDone {
        flow,
        identity,
        session: issued.as_ref().map(|issued| issued.write(&service.keyring)),
        code,
        verification: None,
        messages: Vec::new(),
        events,
    };
    let mut continue_with = Vec::new();
    if let Some((begun, address)) = verification {
        if hooks.contains(&Hook::ShowVerificationUi) {
            let flow = VerificationFlow::of(&begun.flow, &address, config);
            continue_with.push(ContinueWith::ShowVerificationUi { flow });
        }
        done.verification = Some((begun.flow, begun.code));
        done.messages.extend(begun.message);
    }
    match service.flows.registration_complete(context.project, &done).await {
        Ok(Completion::Done) => {
            service.wake.enqueued(done.messages.len());
            service.outbox.recorded(done.events.len());
            let session = issued.map(|issued| (issued.session, issued.token));
            let RegistrationDone { flow, identity, .. } = done;
            Ok(Submitted::Done(Box::new(Registered { flow, method, identity, session, continue_with })))
        }
        Ok(Completion::FlowClosed | Completion::Inactive) => {
            let mut flow = before;
            flow.messages = vec![catalogue::REGISTRATION_COMPLETED.message().on_form()];
            Ok(Submitted::Again(Box::new(flow)))
        }
        Ok(Completion::CodeUsed) => {
            let told = vec![catalogue::REGISTRATION_CODE_INVALID.message().on_form()];
            again(service, context, before, told, None).await
        }
        Err(StoreError::Conflict(
            Conflict::CredentialIdentifier | Conflict::VerifiableAddress | Conflict::RecoveryAddress,
        )) => {
            let mut flow = before;
            let mut messages = vec![taken(service, context, config, &done.identity).await?];
            show(&mut flow, Screen::Profile, &mut messages);
            again(service, context, flow, messages, None).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The verification of the first address, which begins together with the account.
fn verification(
    service: &IdentityService,
    context: &RequestContext,
    flow: &Flow,
    identity: &Identity,
    csrf: Option<TokenHash>,
) -> Option<(Begun, String)> {
    if !service.config.load().verification.enabled {
        return None;
    }
    let address = identity.verifiable_addresses.iter().find(|address| !address.verified)?;
    let mut origin = Origin::of(flow, csrf);
    origin.return_to = Memory::of(flow).after_verification_return_to.or(origin.return_to);
    verification::begin_for(service, context, identity, address, origin).map(|begun| (begun, address.value.clone()))
}

/// What to say about a taken name: that it is, and with hints, how its owner can sign in.
async fn taken(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    refused: &Identity,
) -> Result<PlacedMessage, FlowError> {
    let plain = catalogue::IDENTIFIER_TAKEN.message().on_form();
    let names = refused.credentials.values().flat_map(|it| it.identifiers.iter().cloned());
    let identifiers: Vec<_> = names.collect::<BTreeSet<_>>().into_iter().collect();
    if identifiers.is_empty() || !config.registration.login_hints {
        return Ok(plain);
    }
    let filter = IdentityFilter { credentials_identifier: Some(identifiers.clone()), ..IdentityFilter::default() };
    let kinds = BTreeSet::from(CredentialKind::ALL);
    let page = PageRequest::Keyset { size: 1, after: None };
    let owners = service.identities.identity_list(context.project, &filter, &kinds, &page).await?;
    let Some(owner) = owners.items.into_iter().next() else { return Ok(plain) };
    let hint = identifiers.iter().find(|it| owner.credentials.values().any(|owned| owned.identifiers.contains(it)));
    let usable = owner.credentials.values().filter(|it| it.config.as_object().is_some_and(|it| !it.is_empty()));
    let usable: Vec<_> = usable.map(|credential| credential.kind.as_str()).collect();
    let providers = owner.credentials.get(&CredentialKind::Oidc).map_or(&[][..], |it| &it.identifiers);
    let providers: Vec<_> = providers.iter().filter_map(|it| it.split(':').next()).collect();
    Ok(catalogue::IDENTIFIER_TAKEN_HINTS
        .with([
            ("available_credential_types", json!(usable)),
            ("available_oidc_providers", json!(providers)),
            ("credential_identifier_hint", json!(hint)),
        ])
        .on_form())
}
