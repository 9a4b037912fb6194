//! The first leg: a browser arrives with a client's request.

use std::sync::Arc;

use orrery_core::id::{ChallengeId, LoginSessionId};
use orrery_core::{RequestContext, StoreError, TokenHash};
use serde_json::{Value, json};
use url::Url;

use super::cookies::Jar;
use super::level::{self, Level};
use super::meant::Meant;
use super::proceed::{self, Authorization};
use super::{
    CookieChange, Cookies, Next, Parameters, Refused, SignInFor, SignInState, SignedIn, Step, check, device, endpoint,
    hint, push, reauthentication,
};
use crate::challenge::{
    AuthorizationFlow, AuthorizationRequest, Decision, FlowState, LoginAccepted, LoginChallenge, Remembered, keep,
};
use crate::client::{Client, ClientId};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::session::LoginSession;
use crate::store::{Begins, Begun, SessionWrite};

/// Comes back from the built-in sign-in page.
const RESUME: &str = "login_challenge";
/// No browser yet: no cookie has this hash.
pub(super) const UNTIED: TokenHash = TokenHash([0; 32]);

/// Judges a request and says where the browser goes: to sign in, to consent, or back to the client.
///
/// # Errors
/// What is wrong with the request, and who is told.
pub async fn begin(
    service: &OAuth2Service,
    context: &RequestContext,
    parameters: Parameters,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let config = service.config.load_full();
    let jar = Jar { config: &config.cookies, keyring: &service.keyring };
    let client = client_id(&parameters)?;
    let sessions = jar.sessions(cookies);
    let begun = service.authorizations.authorization_begin(context.project, &client, &sessions, context.now).await?;
    let Begun { client, session } = begun.ok_or_else(unknown_client)?;
    let (parameters, pushed) = push::resolve(service, context, &config, &client, parameters).await?;
    let vouched_for = client.is_vouched_for();
    let silent = parameters.get("prompt") == Some("none");
    let remembered = session.is_some();
    let arrived = Arrived { client, session, parameters, pushed };
    match judge(service, context, Arc::clone(&config), arrived, cookies).await {
        // Whoever registers an address could otherwise send browsers there under our name, with a request that is wrong on
        // purpose. Renewing a sign-in in silence has nobody to ask, and somebody who is signed in.
        Err(refused) if !vouched_for && refused.path.is_some() => {
            let renews = silent && is_signed_in(service, context, &config, cookies, remembered).await?;
            Err(Refused { asks_first: !renews, ..refused })
        }
        judged => judged,
    }
}

/// What a browser brought.
struct Arrived {
    client: Client,
    session: Option<LoginSession>,
    parameters: Parameters,
    pushed: Option<TokenHash>,
}

async fn judge(
    service: &OAuth2Service,
    context: &RequestContext,
    config: Arc<Config>,
    arrived: Arrived,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let Arrived { client, session, parameters, pushed } = arrived;
    let request = check(&parameters, &client, &config)?;
    let hint = match parameters.get("id_token_hint") {
        None => None,
        Some(token) => match hint::read(service, context, &config, token).await {
            Ok(hint) => Some(hint.claims),
            Err(error) => return Err(Refused::to_client(error, &request)),
        },
    };
    let challenge = LoginChallenge {
        id: ChallengeId::generate(&*service.entropy),
        session: LoginSessionId::generate(&*service.entropy),
        requested_at: context.now,
        browser: UNTIED,
        remembered: None,
        hint,
        pushed,
        device: None,
        // What it says is known now.
        parameters: parameters.without(&["id_token_hint"]),
    };
    let request = request_of(&challenge, &client, &config)?;
    First { service, context, config, cookies, client, request, challenge }.ask(session).await
}

/// Whether somebody is signed in in the browser; `remembered` is what a login application had us remember.
async fn is_signed_in(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    cookies: &Cookies,
    remembered: bool,
) -> Result<bool, StoreError> {
    if config.urls.login.is_some() {
        return Ok(remembered);
    }
    Ok(matches!(service.sign_in.signed_in(context, cookies).await?, SignInState::SignedIn(_)))
}

/// Goes on with a request whose browser has been to the built-in sign-in page, or to a login application where somebody else
/// signed in than was remembered: then they have to sign in for us too.
///
/// # Errors
/// As [`begin`]; also when the browser is not the one that began.
pub async fn resume(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let config = service.config.load_full();
    let mut challenge = keep::open(service, context, text).await?.ok_or_else(|| {
        let reason = "This page is no longer valid. Go back to the application and start again.";
        OAuth2Error::new(ErrorCode::InvalidRequest, reason)
    })?;
    let client = client_id(&challenge.parameters)?;
    let sessions = super::jar(service, &config).sessions(cookies);
    let begun = service.authorizations.authorization_begin(context.project, &client, &sessions, context.now).await?;
    let Begun { client, session } = begun.ok_or_else(unknown_client)?;
    super::browser(service, &config, challenge.id, challenge.browser, cookies)?;
    let anew = config.urls.login.is_some();
    if anew {
        // Another challenge: on the one before, the application has said all that it can.
        challenge.id = ChallengeId::generate(&*service.entropy);
        challenge.remembered = None;
        challenge.parameters = asking_to_sign_in(&challenge.parameters);
    }
    let request = request_of(&challenge, &client, &config)?;
    if challenge.requested_at + config.ttl.login_consent_request <= context.now {
        let reason = "The request has expired before anybody signed in. Start again.";
        return Err(Refused::to_client(OAuth2Error::new(ErrorCode::RequestUnauthorized, reason), &request));
    }
    let first = First { service, context, config, cookies, client, request, challenge };
    if anew { first.ask_application(session).await } else { first.ask_to_sign_in(Some(text)).await }
}

