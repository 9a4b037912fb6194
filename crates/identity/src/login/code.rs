//! Signing in with a code: it goes to an address of the account, and whoever enters it is its owner.
//!
//! As first factor it is asked for by identifier. Whether anybody has that identifier is not to be seen: the code for
//! nobody is stored like any other, never matches, and its message is thrown away. As second factor, or to sign in once
//! more, it goes to an address of whoever is signed in.

use std::collections::BTreeSet;

use orrery_core::TokenHash;
use orrery_core::secret::Purpose;
use orrery_courier::compose::TemplateData;
use serde_json::{Value, json};

use super::complete::{self, Proven};
use super::guess::{Admission, Guess, locked};
use super::{Login, Memory, Outcome, password};
use crate::credentials::CredentialKind;
use crate::credentials::code::{self, CodeAddress};
use crate::flow::message::Message;
use crate::flow::sending::{Delivered, Parcel, about, deliver};
use crate::flow::steps::{again, invalid, required};
use crate::flow::{Flow, FlowError, FlowMethod, FlowState, PlacedMessage, Submitted, catalogue, one_time};
use crate::identity::Identity;
use crate::limits::{Door, Entry, Pass};
use crate::schema::normalize::normalize;
use crate::session::{Aal, AuthenticationMethod, UsedMethod};
use crate::store::{CodeTried, FailedAttempt};

/// The address that somebody chose.
pub(super) const ADDRESS: &str = "address";
/// The button that asks for another code.
pub(super) const RESEND: &str = "resend";
/// Where the identifier is typed.
pub(super) const IDENTIFIER: &str = "identifier";

type Answer = Result<Submitted<Outcome>, FlowError>;

/// Sends a code, or enters one.
pub(super) async fn submit(login: Login<'_>, mut flow: Flow) -> Answer {
    flow.active = Some(FlowMethod::Code);
    let submitted = login.submitted;
    let (typed, sent) = (typed(&login), Memory::of(&flow).sent.filter(|_| flow.state == FlowState::SentEmail));
    match (submitted.text(RESEND), submitted.text("code"), sent) {
        (None, Some(code), Some(sent)) => match typed {
            Some(typed) => {
                // A code that was sent to one address says nothing about another.
                let code = if spelled(typed) == sent.value { one_time::compact(code) } else { String::new() };
                enter(login, flow, &sent, &code).await
            }
            None => again(login.service, login.context, flow, vec![required(IDENTIFIER)], None).await,
        },
        (Some(_), _, Some(sent)) => send(&login, flow, Some(&sent.value)).await,
        // The same identifier once more asks for nothing: the code is still to come.
        (None, None, Some(sent)) if typed.is_none_or(|typed| spelled(typed) == sent.value) => {
            again(login.service, login.context, flow, vec![required("code")], None).await
        }
        (_, _, Some(_) | None) => send(&login, flow, typed).await,
    }
}

fn typed<'a>(login: &Login<'a>) -> Option<&'a str> {
    login.submitted.text(ADDRESS).or_else(|| password::identifier(login.submitted))
}

/// An address as it is stored.
pub(super) fn spelled(typed: &str) -> String {
    one_time::recognise(typed).map_or_else(|| normalize(typed), |(_, value)| value)
}

/// Sends a code to whoever is signed in, else to whoever has the identifier.
pub(super) async fn send(login: &Login<'_>, flow: Flow, typed: Option<&str>) -> Answer {
    let (service, context) = (login.service, login.context);
    let sent = match Memory::of(&flow).offer {
        Some(offer) => send_to_own(login, flow, &offer.codes, typed).await?,
        None => send_to_stranger(login, flow, typed).await?,
    };
    match sent {
        Sent::Yes(flow) => Ok(Submitted::Again(flow)),
        Sent::Refused(flow, message) => again(service, context, *flow, vec![message], None).await,
        Sent::FlowClosed => Err(FlowError::Unknown),
    }
}

/// What became of sending.
pub(super) enum Sent {
    /// It is on its way, and the flow stored.
    Yes(Box<Flow>),
    /// It is not, for this reason. Nothing is stored.
    Refused(Box<Flow>, PlacedMessage),
    /// The flow is over.
    FlowClosed,
}

