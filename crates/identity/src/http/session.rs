//! The session of a request, its cookie, and what is said when it is missing or not enough.

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use orrery_core::id::IdentityId;
use orrery_core::{RequestContext, Timestamp};
use orrery_web::{ApiError, cookie};
use secrecy::SecretString;

use super::flow::cookie_policy;
use crate::IdentityService;
use crate::config::Config;
use crate::flow::form::{endpoint, with_query};
use crate::limits::{KNOWN_FOR, KnownBrowser};
use crate::session::cookie::CookieContent;
use crate::session::{Aal, NoSession, Places, Presented};

/// The session token that a request carries, from whichever place counts first.
#[must_use]
pub fn presented(request: &HttpRequest, service: &IdentityService, context: &RequestContext) -> Presented {
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let cookies = cookie::values(request, &service.config.load().session.cookie_name);
    let places =
        Places { session_token: header("x-session-token"), cookies: &cookies, authorization: header("authorization") };
    Presented::find(places, context.project, &service.keyring)
}

/// The cookie of a session that ends at `expires_at`.
#[must_use]
pub fn cookie(
    service: &IdentityService,
    context: &RequestContext,
    token: &SecretString,
    expires_at: Timestamp,
) -> Cookie<'static> {
    let session = &service.config.load().session;
    let content = CookieContent { token: token.clone(), expires_at };
    let value = content.seal(context.project, &service.keyring, &*service.entropy);
    let max_age = session.persistent.then(|| expires_at.since(context.now));
    cookie_policy(&session.cookie).cookie(&session.cookie_name, value, max_age)
}

/// Removes the session cookie.
#[must_use]
pub fn removal(config: &Config) -> Cookie<'static> {
    cookie_policy(&config.session.cookie).removal(&config.session.cookie_name)
}

/// The cookie of browsers that signed in before.
const KNOWN_BROWSER: &str = "orrery_known_browser";
/// So many cookies of that name are tried; opening them costs time.
const MAX_KNOWN: usize = 4;

/// Whom the browser of a request signed in as before, if it says so.
#[must_use]
pub fn known_browser(
    request: &HttpRequest,
    service: &IdentityService,
    context: &RequestContext,
) -> Option<KnownBrowser> {
    let name = cookie_policy(&service.config.load().cookies).host_name(KNOWN_BROWSER);
    let cookies = cookie::values(request, &name).into_iter().take(MAX_KNOWN);
    let mut opened = cookies.map(|value| KnownBrowser::open(&value, context.project, context.now, &service.keyring));
    opened.find_map(|browser| browser)
}

/// The cookie of a browser that has just signed in to `account`.
#[must_use]
pub fn known_cookie(
    request: &HttpRequest,
    service: &IdentityService,
    context: &RequestContext,
    account: IdentityId,
) -> Cookie<'static> {
    let (keyring, entropy) = (&service.keyring, &*service.entropy);
    let before = known_browser(request, service, context);
    let browser = KnownBrowser::signed_in(before, context.project, account, context.now, keyring, entropy);
    let policy = cookie_policy(&service.config.load().cookies);
    let value = browser.seal(context.project, keyring, entropy);
    policy.cookie(&policy.host_name(KNOWN_BROWSER), value, Some(KNOWN_FOR))
}

/// A request without the session that it needs.
#[must_use]
pub fn refused(error: NoSession, config: &Config) -> ApiError {
    match error {
        NoSession::Inactive => inactive(),
        NoSession::SecondFactorNeeded => {
            let init = endpoint(&config.public_url, "/self-service/login/browser");
            let step_up = with_query(&init, "aal", Aal::Aal2.as_str());
            ApiError::forbidden("The session needs a second factor. Complete it at redirect_browser_to.")
                .with_id("session_aal2_required")
                .with_detail("redirect_browser_to", step_up.as_str())
                .with_member("redirect_browser_to", step_up)
        }
        NoSession::Store(error) => error.into(),
    }
}

/// 401 for a request without an active session.
#[must_use]
pub fn inactive() -> ApiError {
    ApiError::unauthorized("No active session was found in this request. Sign in and send its cookie or token.")
        .with_id("session_inactive")
}

#[cfg(test)]
mod tests {
    use orrery_core::StoreError;

    use super::*;
    use crate::config::RegistrationStyle;
    use crate::flow::samples;

    #[test]
    fn a_storage_outage_never_looks_like_being_signed_out() {
        let config = samples::config(RegistrationStyle::Unified);
        let error = refused(NoSession::Store(StoreError::Unavailable(None)), &config);
        assert_eq!(error.status().as_u16(), 503);
        assert!(error.retry_after().is_some());
        assert_eq!(refused(NoSession::Inactive, &config).status().as_u16(), 401);
        let step_up = refused(NoSession::SecondFactorNeeded, &config);
        assert_eq!((step_up.status().as_u16(), step_up.id()), (403, Some("session_aal2_required")));
        let url = "https://id.example/self-service/login/browser?aal=aal2";
        let body = step_up.to_body(None);
        assert_eq!(body["redirect_browser_to"], url);
        assert_eq!(body["error"]["details"]["redirect_browser_to"], url);
    }
}
