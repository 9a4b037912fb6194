//! Beginning a login: may it begin, and as what?

use std::collections::BTreeSet;

use orrery_core::RequestContext;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::code::{self, Sent};
use super::{Login, Memory, Offer};
use crate::IdentityService;
use crate::config::CodeSignIn;
use crate::credentials::CredentialKind;
use crate::credentials::code::addresses as code_addresses;
use crate::flow::{Encoding, Flow, FlowError, FlowKind, Origin, Submission, catalogue};
use crate::hooks::{self, Caller};
use crate::limits::Known;
use crate::session::{Aal, SessionWithIdentity};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct StartLogin {
    /// Where the flow comes from.
    pub origin: Origin,
    /// Whether to authenticate again although there is a session.
    pub refresh: bool,
    /// The level asked for.
    pub aal: Aal,
    /// The identity schema asked for.
    pub schema_id: Option<String>,
    /// The request's session and its token, if it is active.
    pub session: Option<(SessionWithIdentity, SecretString)>,
    /// Whether an app wants to exchange codes for the session.
    pub exchange: bool,
    /// Where the code of a second factor goes: a trait, or an address.
    pub via: Option<String>,
}

/// Begins a login and stores it: one insert, and one lookup when somebody is signed in.
///
/// # Errors
/// [`FlowError::FirstFactorNeeded`], [`FlowError::SessionAvailable`], [`FlowError::UnknownSchema`],
/// [`FlowError::UnknownAddress`] or storage trouble.
pub async fn start(service: &IdentityService, context: &RequestContext, asked: StartLogin) -> Result<Flow, FlowError> {
    let config = service.config.load();
    if asked.schema_id.as_deref().is_some_and(|schema| !config.may_choose_schema(schema)) {
        return Err(FlowError::UnknownSchema);
    }
    let mut flow = Flow::begin(FlowKind::Login, asked.origin, config.lifespans.login, context.now, &*service.entropy);
    flow.schema_id = asked.schema_id;
    let caller = Caller { service, context, config: &config };
    let Some((current, token)) = asked.session else {
        if asked.aal > Aal::Aal1 {
            return Err(FlowError::FirstFactorNeeded);
        }
        Memory { exchange: asked.exchange, ..Memory::default() }.store(&mut flow);
        hooks::begin(caller, &flow).await?;
        return Ok(flow);
    };
    if !asked.refresh && asked.aal <= current.session.aal {
        return Err(FlowError::SessionAvailable);
    }
    flow.identity_id = Some(current.identity.id);
    flow.session_id = Some(current.session.id);
    flow.requested_aal = asked.aal;
    flow.refresh = asked.refresh;
    let notice = if asked.refresh { &catalogue::LOGIN_REFRESH } else { &catalogue::LOGIN_SECOND_FACTOR };
    flow.messages.push(notice.message().on_form());
    let via = asked.via.as_deref().filter(|_| asked.aal > Aal::Aal1 && config.code.sign_in == CodeSignIn::SecondFactor);
    let offer = offer(service, context, &mut flow, &current, via).await?;
    Memory { offer: Some(offer.clone()), ..Memory::default() }.store(&mut flow);
    // What is called before the flow is called before anything is sent, too.
    hooks::begin(caller, &flow).await?;
    if !asked.refresh
        && let [only] = offer.codes.as_slice()
        && Memory::of(&flow).offers_code(&flow, &config)
    {
        let submitted = Submission::new(Map::new(), Encoding::Json);
        let known = Some(Known::Session(current.session.id, current.identity.id));
        let current = Some((current, token));
        let config = &config;
        let login = Login { service, context, config, submitted: &submitted, current, known, browser: None };
        match code::send_to_own(&login, flow, &offer.codes, Some(&only.value)).await? {
            Sent::Yes(flow) => return Ok(*flow),
            Sent::Refused(mut refused, message) => {
                refused.messages.push(message);
                flow = *refused;
            }
            Sent::FlowClosed => return Err(FlowError::Unknown),
        }
    }
    Ok(flow)
}

/// What whoever is signed in can use. A refresh does not ask who it is.
async fn offer(
    service: &IdentityService,
    context: &RequestContext,
    flow: &mut Flow,
    current: &SessionWithIdentity,
    via: Option<&str>,
) -> Result<Offer, FlowError> {
    let kinds = BTreeSet::from([CredentialKind::Password, CredentialKind::Code]);
    let identity = service.identities.identity_by_id(context.project, current.identity.id, &kinds).await?;
    let (mut credentials, traits) = identity.map(|it| (it.credentials, it.traits)).unwrap_or_default();
    let password = credentials.remove(&CredentialKind::Password);
    // A name that is only reserved has no password.
    let password = password.filter(|credential| credential.config.as_object().is_some_and(|it| !it.is_empty()));
    let mut codes = credentials.remove(&CredentialKind::Code).map(|it| code_addresses(&it)).unwrap_or_default();
    if let Some(via) = via {
        let named = code::spelled(trait_at(&traits, via).unwrap_or(via));
        codes.retain(|address| address.value == named);
        if codes.is_empty() {
            return Err(FlowError::UnknownAddress);
        }
    }
    let name = password.as_ref().and_then(|credential| credential.identifiers.first());
    if let Some(name) = name.or_else(|| codes.first().map(|address| &address.value)).filter(|_| flow.refresh) {
        flow.values.insert(code::IDENTIFIER.to_owned(), Value::from(name.as_str()));
    }
    Ok(Offer { password: password.is_some(), codes })
}

/// The text of a trait, whose name may lead into objects (`contact.email`).
fn trait_at<'a>(traits: &'a Map<String, Value>, path: &str) -> Option<&'a str> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let value = traits.get(first)?;
    match rest {
        Some(rest) => trait_at(value.as_object()?, rest),
        None => value.as_str(),
    }
}
