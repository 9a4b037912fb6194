//! Registering with a code: it goes to the first address that codes may go to, and whoever enters it has an account with
//! that address proven.
//!
//! Until then nothing tells whether somebody else has the address: whoever cannot read its mail does not learn it.

use orrery_core::secret::Purpose;
use orrery_courier::compose::TemplateData;
use serde_json::{Map, Value};

use super::submit::show;
use super::{Memory, Registered, Registering, Screen, complete, typed};
use crate::credentials::CredentialKind;
use crate::credentials::code::{self, CodeAddress};
use crate::flow::sending::{Delivered, Parcel, deliver};
use crate::flow::steps::{again, invalid, required};
use crate::flow::{Flow, FlowError, FlowMethod, FlowState, Submitted, catalogue, one_time};
use crate::identity::Identity;
use crate::limits::{Door, Entry};
use crate::schema::{IdentitySchema, TraitError};
use crate::session::{Aal, AuthenticationMethod, UsedMethod};
use crate::store::CodeTried;

/// The button that asks for another code.
pub(super) const RESEND: &str = "resend";

type Answer = Result<Submitted<Registered>, FlowError>;

/// Sends a code, or enters one.
pub(super) async fn submit(
    registering: Registering<'_>,
    mut flow: Flow,
    schema: &IdentitySchema,
    traits: Map<String, Value>,
) -> Answer {
    let Registering { service, context, submitted, .. } = registering;
    flow.active = Some(FlowMethod::Code);
    let sent = Memory::of(&flow).sent.filter(|_| flow.state == FlowState::SentEmail);
    if sent.is_some() && traits != typed(&flow) {
        let changed = vec![catalogue::TRAITS_CHANGED.message().on_form()];
        return again(service, context, flow, changed, None).await;
    }
    flow.values.insert("traits".to_owned(), Value::Object(traits.clone()));
    let identity = match draft(&registering, &flow, schema, traits) {
        Ok(identity) => identity,
        Err(errors) => {
            let mut messages = errors.into_iter().map(TraitError::placed).collect();
            show(&mut flow, Screen::Profile, &mut messages);
            return again(service, context, flow, messages, None).await;
        }
    };
    match (sent, submitted.text(RESEND), submitted.text("code")) {
        (Some(sent), None, Some(code)) => enter(registering, flow, identity, &sent, code).await,
        (Some(_), None, None) => again(service, context, flow, vec![required("code")], None).await,
        (Some(_) | None, _, _) => send(registering, flow, &identity).await,
    }
}

/// The identity as it will be. Its id is chosen when the first code is sent, which is for it and for nobody else.
fn draft(
    registering: &Registering<'_>,
    flow: &Flow,
    schema: &IdentitySchema,
    traits: Map<String, Value>,
) -> Result<Identity, Vec<TraitError>> {
    let (now, entropy) = (registering.context.now, &*registering.service.entropy);
    let mut identity = Identity::new(schema.id(), now, entropy);
    if let Some(id) = flow.identity_id {
        identity.id = id;
    }
    identity.set_traits(schema, traits, now, entropy)?;
    Ok(identity)
}

async fn send(registering: Registering<'_>, before: Flow, identity: &Identity) -> Answer {
    let Registering { service, context, config, .. } = registering;
    let credential = identity.credentials.get(&CredentialKind::Code);
    let Some(to) = credential.and_then(first_address) else {
        let mut flow = before;
        let mut messages = vec![catalogue::NO_IDENTIFIER.message().on_form()];
        show(&mut flow, Screen::Profile, &mut messages);
        return again(service, context, flow, messages, None).await;
    };
    let mut flow = before.clone();
    flow.state = FlowState::SentEmail;
    flow.identity_id = Some(identity.id);
    flow.messages = vec![catalogue::REGISTRATION_CODE_SENT.message().on_form()];
    flow.updated_at = context.now;
    Memory { sent: Some(to.clone()), ..Memory::of(&flow) }.store(&mut flow);
    let secret = one_time::digits(&*service.entropy);
    let data = TemplateData::RegistrationCodeValid {
        registration_code: secret.clone(),
        expires_in: config.code.lifespan,
        traits: Value::Object(identity.traits.clone()),
        oauth2_login_request: None,
    };
    let (secret, lifespan) = (secret.as_str(), config.code.lifespan);
    let owner = Some(identity.id);
    let parcel = Parcel { to: &to, owner, secret, lifespan, data, to_strangers: false, known: None };
    match deliver(service, context, config, flow, parcel).await? {
        Delivered::Sent(flow) => Ok(Submitted::Again(flow)),
        Delivered::TooMany => {
            let reason = "Too many messages were sent to this address. Please try again later.";
            again(service, context, before, vec![invalid(reason)], None).await
        }
        Delivered::FlowClosed => Err(FlowError::Unknown),
    }
}

/// Where the code goes: one code for one address, even where the schema lets several sign in.
fn first_address(credential: &crate::credentials::Credential) -> Option<CodeAddress> {
    let listed = code::addresses(credential);
    let first = credential.identifiers.first()?;
    listed.into_iter().find(|address| address.value == *first)
}

async fn enter(
    registering: Registering<'_>,
    flow: Flow,
    mut identity: Identity,
    sent: &CodeAddress,
    code: &str,
) -> Answer {
    let Registering { service, context, config, .. } = registering;
    let (project, code) = (context.project, one_time::compact(code));
    let door = Door::code(project, &sent.value, &service.keyring);
    let lookup = || async { Ok::<_, FlowError>(((), service.attempts.attempts(project, door.counter()).await?)) };
    let pass = match service.doors.attempt(door, &config.limits, context.now, lookup).await? {
        Entry::Admitted(attempt) => attempt.pass,
        Entry::Refused { .. } => {
            let reason = "Too many wrong codes were entered for this address. Please try again later.";
            return again(service, context, flow, vec![invalid(reason)], None).await;
        }
    };
    let name = one_time::name(&flow, if one_time::is_plausible(&code) { &code } else { "" });
    let hashes: Vec<_> = service.keyring.candidates(Purpose::OneTimeCode, &name).collect();
    let (place, limit) = ((flow.kind, flow.id), config.code.max_submissions);
    match service.flows.code_try(project, place, &hashes, limit, context.now).await? {
        CodeTried::Right { identity: owner, .. } if owner == identity.id => {
            identity.prove(sent.via, &sent.value, context.now);
            let used = UsedMethod::now(AuthenticationMethod::Code, Aal::Aal1, context.now);
            let chosen = complete::Chosen { method: FlowMethod::Code, used, code: Some(hashes) };
            let answer = complete::complete(registering, flow, identity, chosen).await?;
            if let (Submitted::Done(_), Some(counter)) = (&answer, pass.counter_to_clear()) {
                service.attempts.attempts_clear(project, counter).await?;
            }
            Ok(answer)
        }
        CodeTried::Right { .. } | CodeTried::Wrong => {
            let told = vec![catalogue::REGISTRATION_CODE_INVALID.message().on_form()];
            let failure = door.failure(&config.limits, context.now);
            let answer = again(service, context, flow, told, Some(&failure)).await;
            drop(pass);
            answer
        }
        CodeTried::TooMany => {
            let reason = "Too many wrong codes were entered. Please begin again.";
            again(service, context, flow, vec![invalid(reason)], None).await
        }
        CodeTried::FlowClosed => {
            let mut flow = flow;
            flow.messages = vec![catalogue::REGISTRATION_COMPLETED.message().on_form()];
            Ok(Submitted::Again(Box::new(flow)))
        }
    }
}
