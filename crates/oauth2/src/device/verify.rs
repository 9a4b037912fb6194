//! Where a browser comes to approve a device (RFC 8628 section 3.3): first it gets a challenge, then somebody types the
//! code, and from there on it is an authorization like any other.

use std::time::Duration;

use orrery_core::id::ChallengeId;
use orrery_core::secret::Purpose;
use orrery_core::{RequestContext, StoreError, Timestamp, TokenHash};
use url::Url;

use super::{DeviceChallenge, DeviceCode, user_code};
use crate::authorize::{CookieChange, Cookies, FlowCookie, Next, Step, endpoint, error_page, jar, with};
use crate::challenge::ChallengeError;
use crate::challenge::seal::Sealer;
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::store::{Recognised, Stepped, TypedCode};

/// The wrong code after which a network has to wait (RFC 8628 section 5.1), and how long.
const MISSES: u32 = 20;
const WAIT: Duration = Duration::from_secs(600);
/// Longest text that is passed on to the page, in characters.
const MAX_TYPED: usize = 64;
/// Where a browser comes, and comes back to.
const PATH: &str = "/oauth2/device/verify";

/// A code is not accepted.
#[derive(Debug)]
pub enum CodeError {
    /// The challenge cannot be used.
    Challenge(ChallengeError),
    /// No device that waits shows it.
    Unknown,
    /// Too many wrong ones came from this network.
    TooMany {
        /// When it may go on.
        until: Timestamp,
    },
}

impl From<ChallengeError> for CodeError {
    fn from(error: ChallengeError) -> Self {
        Self::Challenge(error)
    }
}

impl From<StoreError> for CodeError {
    fn from(error: StoreError) -> Self {
        Self::Challenge(error.into())
    }
}

/// Ties an authorization to the browser, and sends it to the page on which the code is typed. `typed` is what an address or
/// a form brought along; somebody has to confirm it there.
///
/// # Errors
/// When the configured page has no usable address.
pub fn begin(
    service: &OAuth2Service,
    context: &RequestContext,
    typed: Option<&str>,
    cookies: &Cookies,
) -> Result<Step, OAuth2Error> {
    let config = service.config.load();
    let id = ChallengeId::generate(&*service.entropy);
    let life = config.ttl.login_consent_request;
    let (browser, cookies) = jar(service, &config).begin_flow(id, cookies, life, &*service.entropy);
    let challenge = DeviceChallenge { id, browser, network: network(service, context, id), requested_at: context.now };
    let text = challenge.seal(sealer(service, context), &*service.entropy);
    Ok(Step { next: Next::Go(page(service, &text, typed, None)?), cookies })
}

/// The page on which a code is typed, with what is to be said about the one before.
///
/// # Errors
/// As [`begin`].
pub fn page(
    service: &OAuth2Service,
    challenge: &str,
    typed: Option<&str>,
    problem: Option<&str>,
) -> Result<String, OAuth2Error> {
    let config = service.config.load();
    let built_in = || Url::parse(&endpoint(&config, "/ui/device")).map_err(OAuth2Error::internal);
    let mut page = config.urls.device_verification.clone().map_or_else(built_in, Ok)?;
    page = with(page, "device_challenge", challenge);
    if let Some(typed) = typed {
        page = with(page, "user_code", &typed.chars().take(MAX_TYPED).collect::<String>());
    }
    if let Some(problem) = problem {
        page = with(page, "error", problem);
    }
    Ok(page.into())
}

/// The challenge of this browser.
///
/// # Errors
/// See [`ChallengeError`]; `request_forbidden` for another browser.
pub fn read_for_browser(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    cookies: &Cookies,
) -> Result<DeviceChallenge, ChallengeError> {
    let challenge = read(service, context, text)?;
    match jar(service, &service.config.load()).is_flow_of(challenge.id, challenge.browser, cookies) {
        FlowCookie::Fits => Ok(challenge),
        FlowCookie::Missing | FlowCookie::Another => Err(OAuth2Error::new(
            ErrorCode::RequestForbidden,
            "This page was opened in another browser, or the browser refuses cookies. Begin again.",
        )
        .into()),
    }
}

