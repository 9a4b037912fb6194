//! What the login application reads and decides (`/admin/oauth2/auth/requests/login`).

use orrery_core::{RequestContext, StoreError};
use serde_json::{Map, Value};

use super::seal::{Kind, Sealer};
use super::{
    AuthorizationFlow, AuthorizationRequest, Decision, FlowState, LoginAccepted, LoginChallenge, Rejection, keep,
};
use crate::authorize::{Parameters, client_id, endpoint, request_of, unknown_client};
use crate::client::Client;
use crate::config::Config;
use crate::consent::LONGEST;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::Stepped;

/// Longest subject, in characters.
const MAX_SUBJECT: usize = 255;
/// Longest texts of a rejection, in characters: they travel in an address.
const MAX_REJECTION: usize = 1000;

/// A challenge cannot be used.
#[derive(Debug)]
pub enum ChallengeError {
    /// It is not one of ours, or what it names is gone: 404.
    Unknown,
    /// It has expired: 401.
    Expired {
        /// Where the browser begins again, if that is known and makes sense.
        restart: Option<String>,
    },
    /// Somebody has decided already: 410. Here the browser may go instead. Whoever holds a login challenge need not be the
    /// one who was signed in with it, so that this never is the decision itself.
    Handled(String),
    /// Anything else.
    Other(OAuth2Error),
}

impl From<OAuth2Error> for ChallengeError {
    fn from(error: OAuth2Error) -> Self {
        Self::Other(error)
    }
}

impl From<StoreError> for ChallengeError {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

/// A login request that waits for a decision.
#[derive(Debug)]
pub struct LoginRequest {
    /// What is known of the browser.
    pub challenge: LoginChallenge,
    /// What the client asks for.
    pub request: AuthorizationRequest,
    /// Who asks.
    pub client: Client,
}

/// What a login application says of somebody who signed in (`acceptOAuth2LoginRequest`).
#[derive(Debug, Clone, Default)]
pub struct AcceptLogin {
    /// Who.
    pub subject: String,
    /// Remember the browser.
    pub remember: bool,
    /// For how many seconds; 0 for as long as is configured.
    pub remember_for: u64,
    /// A remembered session is to live longer.
    pub extend_session_lifespan: bool,
    /// `acr`.
    pub acr: String,
    /// `amr`.
    pub amr: Vec<String>,
    /// The identity's session behind it.
    pub identity_session: Option<orrery_core::id::SessionId>,
    /// Verbatim `sub` for pairwise clients.
    pub force_subject_identifier: Option<String>,
    /// For the consent application.
    pub context: Value,
}

/// The login request of a challenge.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn read_login(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
) -> Result<LoginRequest, ChallengeError> {
    let config = service.config.load_full();
    let challenge = keep::open(service, context, text).await?.ok_or_else(|| late_or_unknown(service, context, text))?;
    if challenge.requested_at + config.ttl.login_consent_request <= context.now {
        let asked = || format!("{}?{}", endpoint(&config, "/oauth2/auth"), challenge.parameters.to_query());
        // What was pushed is good once, and a device shows its code itself.
        let restart = (challenge.pushed.is_none() && challenge.device.is_none()).then(asked);
        return Err(ChallengeError::Expired { restart });
    }
    if let Some(found) = service.authorizations.authorization_by_id(context.project, challenge.id, context.now).await? {
        return Err(ChallengeError::Handled(found.flow.request.request_url));
    }
    let id = client_id(&challenge.parameters).map_err(|refused| refused.error)?;
    let begun = service.authorizations.authorization_begin(context.project, &id, &[], context.now).await?;
    let client = begun.ok_or_else(|| unknown_client().error)?.client;
    let request = request_of(&challenge, &client, &config).map_err(|refused| refused.error)?;
    Ok(LoginRequest { challenge, request, client })
}

