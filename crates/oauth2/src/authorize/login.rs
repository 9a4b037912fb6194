//! The second leg: the browser comes back from the login application.

use std::time::Duration;

use orrery_core::id::LoginSessionId;
use orrery_core::{RequestContext, Timestamp};

use super::begin::has_prompt;
use super::finish::finish;
use super::meant::Meant;
use super::proceed::{self, Authorization};
use super::{CookieChange, Cookies, Refused, ReturnPath, Step, jar, level, reauthentication};
use crate::challenge::seal::Kind;
use crate::challenge::{AuthorizationFlow, Decision, FlowState, LoginAccepted};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::session::LoginSession;
use crate::store::{AuthorizationWithClient, Begins, SessionWrite};

/// Uses the login application's decision, once.
///
/// # Errors
/// `access_denied` for a verifier that was used before, `request_forbidden` in another browser, `login_required` when the
/// sign-in is not what the request asked for.
pub async fn login(
    service: &OAuth2Service,
    context: &RequestContext,
    verifier: &str,
    cookies: &Cookies,
) -> Result<Step, Refused> {
    let config = service.config.load_full();
    let found = super::decided(service, context, &config, Kind::LoginVerifier, verifier, cookies).await?;
    let AuthorizationWithClient { flow, client, session } = found;
    let path = ReturnPath::from(&flow.request);
    if flow.state != FlowState::LoginDecided {
        return Err(super::used_before(path));
    }
    let accepted = match &flow.login {
        Decision::Accepted(accepted) => accepted.clone(),
        Decision::Rejected(rejection) => return finish(service, context, &config, &flow, Err(rejection)).await,
    };
    let required = |reason| Refused::to_client(OAuth2Error::new(ErrorCode::LoginRequired, reason), path.clone());
    if !reauthentication::suffices(&flow.request, flow.requested_at, accepted.authenticated_at) {
        return Err(required("The sign-in is older than the request allows."));
    }
    if has_prompt(&flow.request, "none") && !flow.login_skip {
        return Err(required("Somebody had to sign in, which 'prompt=none' excludes."));
    }
    let forced = accepted.force_subject_identifier.as_deref();
    let meant = Meant { request: &flow.request, client: &client, subject: &accepted.subject, forced };
    if !meant.is(service, context, &config).await? {
        return Err(required("Somebody else signed in than the 'id_token_hint' names."));
    }
    if let Err(error) = level::check(&flow.request, &accepted.acr) {
        return Err(Refused::to_client(error, path));
    }
    let before = match session {
        None => Before::Nobody,
        Some(session) if session.subject == accepted.subject => Before::Same(session),
        Some(_) => Before::SomebodyElse,
    };
    if flow.login_skip && !matches!(before, Before::Same(_)) {
        return Err(required("The sign-in has ended in the meantime."));
    }
    let signed = sign(service, context, &config, flow, &accepted, before, cookies);
    let SignedFlow { flow, session, ends, cookies } = signed;
    let authorization = Authorization { flow, client, begins: Begins::Decided, session, ends, cookies };
    proceed::after_login(service, context, &config, authorization).await
}

struct SignedFlow {
    flow: AuthorizationFlow,
    session: SessionWrite,
    ends: Option<LoginSessionId>,
    cookies: Vec<CookieChange>,
}

/// Who was signed in in the browser before.
enum Before {
    Nobody,
    Same(LoginSession),
    SomebodyElse,
}

/// What becomes of the browser's sign-in.
fn sign(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    mut flow: AuthorizationFlow,
    accepted: &LoginAccepted,
    before: Before,
    cookies: &Cookies,
) -> SignedFlow {
    let jar = jar(service, config);
    let life = lifetime(config, accepted.remember);
    let expires_at = context.now + life;
    let name = jar.session();
    if flow.login_skip {
        let (Before::Same(before), true) = (before, accepted.extend_session_lifespan) else {
            return SignedFlow { flow, session: SessionWrite::Keep, ends: None, cookies: Vec::new() };
        };
        let value = jar.session_value(cookies, before.token).map(str::to_owned);
        let again = value.map(|value| CookieChange::Set { name, value, max_age: life });
        let session = SessionWrite::Extend { id: before.id, expires_at };
        return SignedFlow { flow, session, ends: None, cookies: again.into_iter().collect() };
    }
    // Another person in the same browser is another session: its clients must not be told of the one before.
    let mut ends = None;
    if matches!(before, Before::SomebodyElse) {
        ends = Some(flow.session);
        flow.session = LoginSessionId::generate(&*service.entropy);
    }
    let (value, token) = jar.new_session(&*service.entropy);
    let session = LoginSession {
        id: flow.session,
        token,
        subject: accepted.subject.clone(),
        identity_session: accepted.identity_session,
        remember: accepted.remember.is_some(),
        acr: accepted.acr.clone(),
        amr: accepted.amr.clone(),
        authenticated_at: accepted.authenticated_at,
        created_at: context.now,
        expires_at: if accepted.remember.is_some() { expires_at } else { unremembered(config, context.now) },
    };
    let cookie = match accepted.remember {
        Some(_) => CookieChange::Set { name, value, max_age: life },
        None => CookieChange::Remove { name },
    };
    let sent = cookies.iter().any(|(known, _)| matches!(&cookie, CookieChange::Remove { name } if known == name));
    let keep = accepted.remember.is_some() || sent;
    SignedFlow {
        flow,
        session: SessionWrite::Begin(session),
        ends,
        cookies: if keep { vec![cookie] } else { Vec::new() },
    }
}

/// How long a remembered sign-in lives: as long as the application says, and no longer than is configured.
fn lifetime(config: &Config, remember: Option<u64>) -> Duration {
    let most = config.ttl.authentication_session;
    match remember {
        None | Some(0) => most,
        Some(seconds) => most.min(Duration::from_secs(seconds)),
    }
}

/// A sign-in that the browser does not keep is still named by tokens (`sid`).
fn unremembered(config: &Config, now: Timestamp) -> Timestamp {
    now + config.ttl.authentication_session
}