/// The parameters with `prompt=login`.
fn asking_to_sign_in(parameters: &Parameters) -> Parameters {
    let before = parameters.get("prompt").unwrap_or_default().split_ascii_whitespace();
    let mut words: Vec<_> = before.filter(|word| *word != "none" && *word != "login").collect();
    words.push("login");
    parameters.with("prompt", &words.join(" "))
}

/// The request of a challenge, judged again: the client may have been changed since.
pub(crate) fn request_of(
    challenge: &LoginChallenge,
    client: &Client,
    config: &Config,
) -> Result<AuthorizationRequest, Refused> {
    let mut request = match challenge.device {
        None => check(&challenge.parameters, client, config)?,
        Some(_) => device::request(&challenge.parameters, client, config)?,
    };
    if let Some(claims) = &challenge.hint {
        request.hinted_subject = claims.get("sub").and_then(Value::as_str).map(str::to_owned);
        request.oidc_context.insert("id_token_hint_claims".to_owned(), json!(claims));
    }
    request.pushed = challenge.pushed;
    Ok(request)
}

pub(crate) fn client_id(parameters: &Parameters) -> Result<ClientId, Refused> {
    let text = parameters
        .get("client_id")
        .ok_or_else(|| OAuth2Error::new(ErrorCode::InvalidClient, "The parameter 'client_id' is missing."))?;
    text.parse().map_err(|_| unknown_client())
}

pub(crate) fn unknown_client() -> Refused {
    OAuth2Error::new(ErrorCode::InvalidClient, "There is no client with this 'client_id'.").into()
}

/// A request that was judged and found good.
pub(super) struct First<'a> {
    pub(super) service: &'a OAuth2Service,
    pub(super) context: &'a RequestContext,
    pub(super) config: Arc<Config>,
    pub(super) cookies: &'a Cookies,
    pub(super) client: Client,
    pub(super) request: AuthorizationRequest,
    pub(super) challenge: LoginChallenge,
}