/// Somebody signed in. Says where the browser goes.
///
/// # Errors
/// See [`ChallengeError`]; `invalid_request` for a subject that cannot be one.
pub async fn accept_login(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    accept: AcceptLogin,
) -> Result<String, ChallengeError> {
    let LoginRequest { challenge, request, .. } = read_login(service, context, text).await?;
    if accept.subject.is_empty() || accept.subject.chars().count() > MAX_SUBJECT {
        let reason = format!("The member 'subject' must have 1 to {MAX_SUBJECT} characters.");
        return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason).into());
    }
    let (skip, authenticated_at) = match &challenge.remembered {
        Some(remembered) if remembered.subject == accept.subject => (true, remembered.authenticated_at),
        // Somebody else: they have to sign in, and nothing has been decided.
        Some(_) if challenge.device.is_some() => {
            let reason = "Somebody else is remembered in this browser (skip). Accept with that subject, or end their \
                          login session and have the code typed again.";
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, reason).into());
        }
        Some(_) => {
            let query = Parameters::default()
                .with("client_id", request.client.as_str())
                .with("prompt", "login")
                .with("login_challenge", text)
                .to_query();
            return Ok(format!("{}?{query}", endpoint(&service.config.load(), "/oauth2/auth")));
        }
        None => (false, context.now),
    };
    let identity_session = match accept.identity_session {
        Some(id) if service.sign_in.is_session(context.project, id).await? => Some(id),
        Some(_) | None => None,
    };
    let accepted = LoginAccepted {
        subject: accept.subject,
        authenticated_at,
        remember: (accept.remember || skip).then(|| accept.remember_for.min(LONGEST)),
        extend_session_lifespan: accept.extend_session_lifespan,
        acr: accept.acr,
        amr: accept.amr,
        identity_session,
        force_subject_identifier: accept.force_subject_identifier.filter(|forced| !forced.is_empty()),
        context: accept.context,
        claims: Map::new(),
    };
    decide(service, context, challenge, request, Decision::Accepted(accepted)).await
}

/// Nobody signed in. Says where the browser goes.
///
/// # Errors
/// See [`ChallengeError`].
pub async fn reject_login(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    rejection: Rejection,
) -> Result<String, ChallengeError> {
    let LoginRequest { challenge, request, .. } = read_login(service, context, text).await?;
    decide(service, context, challenge, request, Decision::Rejected(rejection.bounded())).await
}

async fn decide(
    service: &OAuth2Service,
    context: &RequestContext,
    challenge: LoginChallenge,
    request: AuthorizationRequest,
    login: Decision<LoginAccepted>,
) -> Result<String, ChallengeError> {
    let config = service.config.load_full();
    let flow = AuthorizationFlow {
        id: challenge.id,
        state: FlowState::LoginDecided,
        request,
        browser: challenge.browser,
        device: challenge.device,
        session: challenge.session,
        login_skip: challenge.remembered.is_some(),
        login,
        consent_skip: false,
        consent: None,
        requested_at: challenge.requested_at,
        expires_at: challenge.requested_at + config.ttl.login_consent_request,
    };
    let next = verifier(service, context, &config, &flow);
    match service.authorizations.login_decide(context.project, &flow, context.now).await? {
        Stepped::Done => Ok(next),
        Stepped::TooLate | Stepped::SignedOut => Err(ChallengeError::Handled(flow.request.request_url)),
    }
}

/// Where the browser brings the decision.
fn verifier(service: &OAuth2Service, context: &RequestContext, config: &Config, flow: &AuthorizationFlow) -> String {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let verifier = sealer.name(Kind::LoginVerifier, flow.id, flow.expires_at, &*service.entropy);
    format!("{}?login_verifier={verifier}", endpoint(config, "/oauth2/auth"))
}

/// A stored request that is gone has expired; everything else was never ours.
fn late_or_unknown(service: &OAuth2Service, context: &RequestContext, text: &str) -> ChallengeError {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    match sealer.named(Kind::StoredLogin, text) {
        Some((_, expires_at)) if expires_at <= context.now => ChallengeError::Expired { restart: None },
        Some(_) | None => ChallengeError::Unknown,
    }
}

impl Rejection {
    /// The same, fit to be sent to a client: `access_denied` when nothing was said, no character that RFC 6749 section
    /// 4.1.2.1 forbids, and no longer than an address can carry.
    #[must_use]
    pub fn bounded(self) -> Self {
        let allowed = |c: char| matches!(c, ' '..='~') && c != '"' && c != '\\';
        let clean = |text: &str| -> String {
            text.chars().take(MAX_REJECTION).map(|c| if allowed(c) { c } else { '\'' }).collect()
        };
        let error = clean(&self.error);
        Self {
            error: if error.is_empty() { ErrorCode::AccessDenied.parts().0.to_owned() } else { error },
            error_description: clean(&self.error_description),
            status_code: self.status_code,
        }
    }
}