async fn send_to_stranger(login: &Login<'_>, mut flow: Flow, typed: Option<&str>) -> Result<Sent, FlowError> {
    let Login { service, context, config, .. } = login;
    let Some(typed) = typed else { return Ok(Sent::Refused(Box::new(flow), required(IDENTIFIER))) };
    let Some((via, value)) = one_time::recognise(typed) else {
        let shown: String = typed.chars().take(100).collect();
        let message = catalogue::INVALID_EMAIL.with([("value", json!(shown))]).on_node(IDENTIFIER);
        return Ok(Sent::Refused(Box::new(flow), message));
    };
    let found = Guess::new(service, context, config, CredentialKind::Code, typed).find().await?;
    let to = CodeAddress { via, value };
    let owner = found.filter(|(_, credential)| code::addresses(credential).contains(&to)).map(|(identity, _)| identity);
    flow.values.insert(IDENTIFIER.to_owned(), Value::from(typed));
    let known = login
        .known
        .filter(|known| owner.as_ref().is_some_and(|owner| known.is_of(context.project, owner.id, &service.keyring)));
    let login = Login { known, current: None, ..*login };
    dispatch(&login, flow, to, owner.as_ref(), catalogue::LOGIN_CODE_SENT.message()).await
}

/// Sends to one of the addresses of whoever is signed in: the one that was chosen, or the only one.
pub(super) async fn send_to_own(
    login: &Login<'_>,
    mut flow: Flow,
    addresses: &[CodeAddress],
    chosen: Option<&str>,
) -> Result<Sent, FlowError> {
    let named = chosen.and_then(|chosen| addresses.iter().find(|address| address.value == spelled(chosen)));
    let to = match (named, addresses) {
        (Some(named), _) => named,
        // Who signs in once more is known by any of their names.
        (None, [first, ..]) if flow.requested_aal <= Aal::Aal1 && login.submitted.text(ADDRESS).is_none() => first,
        (None, _) if chosen.is_some() => {
            return Ok(Sent::Refused(Box::new(flow), catalogue::ADDRESS_UNKNOWN.message().on_form()));
        }
        (None, _) => return Ok(Sent::Refused(Box::new(flow), required(ADDRESS))),
    };
    let to = to.clone();
    flow.values.insert(IDENTIFIER.to_owned(), Value::from(to.value.as_str()));
    let Some((current, _)) = &login.current else { return Err(FlowError::SessionInactive) };
    if flow.identity_id != Some(current.identity.id) {
        return Err(FlowError::OtherIdentity);
    }
    dispatch(login, flow, to, Some(&current.identity), catalogue::LOGIN_CODE_SENT_AGAIN.message()).await
}

async fn dispatch(
    login: &Login<'_>,
    before: Flow,
    to: CodeAddress,
    owner: Option<&Identity>,
    message: Message,
) -> Result<Sent, FlowError> {
    let Login { service, context, config, .. } = *login;
    let mut flow = before.clone();
    flow.state = FlowState::SentEmail;
    flow.active = Some(FlowMethod::Code);
    flow.identity_id = owner.map(|identity| identity.id);
    flow.messages = vec![message.on_form()];
    flow.updated_at = context.now;
    Memory { sent: Some(to.clone()), ..Memory::of(&flow) }.store(&mut flow);
    let secret = one_time::digits(&*service.entropy);
    let data = TemplateData::LoginCodeValid {
        login_code: secret.clone(),
        expires_in: config.code.lifespan,
        identity: about(service, context, config, owner, &to),
        oauth2_login_request: None,
    };
    let parcel = Parcel {
        to: &to,
        owner: flow.identity_id,
        secret: &secret,
        lifespan: config.code.lifespan,
        data,
        to_strangers: false,
        known: login.known,
    };
    Ok(match deliver(service, context, config, flow, parcel).await? {
        Delivered::Sent(flow) => Sent::Yes(flow),
        Delivered::TooMany => {
            let reason = "Too many messages were sent to this address. Please try again later.";
            Sent::Refused(Box::new(before), invalid(reason))
        }
        Delivered::FlowClosed => Sent::FlowClosed,
    })
}