/// `acceptUserCodeRequest`: somebody typed a code. Says where the browser goes.
///
/// # Errors
/// See [`CodeError`].
pub async fn accept(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    typed: &str,
) -> Result<String, CodeError> {
    let challenge = read(service, context, text)?;
    let found = recognise(service, context, &challenge, typed).await?;
    let verifier = challenge.verifier(sealer(service, context), found.user_code, &*service.entropy);
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("device_verifier", &verifier).append_pair("client_id", found.client.as_str());
    Ok(format!("{}?{}", endpoint(&service.config.load(), PATH), query.finish()))
}

/// Somebody typed a code and wants nothing of the device that shows it, which hears so. Says where the browser goes.
///
/// # Errors
/// See [`CodeError`]. Wrong codes are counted as with [`accept`].
pub async fn reject(
    service: &OAuth2Service,
    context: &RequestContext,
    text: &str,
    typed: &str,
) -> Result<String, CodeError> {
    let challenge = read(service, context, text)?;
    let found = recognise(service, context, &challenge, typed).await?;
    match service.devices.device_decide(context.project, found.hash, None, context.now).await? {
        Stepped::Done => Ok(denied_page(service, context)),
        Stepped::TooLate | Stepped::SignedOut => Err(CodeError::Unknown),
    }
}

/// Where a browser goes in which somebody has refused a device.
pub(crate) fn denied_page(service: &OAuth2Service, context: &RequestContext) -> String {
    let config = service.config.load();
    // The built-in consent page may not lead to another site, whereas an application of its own has pages for all.
    if config.urls.consent.is_some() && config.urls.error.is_some() {
        let reason = "The device was refused. Nothing was granted.";
        return error_page(service, context, &OAuth2Error::new(ErrorCode::AccessDenied, reason));
    }
    endpoint(&config, "/ui/device/denied")
}

/// The device that shows a code.
async fn recognise(
    service: &OAuth2Service,
    context: &RequestContext,
    challenge: &DeviceChallenge,
    typed: &str,
) -> Result<Box<DeviceCode>, CodeError> {
    let config = service.config.load_full();
    // What cannot be a code tells nobody anything, so that it does not count as a guess.
    let code = user_code::normalise(&config.device.user_code, typed).ok_or(CodeError::Unknown)?;
    let typed = TypedCode {
        hashes: service.keyring.candidates(Purpose::DeviceCode, &code).collect(),
        network: challenge.network,
        misses: MISSES,
        wait: WAIT,
        now: context.now,
    };
    match service.devices.device_recognise(context.project, &typed).await? {
        Recognised::Device(found) => Ok(found),
        Recognised::Unknown => Err(CodeError::Unknown),
        Recognised::TooManyMisses { until } => Err(CodeError::TooMany { until }),
    }
}

fn read(service: &OAuth2Service, context: &RequestContext, text: &str) -> Result<DeviceChallenge, ChallengeError> {
    let challenge = DeviceChallenge::open(sealer(service, context), text).ok_or(ChallengeError::Unknown)?;
    let life = service.config.load().ttl.login_consent_request;
    if challenge.requested_at + life <= context.now {
        Err(ChallengeError::Expired { restart: None })
    } else {
        Ok(challenge)
    }
}

/// The removal of the challenge's cookie.
pub(crate) fn forget(service: &OAuth2Service, challenge: &DeviceChallenge) -> CookieChange {
    CookieChange::Remove { name: jar(service, &service.config.load()).flow(challenge.id) }
}

pub(crate) fn sealer<'a>(service: &'a OAuth2Service, context: &RequestContext) -> Sealer<'a> {
    Sealer { keyring: &service.keyring, project: context.project }
}

/// The network that wrong codes are counted for. A browser without an address is counted by itself.
fn network(service: &OAuth2Service, context: &RequestContext, id: ChallengeId) -> TokenHash {
    let name = context.network().map_or_else(|| id.to_string(), |network| network.to_string());
    service.keyring.hash(Purpose::AttemptCounter, &format!("user-codes:{name}"))
}
