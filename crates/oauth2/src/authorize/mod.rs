//! The authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core section 3): from a browser's request to the
//! client's answer.
//!
//! `check.rs` judges a request before anybody is asked anything. `begin.rs` takes the first step, `login.rs` and `consent.rs`
//! those after the applications have decided. `answer.rs` is what the client learns.

mod answer;
mod begin;
mod check;
mod consent;
mod cookies;
mod device;
mod finish;
pub(crate) mod hint;
pub(crate) mod level;
mod login;
mod meant;
mod parameters;
mod proceed;
mod push;
mod reauthentication;
mod redirect_uri;
mod request_object;
mod response_type;
#[cfg(test)]
pub(crate) mod samples;
mod sign_in;

pub use answer::{Answer, target};
pub use begin::{begin, resume};
pub(crate) use begin::{client_id, request_of, unknown_client, with};
pub(crate) use check::PROMPTS;
pub use check::check;
pub use consent::consent;
pub use cookies::{CookieChange, Cookies};
pub(crate) use cookies::{FlowCookie, Jar};
pub use device::device;
pub use login::login;
pub use parameters::Parameters;
pub use push::{Pushed, push};
pub(crate) use redirect_uri::identifies_the_client;
pub(crate) use response_type::has as has_word;
pub use sign_in::{SignIn, SignInFor, SignInState, SignedIn};

use orrery_core::id::ChallengeId;
use orrery_core::{RequestContext, StoreError, TokenHash};
use serde::{Deserialize, Serialize};

use crate::challenge::seal::{Kind, Sealer};
use crate::challenge::{AuthorizationRequest, ResponseMode};
use crate::config::Config;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::AuthorizationWithClient;

/// What the browser is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where it goes.
    pub next: Next,
    /// What becomes of its cookies.
    pub cookies: Vec<CookieChange>,
}

/// Where a browser goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// To a page of ours or of an application.
    Go(String),
    /// To the client, with its answer.
    Answer(Answer),
}

/// How an answer reaches the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnPath {
    /// Where it goes.
    pub redirect_uri: String,
    /// Where its parameters stand.
    pub mode: ResponseMode,
    /// `state`, which every answer repeats.
    pub state: Option<String>,
}

impl From<&AuthorizationRequest> for ReturnPath {
    fn from(request: &AuthorizationRequest) -> Self {
        Self { redirect_uri: request.redirect_uri.clone(), mode: request.response_mode, state: request.state.clone() }
    }
}

/// A request that is refused, and who is told.
#[derive(Debug)]
pub struct Refused {
    /// What is wrong.
    pub error: OAuth2Error,
    /// The way to the client; none when it cannot be trusted, so that the person is told instead.
    pub path: Option<ReturnPath>,
    /// The person is told first, and decides whether to go that way: nobody vouches for the client, and nobody has signed in
    /// (RFC 9700 section 4.11.2).
    pub asks_first: bool,
}

impl Refused {
    /// The person is told: where the client is to be found is not certain.
    #[must_use]
    pub fn to_person(error: OAuth2Error) -> Self {
        Self { error, path: None, asks_first: false }
    }

    /// The client is told, unless it is a device: that one asks, and goes on waiting.
    #[must_use]
    pub fn to_client(error: OAuth2Error, path: impl Into<ReturnPath>) -> Self {
        let path = Some(path.into()).filter(|path| path.mode != ResponseMode::Device);
        Self { error, path, asks_first: false }
    }
}

