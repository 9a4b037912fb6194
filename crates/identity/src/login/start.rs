//! Beginning a login: may it begin, and as what?

use std::collections::BTreeSet;

use orrery_core::RequestContext;
use serde_json::Value;

use super::render::Offer;
use crate::IdentityService;
use crate::credentials::CredentialKind;
use crate::flow::{Flow, FlowError, FlowKind, Origin, catalogue};
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
    /// The request's session, if it is active.
    pub session: Option<SessionWithIdentity>,
}

/// Begins a login and stores it: one insert, and one lookup when it is a refresh.
///
/// # Errors
/// [`FlowError::FirstFactorNeeded`], [`FlowError::SessionAvailable`], [`FlowError::UnknownSchema`] or storage trouble.
pub async fn start(service: &IdentityService, context: &RequestContext, asked: StartLogin) -> Result<Flow, FlowError> {
    let config = service.config.load();
    if asked.schema_id.as_deref().is_some_and(|schema| !config.may_choose_schema(schema)) {
        return Err(FlowError::UnknownSchema);
    }
    let mut flow = Flow::begin(FlowKind::Login, asked.origin, config.lifespans.login, context.now, &*service.entropy);
    flow.schema_id = asked.schema_id;
    match asked.session {
        None if asked.aal > Aal::Aal1 => return Err(FlowError::FirstFactorNeeded),
        None => {}
        Some(current) => {
            flow.identity_id = Some(current.identity.id);
            flow.session_id = Some(current.session.id);
            flow.requested_aal = asked.aal;
            if asked.refresh {
                refresh(service, context, &mut flow, &current).await?;
            } else if asked.aal > current.session.aal {
                flow.messages.push(catalogue::LOGIN_SECOND_FACTOR.message().on_form());
            } else {
                return Err(FlowError::SessionAvailable);
            }
        }
    }
    service.flows.flow_create(context.project, &flow).await?;
    Ok(flow)
}

/// A refresh offers only what the identity has, and does not ask who it is.
async fn refresh(
    service: &IdentityService,
    context: &RequestContext,
    flow: &mut Flow,
    current: &SessionWithIdentity,
) -> Result<(), FlowError> {
    flow.refresh = true;
    flow.messages.push(catalogue::LOGIN_REFRESH.message().on_form());
    let kinds = BTreeSet::from([CredentialKind::Password]);
    let identity = service.identities.identity_by_id(context.project, current.identity.id, &kinds).await?;
    let password = identity.and_then(|mut identity| identity.credentials.remove(&CredentialKind::Password));
    let mut offer = Offer::default();
    if let Some(credential) = password {
        offer.password = true;
        if let Some(identifier) = credential.identifiers.first() {
            flow.values.insert("identifier".to_owned(), Value::String(identifier.clone()));
        }
    }
    flow.context = offer.into_context();
    Ok(())
}