/// Enters a code that was sent to this address.
async fn enter(login: Login<'_>, flow: Flow, sent: &CodeAddress, code: &str) -> Answer {
    let Login { service, context, config, .. } = login;
    let guess = Guess::new(service, context, config, CredentialKind::Code, &sent.value);
    let admission = if flow.requested_aal > Aal::Aal1 {
        admit_second_factor(&login, sent).await?
    } else {
        guess.admit(login.known).await?
    };
    let (owner, failure, passes) = match admission {
        // Comparing a code takes no time that could tell.
        Admission::Open { found, stand_in: _, failure, passes } => (found.map(|found| found.0), failure, passes),
        Admission::Locked { retry_after } => {
            return again(service, context, flow, vec![locked(retry_after)], None).await;
        }
    };
    let name = one_time::name(&flow, if one_time::is_plausible(code) { code } else { "" });
    let hashes: Vec<_> = service.keyring.candidates(Purpose::OneTimeCode, &name).collect();
    let (place, limit) = ((flow.kind, flow.id), config.code.max_submissions);
    match (service.flows.code_try(context.project, place, &hashes, limit, context.now).await?, owner) {
        (CodeTried::Right { identity, .. }, Some(owner)) if owner.id == identity => {
            let proven = proven(owner, &flow, sent, hashes, passes, context.now);
            complete::complete(login, flow, proven).await
        }
        (CodeTried::Right { .. } | CodeTried::Wrong, _) => wrong(&login, flow, &failure).await,
        (CodeTried::TooMany, _) => {
            let reason = "Too many wrong codes were entered. Please begin again.";
            again(service, context, flow, vec![invalid(reason)], None).await
        }
        (CodeTried::FlowClosed, _) => {
            let mut flow = flow;
            flow.messages = vec![catalogue::LOGIN_COMPLETED.message().on_form()];
            Ok(Submitted::Again(Box::new(flow)))
        }
    }
}

async fn wrong(login: &Login<'_>, flow: Flow, failure: &FailedAttempt) -> Answer {
    let told = vec![catalogue::LOGIN_CODE_INVALID.message().on_form()];
    again(login.service, login.context, flow, told, Some(failure)).await
}

fn proven<'a>(
    owner: Identity,
    flow: &Flow,
    sent: &CodeAddress,
    code: Vec<TokenHash>,
    passes: Vec<Pass<'a>>,
    now: orrery_core::Timestamp,
) -> Proven<'a> {
    let aal = if flow.requested_aal > Aal::Aal1 { Aal::Aal2 } else { Aal::Aal1 };
    let mut addresses = owner.verifiable_addresses.iter();
    let unproven = addresses.any(|it| !it.verified && it.via == sent.via && it.value == sent.value);
    Proven {
        method: FlowMethod::Code,
        used: UsedMethod::now(AuthenticationMethod::Code, aal, now),
        upgraded: None,
        code: Some(code),
        address: unproven.then(|| (sent.via, sent.value.clone())),
        passes,
        identity: owner,
    }
}

/// Gets to the door of the second factor of whoever is signed in. The address must still be theirs.
async fn admit_second_factor<'a>(login: &Login<'a>, sent: &CodeAddress) -> Result<Admission<'a>, FlowError> {
    let Login { service, context, config, .. } = *login;
    let Some((current, _)) = &login.current else { return Err(FlowError::SessionInactive) };
    let (project, id) = (context.project, current.identity.id);
    let door = Door::second_factor(project, id, &service.keyring);
    let kinds = BTreeSet::from([CredentialKind::Code]);
    let entry = service.doors.attempt(door, &config.limits, context.now, async || {
        let found = service.identities.identity_by_id(project, id, &kinds).await?;
        let attempts = service.attempts.attempts(project, door.counter()).await?;
        Ok::<_, FlowError>((found, attempts))
    });
    Ok(match entry.await? {
        Entry::Admitted(attempt) => {
            let owner = attempt.found.and_then(|mut identity| {
                let credential = identity.credentials.remove(&CredentialKind::Code)?;
                code::addresses(&credential).contains(sent).then_some((identity, credential))
            });
            let failure = door.failure(&config.limits, context.now);
            Admission::Open { found: owner.map(Box::new), stand_in: None, failure, passes: vec![attempt.pass] }
        }
        Entry::Refused { retry_after } => Admission::Locked { retry_after },
    })
}
