//! The browser behind a request, and whether it began the flow that it asks for.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite as CookieSameSite};
use orrery_core::{Entropy, TokenHash};
use orrery_web::ApiError;
use orrery_web::cookie::CookiePolicy;
use orrery_web::csrf::{self, Csrf, CsrfSecret};

use super::Client;
use crate::config::{Config, CookieConfig, SameSite};
use crate::flow::{Flow, Submission};

/// Cookies as the configuration wants them.
#[must_use]
pub fn cookie_policy(config: &CookieConfig) -> CookiePolicy {
    CookiePolicy {
        domain: config.domain.clone(),
        path: config.path.clone(),
        same_site: match config.same_site {
            SameSite::Lax => CookieSameSite::Lax,
            SameSite::Strict => CookieSameSite::Strict,
            SameSite::None => CookieSameSite::None,
        },
        secure: config.secure,
    }
}

/// The anti-CSRF cookie of this deployment.
#[must_use]
pub(in crate::http) fn csrf(config: &Config) -> Csrf {
    Csrf::new(&config.public_url, cookie_policy(&config.cookies))
}

/// The browser that begins a flow; nothing for native clients.
#[derive(Debug, Default)]
pub struct Browser {
    secret: Option<CsrfSecret>,
    /// The anti-CSRF cookie, when the browser did not have one.
    pub cookie: Option<Cookie<'static>>,
}

impl Browser {
    /// The browser behind a request.
    #[must_use]
    pub fn of(client: Client, config: &Config, request: &HttpRequest, entropy: &dyn Entropy) -> Self {
        match client {
            Client::Api => Self::default(),
            Client::Script | Client::Browser => {
                let (secret, cookie) = csrf(config).ensure(request, entropy);
                Self { secret: Some(secret), cookie }
            }
        }
    }

    /// What its flows remember it by.
    #[must_use]
    pub fn fingerprint(&self) -> Option<TokenHash> {
        self.secret.as_ref().map(CsrfSecret::fingerprint)
    }

    /// The masked token for a form; empty for native clients.
    #[must_use]
    pub fn token(&self, entropy: &dyn Entropy) -> String {
        self.secret.as_ref().map_or_else(String::new, |secret| secret.masked(entropy))
    }
}

/// Whether a submit may be evaluated.
#[derive(Debug)]
pub(super) enum Sender {
    /// Whoever began the flow. With the hash of the browser's present anti-CSRF cookie, for a successor.
    Owner(Option<TokenHash>),
    /// A browser on a native flow: told so inside the flow.
    BrowserOnNativeFlow(String),
}

/// Who submits: for browsers, the token must belong to the cookie and the cookie to the flow.
///
/// # Errors
/// 403 `security_csrf_violation`.
pub(super) fn check_sender(
    config: &Config,
    request: &HttpRequest,
    flow: &Flow,
    submitted: &Submission,
) -> Result<Sender, ApiError> {
    match flow.csrf {
        Some(fingerprint) => {
            let csrf = csrf(config);
            // Following a link submits nothing; see `submission`.
            if request.method() == actix_web::http::Method::GET {
                csrf.owner(request, fingerprint)?;
            } else {
                csrf.check(request, fingerprint, submitted.csrf_token())?;
            }
            Ok(Sender::Owner(Some(fingerprint)))
        }
        None => Ok(csrf::refuse_browser(request).map_or_else(
            |error| Sender::BrowserOnNativeFlow(error.reason().unwrap_or_default().to_owned()),
            |()| Sender::Owner(None),
        )),
    }
}