impl First<'_> {
    /// Sends the browser to wherever people sign in. `session` is who is remembered in it.
    pub(super) async fn ask(self, session: Option<LoginSession>) -> Result<Step, Refused> {
        if self.config.urls.login.is_some() {
            self.ask_application(session).await
        } else {
            self.ask_to_sign_in(None).await
        }
    }

    /// Sends the browser to the login application, which is always asked: it learns from `skip` that somebody is remembered.
    async fn ask_application(mut self, session: Option<LoginSession>) -> Result<Step, Refused> {
        let mut usable = session.as_ref().filter(|session| {
            !reauthentication::is_due(&self.request, self.context.now, session.authenticated_at)
                && level::check(&self.request, &session.acr).is_ok()
        });
        if let Some(session) = usable
            && !self.is_meant(&session.subject).await?
        {
            usable = None;
        }
        if usable.is_none() && has_prompt(&self.request, "none") {
            return Err(self.login_required("Nobody is signed in."));
        }
        self.challenge.remembered = usable
            .map(|session| Remembered { subject: session.subject.clone(), authenticated_at: session.authenticated_at });
        // Signing in again in a browser keeps its session: clients that know it recognise it.
        if let Some(session) = &session {
            self.challenge.session = session.id;
        }
        let registers = has_prompt(&self.request, "registration") || has_prompt(&self.request, "create");
        let urls = &self.config.urls;
        let page = urls.registration.as_ref().filter(|_| registers).or(urls.login.as_ref());
        let page = page.cloned().ok_or_else(|| OAuth2Error::internal("no login application is configured"))?;
        let (text, cookies) = self.seal().await?;
        let mut page = with(page, "login_challenge", &text);
        if let Some(schema) = self.challenge.parameters.get("identity_schema") {
            page = with(page, "identity_schema", schema);
        }
        Ok(Step { next: Next::Go(page.into()), cookies })
    }

    /// Sends the browser to the built-in sign-in page, unless somebody is signed in. `text` is the challenge that it comes back
    /// with.
    async fn ask_to_sign_in(mut self, text: Option<&str>) -> Result<Step, Refused> {
        let state = self.service.sign_in.signed_in(self.context, self.cookies).await?;
        let since = self.challenge.requested_at;
        let registers = has_prompt(&self.request, "registration") || has_prompt(&self.request, "create");
        let purpose = match state {
            SignInState::Nobody if registers => SignInFor::Registration,
            SignInState::Nobody => SignInFor::Anybody,
            SignInState::SecondFactorMissing => SignInFor::SecondFactor,
            SignInState::SignedIn(signed_in) => {
                if !self.is_meant(&signed_in.subject).await? {
                    return Err(self.login_required("Somebody else is signed in than the 'id_token_hint' names."));
                }
                let at = signed_in.authenticated_at;
                let good = if text.is_none() {
                    !reauthentication::is_due(&self.request, since, at)
                } else {
                    reauthentication::suffices(&self.request, since, at)
                };
                match level::judge(&self.request, &signed_in.acr, &signed_in.reachable) {
                    Level::Enough | Level::StepUp | Level::OutOfReach if !good => SignInFor::Again,
                    Level::Enough => return self.signed_in(signed_in).await,
                    Level::StepUp => SignInFor::SecondFactor,
                    Level::OutOfReach => return Err(Refused::to_client(level::unmet(), &self.request)),
                }
            }
        };
        if has_prompt(&self.request, "none") {
            return Err(
                self.login_required("Nobody is signed in, or not recently enough, or not at the level asked for.")
            );
        }
        let (text, cookies) = match text {
            Some(text) => (text.to_owned(), Vec::new()),
            None => self.seal().await?,
        };
        let back = format!("{}?{RESUME}={text}", endpoint(&self.config, "/oauth2/auth"));
        Ok(Step { next: Next::Go(self.service.sign_in.page(purpose, &back)), cookies })
    }

    /// Somebody is signed in: nobody has to decide on the login.
    async fn signed_in(mut self, signed_in: SignedIn) -> Result<Step, Refused> {
        let mut cookies = Vec::new();
        if self.challenge.browser == UNTIED {
            cookies = self.tie();
        }
        // One session of the identity is one of ours, under the same id.
        let session = LoginSessionId::from_uuid(signed_in.session.as_uuid());
        let (_, token) = self.jar().new_session(&*self.service.entropy);
        let write = SessionWrite::Begin(LoginSession {
            id: session,
            token,
            subject: signed_in.subject.clone(),
            identity_session: Some(signed_in.session),
            remember: false,
            acr: signed_in.acr.clone(),
            amr: signed_in.amr.clone(),
            authenticated_at: signed_in.authenticated_at,
            created_at: self.context.now,
            expires_at: signed_in.expires_at,
        });
        let flow = AuthorizationFlow {
            id: self.challenge.id,
            state: FlowState::LoginDecided,
            request: self.request,
            browser: self.challenge.browser,
            device: self.challenge.device,
            session,
            login_skip: signed_in.authenticated_at < self.challenge.requested_at,
            login: Decision::Accepted(LoginAccepted {
                subject: signed_in.subject,
                authenticated_at: signed_in.authenticated_at,
                remember: None,
                extend_session_lifespan: false,
                acr: signed_in.acr,
                amr: signed_in.amr,
                identity_session: Some(signed_in.session),
                force_subject_identifier: None,
                context: Value::Null,
                claims: signed_in.claims,
            }),
            consent_skip: false,
            consent: None,
            requested_at: self.challenge.requested_at,
            expires_at: self.challenge.requested_at + self.config.ttl.login_consent_request,
        };
        let authorization =
            Authorization { flow, client: self.client, begins: Begins::Fresh, session: write, ends: None, cookies };
        proceed::after_login(self.service, self.context, &self.config, authorization).await
    }

    /// Ties the authorization to this browser, and seals it.
    async fn seal(&mut self) -> Result<(String, Vec<CookieChange>), Refused> {
        let cookies = self.tie();
        let text = keep::seal(self.service, self.context, &self.config, &self.client.id, &self.challenge).await?;
        Ok((text, cookies))
    }

    async fn is_meant(&self, subject: &str) -> Result<bool, Refused> {
        let meant = Meant { request: &self.request, client: &self.client, subject, forced: None };
        meant.is(self.service, self.context, &self.config).await
    }

    fn tie(&mut self) -> Vec<CookieChange> {
        let (max_age, entropy) = (self.config.ttl.login_consent_request, &*self.service.entropy);
        let (browser, cookies) = self.jar().begin_flow(self.challenge.id, self.cookies, max_age, entropy);
        self.challenge.browser = browser;
        cookies
    }

    fn jar(&self) -> Jar<'_> {
        Jar { config: &self.config.cookies, keyring: &self.service.keyring }
    }

    fn login_required(&self, reason: &'static str) -> Refused {
        Refused::to_client(OAuth2Error::new(ErrorCode::LoginRequired, reason), &self.request)
    }
}

/// Whether the request has this word in `prompt`.
pub(super) fn has_prompt(request: &AuthorizationRequest, word: &str) -> bool {
    request.prompt.iter().any(|known| known == word)
}

/// The address with one more parameter in its query.
pub(crate) fn with(mut url: Url, name: &str, value: &str) -> Url {
    url.query_pairs_mut().append_pair(name, value);
    url
}
