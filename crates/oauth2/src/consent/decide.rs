//! What the consent application reads and decides (`/admin/oauth2/auth/requests/consent`), and the built-in page does.

use orrery_core::RequestContext;
use serde_json::Value;

use super::LONGEST;
use crate::authorize::{Cookies, FlowCookie, endpoint, jar};
use crate::challenge::seal::{Kind, Sealer};
use crate::challenge::{
    AuthorizationFlow, ChallengeError, ConsentAccepted, Decision, FlowState, LoginAccepted, Rejection,
};
use crate::client::Client;
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::grant::SessionClaims;
use crate::service::OAuth2Service;
use crate::store::Stepped;
use crate::{audience, scope};

/// A consent request that waits for a decision.
#[derive(Debug)]
pub struct ConsentRequest {
    /// The authorization.
    pub flow: AuthorizationFlow,
    /// The login decision.
    pub login: LoginAccepted,
    /// Who asks.
    pub client: Client,
}

/// What a consent application says (`acceptOAuth2ConsentRequest`).
#[derive(Debug, Clone, Default)]
pub struct AcceptConsent {
    /// Granted scopes.
    pub scope: Vec<String>,
    /// Granted audiences.
    pub audience: Vec<String>,
    /// Claims to add.
    pub session: SessionClaims,
    /// Remember it.
    pub remember: bool,
    /// For how many seconds; 0 for ever.
    pub remember_for: u64,
    /// Replaces the login application's.
    pub context: Option<Value>,
}

/// The consent request of a challenge.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn read(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
) -> Result<ConsentRequest, ChallengeError> {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let (id, expires_at) = sealer.named(Kind::Consent, text).ok_or(ChallengeError::Unknown)?;
    let found = service.authorizations.authorization_by_id(context.project, id, context.now).await?;
    if expires_at <= context.now {
        let request = found.map(|found| found.flow).filter(|flow| flow.device.is_none()).map(|flow| flow.request);
        let restart = request.filter(|request| request.pushed.is_none()).map(|request| request.request_url);
        return Err(ChallengeError::Expired { restart });
    }
    let found = found.ok_or(ChallengeError::Unknown)?;
    match (found.flow.state, found.flow.login.clone()) {
        (FlowState::LoginUsed, Decision::Accepted(login)) => {
            Ok(ConsentRequest { flow: found.flow, login, client: found.client })
        }
        (FlowState::ConsentDecided | FlowState::Finished, _) => {
            Err(ChallengeError::Handled(verifier(service, context, &service.config.load(), &found.flow)))
        }
        (FlowState::LoginDecided, _) | (FlowState::LoginUsed, Decision::Rejected(_)) => Err(ChallengeError::Unknown),
    }
}

/// The same for the built-in page, which is shown only to the browser that began the authorization.
///
/// # Errors
/// `request_forbidden` for another browser; see [`ChallengeError`].
pub async fn read_for_browser(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    cookies: &Cookies,
) -> Result<ConsentRequest, ChallengeError> {
    let request = read(service, context, text).await?;
    let flow = &request.flow;
    match jar(service, &service.config.load()).is_flow_of(flow.id, flow.browser, cookies) {
        FlowCookie::Fits => Ok(request),
        FlowCookie::Missing | FlowCookie::Another => Err(OAuth2Error::new(
            ErrorCode::RequestForbidden,
            "This request was begun in another browser. Start again from the application.",
        )
        .into()),
    }
}

/// Grants what the application allows, as far as the client is registered for it. Says where the browser goes.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn accept(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    accept: AcceptConsent,
) -> Result<String, ChallengeError> {
    let ConsentRequest { flow, client, .. } = read(service, context, text).await?;
    let config = service.config.load_full();
    let mut granted = accept.scope;
    granted.retain(|scope| scope::allows(config.scope_strategy, &client.scope, scope));
    let mut audiences = accept.audience;
    audiences.retain(|name| audience::allows(&client.audience, name));
    let consent = ConsentAccepted {
        grant_scope: granted,
        grant_audience: audiences,
        session: accept.session,
        remember: accept.remember,
        remember_for: accept.remember_for.min(LONGEST),
        context: accept.context,
        handled_at: context.now,
    };
    decide(service, context, &config, flow, Decision::Accepted(consent)).await
}

/// Grants nothing. Says where the browser goes.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn reject(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    rejection: Rejection,
) -> Result<String, ChallengeError> {
    let ConsentRequest { flow, .. } = read(service, context, text).await?;
    let config = service.config.load_full();
    decide(service, context, &config, flow, Decision::Rejected(rejection.bounded())).await
}

async fn decide(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    flow: AuthorizationFlow,
    consent: Decision<ConsentAccepted>,
) -> Result<String, ChallengeError> {
    let next = verifier(service, context, config, &flow);
    let flow = AuthorizationFlow { state: FlowState::ConsentDecided, consent: Some(consent), ..flow };
    match service.authorizations.consent_decide(context.project, &flow).await? {
        Stepped::Done => Ok(next),
        Stepped::TooLate | Stepped::SignedOut => Err(ChallengeError::Handled(next)),
    }
}

/// Where the browser brings the decision.
fn verifier(service: &OAuth2Service, context: &RequestContext, config: &Config, flow: &AuthorizationFlow) -> String {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let verifier = sealer.name(Kind::ConsentVerifier, flow.id, flow.expires_at, &*service.entropy);
    format!("{}?consent_verifier={verifier}", endpoint(config, "/oauth2/auth"))
}
