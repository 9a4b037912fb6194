//! Logout (OpenID Connect RP-Initiated, Front-Channel and Back-Channel Logout 1.0).
//!
//! `begin.rs` takes the browser's request, `decide.rs` is what the logout application does, `finish.rs` ends the session and
//! says whom the browser has to tell, `end.rs` stores what the others are told, `back_channel.rs` writes that.

mod back_channel;
mod begin;
mod challenge;
mod decide;
mod end;
mod finish;

pub use begin::begin;
pub use challenge::LogoutChallenge;
pub use decide::{accept, read};
pub use end::{end_session, tell_of_ended};
pub use finish::finish;

use orrery_core::id::{LoginSessionId, SessionId};
use orrery_core::{RequestContext, StoreError};

use crate::authorize::{CookieChange, Cookies, SignInState, endpoint, jar};
use crate::config::Config;
use crate::service::OAuth2Service;

/// What a browser is told that asked to be logged out.
#[derive(Debug)]
pub struct LoggedOut {
    /// Where it goes in the end.
    pub target: String,
    /// Addresses that it loads before, each in a frame (Front-Channel Logout).
    pub frames: Vec<String>,
    /// What becomes of its cookies.
    pub cookies: Vec<CookieChange>,
}

impl LoggedOut {
    /// The browser goes on, and nothing has happened.
    const fn nothing(target: String) -> Self {
        Self { target, frames: Vec::new(), cookies: Vec::new() }
    }
}

/// Who is signed in in the browser.
struct Current {
    session: LoginSessionId,
    subject: String,
    /// The identity's session, where that is all there is.
    identity: Option<SessionId>,
}

async fn current(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    cookies: &Cookies,
) -> Result<Option<Current>, StoreError> {
    let tokens = jar(service, config).sessions(cookies);
    if !tokens.is_empty() {
        let found = service.login_sessions.login_session_by_token(context.project, &tokens, context.now).await?;
        if let Some(session) = found {
            return Ok(Some(Current {
                session: session.id,
                subject: session.subject,
                identity: session.identity_session,
            }));
        }
    }
    if config.urls.login.is_some() {
        return Ok(None);
    }
    Ok(match service.sign_in.signed_in(context, cookies).await? {
        SignInState::Nobody | SignInState::SecondFactorMissing => None,
        SignInState::SignedIn(signed_in) => Some(Current {
            session: LoginSessionId::from_uuid(signed_in.session.as_uuid()),
            subject: signed_in.subject,
            identity: Some(signed_in.session),
        }),
    })
}

/// Where a browser lands that is sent nowhere else.
fn default_target(config: &Config) -> String {
    let configured = config.urls.post_logout_redirect.as_ref().map(ToString::to_string);
    configured.unwrap_or_else(|| endpoint(config, "/ui/signed-out"))
}