impl From<OAuth2Error> for Refused {
    fn from(error: OAuth2Error) -> Self {
        Self::to_person(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::to_person(error.into())
    }
}

/// An address below the public one.
pub(crate) fn endpoint(config: &Config, path: &str) -> String {
    format!("{}{path}", config.public_url.as_str().trim_end_matches('/'))
}

/// The names and hashes of this surface's cookies.
pub(crate) fn jar<'a>(service: &'a OAuth2Service, config: &'a Config) -> Jar<'a> {
    Jar { config: &config.cookies, keyring: &service.keyring }
}

/// Refuses another browser than the one that began the authorization. The person is told: whoever sent them here wanted
/// them to finish what somebody else had begun.
fn browser(
    service: &OAuth2Service,
    config: &Config,
    id: ChallengeId,
    browser: TokenHash,
    cookies: &Cookies,
) -> Result<(), OAuth2Error> {
    let reason = match jar(service, config).is_flow_of(id, browser, cookies) {
        FlowCookie::Fits => return Ok(()),
        FlowCookie::Missing => {
            "The cookie of this sign-in is missing: it was begun in another browser or under another address, \
             the browser refuses cookies, or it has been finished before. Start again from the application."
        }
        FlowCookie::Another => {
            "The cookie of this sign-in belongs to another browser. Start again from the application."
        }
    };
    Err(OAuth2Error::new(ErrorCode::RequestForbidden, reason))
}

/// The authorization that a verifier names, in the browser that began it and in time.
async fn decided(
    service: &OAuth2Service,
    context: &RequestContext,
    config: &Config,
    kind: Kind,
    verifier: &str,
    cookies: &Cookies,
) -> Result<AuthorizationWithClient, Refused> {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let (id, expires_at) = sealer
        .named(kind, verifier)
        .ok_or_else(|| OAuth2Error::new(ErrorCode::AccessDenied, "The verifier is not one that this server made."))?;
    let late = || {
        let reason = "The request has expired before it was answered. Start again from the application.";
        OAuth2Error::new(ErrorCode::RequestUnauthorized, reason)
    };
    let found = service.authorizations.authorization_by_id(context.project, id, context.now).await?;
    let Some(found) = found else {
        let gone = || OAuth2Error::new(ErrorCode::AccessDenied, "The authorization is gone. Start again.");
        return Err(if expires_at <= context.now { late() } else { gone() }.into());
    };
    browser(service, config, id, found.flow.browser, cookies)?;
    if found.flow.expires_at <= context.now {
        return Err(Refused::to_client(late(), &found.flow.request));
    }
    Ok(found)
}

/// The page that tells a person what is wrong: the configured one, or the built-in one.
#[must_use]
pub fn error_page(service: &OAuth2Service, context: &RequestContext, error: &OAuth2Error) -> String {
    let config = service.config.load();
    let Some(page) = &config.urls.error else { return built_in_error_page(service, context, error, None) };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("error", error.code.parts().0).append_pair("error_description", &error.description);
    let separator = if page.query().is_some() { '&' } else { '?' };
    format!("{page}{separator}{}", query.finish())
}

/// The built-in page. What it says comes sealed, so that nobody can put words into our mouth; so does the way on to the client,
/// which it then asks about.
#[must_use]
pub fn built_in_error_page(
    service: &OAuth2Service,
    context: &RequestContext,
    error: &OAuth2Error,
    onward: Option<String>,
) -> String {
    let (code, _) = error.code.parts();
    let said = SealedError { code: code.to_owned(), description: error.description.clone().into_owned(), onward };
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    let detail = sealer.seal(Kind::Error, &serde_json::to_vec(&said).unwrap_or_default(), &*service.entropy);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("error", code).append_pair("detail", &detail);
    format!("{}?{}", endpoint(&service.config.load(), "/ui/oauth2/error"), query.finish())
}

/// What the built-in error page says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedError {
    /// The code of a specification.
    #[serde(rename = "c")]
    pub code: String,
    /// For developers.
    #[serde(rename = "d")]
    pub description: String,
    /// The client's address with its answer, where the person decides whether to go there.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub onward: Option<String>,
}

/// What [`built_in_error_page`] sealed.
#[must_use]
pub fn sealed_error(service: &OAuth2Service, context: &RequestContext, detail: &str) -> Option<SealedError> {
    let sealer = Sealer { keyring: &service.keyring, project: context.project };
    serde_json::from_slice(&sealer.open(Kind::Error, detail)?).ok()
}

fn used_before(path: ReturnPath) -> Refused {
    let reason = "The answer was used before. Start again from the application.";
    Refused::to_client(OAuth2Error::new(ErrorCode::AccessDenied, reason), path)
}

fn signed_out(path: ReturnPath) -> Refused {
    Refused::to_client(OAuth2Error::new(ErrorCode::LoginRequired, "The sign-in has ended in the meantime."), path)
}
