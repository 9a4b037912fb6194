//! The browser comes back from the confirmation: the session ends.

use orrery_core::RequestContext;
use url::Url;

use super::{Current, LoggedOut, LogoutChallenge, current, default_target, end_session};
use crate::authorize::{CookieChange, Cookies, jar};
use crate::challenge::seal::{Kind, Sealer};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{SessionClient, SessionEnded};

/// Most frames of the page that tells clients of a logout: browsers load no more in the time that people wait.
const MAX_FRAMES: usize = 50;

/// Ends the session that was confirmed to end.
///
/// A logout that the person began ends only the session of the browser that brings the verifier: nobody can be logged out
/// by being sent somebody else's.
///
/// # Errors
/// `request_unauthorized` when it is too late, `invalid_request` for a verifier that we did not make.
pub async fn finish(
    service: &OAuth2Service,
    context: &RequestContext,
    verifier: &str,
    cookies: &Cookies,
) -> Result<LoggedOut, OAuth2Error> {
    let config = service.config.load_full();
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let challenge = LogoutChallenge::open(sealer, Kind::LogoutVerifier, verifier)
        .ok_or_else(|| OAuth2Error::new(ErrorCode::InvalidRequest, "The verifier is not one that this server made."))?;
    if challenge.requested_at() + config.ttl.login_consent_request <= context.now {
        let reason = "The logout has expired before it was confirmed. Start again.";
        return Err(OAuth2Error::new(ErrorCode::RequestUnauthorized, reason));
    }
    let current = current(service, context, &config, cookies).await?;
    let same = |current: &Current| current.session == challenge.session && current.subject == challenge.subject;
    if !challenge.rp_initiated && !current.as_ref().is_some_and(same) {
        let target = challenge.target.unwrap_or_else(|| default_target(&config));
        return Ok(LoggedOut::nothing(target));
    }
    end(service, context, &config, challenge, current).await
}

/// Ends a session, and the identity's session with it.
pub(super) async fn end(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    challenge: LogoutChallenge,
    current: Option<Current>,
) -> Result<LoggedOut, OAuth2Error> {
    let target = challenge.target.unwrap_or_else(|| default_target(config));
    let ended = end_session(service, context, challenge.session).await?;
    let here = current.filter(|current| current.session == challenge.session);
    if let (None, Some(identity)) = (&ended, here.as_ref().and_then(|here| here.identity)) {
        // Signed in, and no client has ever asked: there is no session of ours to end.
        service.sign_in.sign_out(context.project, identity).await?;
    }
    let cookies = match here {
        Some(_) => vec![CookieChange::Remove { name: jar(service, config).session() }],
        None => Vec::new(),
    };
    let frames = ended.as_ref().map(|ended| frames(config, ended)).unwrap_or_default();
    Ok(LoggedOut { target, frames, cookies })
}

/// The addresses of clients that are told through the browser, with `iss` and `sid` (Front-Channel Logout section 2).
fn frames(config: &Config, ended: &SessionEnded) -> Vec<String> {
    let frame = |concerned: &SessionClient| {
        let mut url = Url::parse(concerned.client.frontchannel_logout_uri.as_deref()?).ok()?;
        if !matches!(url.scheme(), "http" | "https") {
            return None;
        }
        let sid = ended.session.id.to_string();
        url.query_pairs_mut().append_pair("iss", &config.issuer).append_pair("sid", &sid);
        Some(url.into())
    };
    ended.clients.iter().filter_map(frame).take(MAX_FRAMES).collect()
}
