//! The exchange of a session token that a browser earned for an app: the app begins a flow and keeps one code, the browser
//! comes back to it with the other, and both together are worth the session.
//!
//! The codes are derived from the flow under the operator's secrets, so that nothing is stored for flows that never get so far. The
//! exchange takes the finished flow away, which makes it happen once, and gives the session a token that nobody had before.

use orrery_core::id::FlowId;
use orrery_core::secret::Purpose;
use orrery_core::{Keyring, RequestContext, StoreError, TokenHash};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::{SessionWithIdentity, issue};
use crate::IdentityService;
use crate::flow::message::MessageType;
use crate::flow::{Flow, FlowKind};
use crate::store::Exchanged;
use crate::{login, registration};

/// Digits of a flow's id, with which each code begins.
const ID: usize = 32;
/// Letters and digits of the secret after it.
const SECRET: usize = 32;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Which of the two codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Half {
    /// The app's.
    Init,
    /// The browser's.
    ReturnTo,
}

/// What became of an exchange.
#[derive(Debug)]
pub enum Outcome {
    /// The session and its token.
    Session(Box<SessionWithIdentity>, SecretString),
    /// The flow has to be corrected first.
    Failed(Box<Flow>),
    /// The codes are wrong, do not belong together, were used, or nobody has signed in yet.
    NotReady,
}

/// The code for the app that begins this flow, if it asked for one.
#[must_use]
pub fn init_code(flow: &Flow, keyring: &Keyring) -> Option<String> {
    is_wanted(flow).then(|| code(flow.id, keyring.hash(Purpose::ExchangeCode, &name(flow.kind, flow.id, Half::Init))))
}

/// The code for the browser that comes back to the app, if the app asked for one. For methods that end in a redirect.
#[must_use]
pub fn return_to_code(flow: &Flow, keyring: &Keyring) -> Option<String> {
    let name = name(flow.kind, flow.id, Half::ReturnTo);
    is_wanted(flow).then(|| code(flow.id, keyring.hash(Purpose::ExchangeCode, &name)))
}

fn is_wanted(flow: &Flow) -> bool {
    match flow.kind {
        FlowKind::Login => login::Memory::of(flow).exchange,
        FlowKind::Registration => registration::Memory::of(flow).exchange,
        FlowKind::Settings | FlowKind::Recovery | FlowKind::Verification => false,
    }
}

fn name(kind: FlowKind, id: FlowId, half: Half) -> String {
    let half = match half {
        Half::Init => "init",
        Half::ReturnTo => "return-to",
    };
    format!("{}:{id}:{half}", kind.as_str())
}

fn code(id: FlowId, hash: TokenHash) -> String {
    let mut code = id.as_uuid().simple().to_string();
    code.extend(hash.0.iter().take(SECRET).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])));
    code
}

/// The flow that both codes belong to.
fn flow_of(init: &str, return_to: &str, keyring: &Keyring) -> Option<(FlowKind, FlowId)> {
    let id = init.get(..ID).filter(|_| init.len() == ID + SECRET && return_to.len() == ID + SECRET)?;
    let id = FlowId::from_uuid(Uuid::try_parse(id).ok()?);
    let fits = |kind, half, given: &str| {
        let name = name(kind, id, half);
        let mut hashes = keyring.candidates(Purpose::ExchangeCode, &name);
        hashes.any(|hash| bool::from(code(id, hash).as_bytes().ct_eq(given.as_bytes())))
    };
    let kinds = [FlowKind::Login, FlowKind::Registration].into_iter();
    let mut kinds = kinds.filter(|kind| fits(*kind, Half::Init, init) & fits(*kind, Half::ReturnTo, return_to));
    kinds.next().map(|kind| (kind, id))
}

/// Exchanges both codes for the session that their flow led to, once.
///
/// # Errors
/// Storage trouble.
pub async fn exchange(
    service: &IdentityService,
    context: &RequestContext,
    init: &str,
    return_to: &str,
) -> Result<Outcome, StoreError> {
    let Some((kind, id)) = flow_of(init, return_to, &service.keyring) else { return Ok(Outcome::NotReady) };
    let found = service.flows.flow_by_id(context.project, kind, id).await?;
    let Some(flow) = found.filter(|flow| is_wanted(flow) && !flow.is_expired(context.now)) else {
        return Ok(Outcome::NotReady);
    };
    if flow.completed_at.is_none() {
        let failed = flow.messages.iter().any(|placed| placed.message.kind == MessageType::Error);
        return Ok(if failed { Outcome::Failed(Box::new(flow)) } else { Outcome::NotReady });
    }
    let token = issue::token(&*service.entropy);
    let hash = service.keyring.hash(Purpose::SessionToken, token.expose_secret());
    Ok(match service.flows.flow_exchange(context.project, (kind, id), hash, context.now).await? {
        Exchanged::Session(session) => Outcome::Session(session, token),
        Exchanged::NotReady => Outcome::NotReady,
    })
}
