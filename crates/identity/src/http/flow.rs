//! What the edges of all flows share: who asks, whether they began the flow, and how errors reach them.

use super::failure::expired_on_read;
use actix_web::cookie::{Cookie, SameSite as CookieSameSite};
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::id::FlowId;
use orrery_core::{Entropy, RequestContext, TokenHash};
use orrery_web::cookie::CookiePolicy;
use orrery_web::csrf::{self, Csrf, CsrfSecret};
use orrery_web::negotiate::{Preferred, preferred, wants_json};
use orrery_web::return_to::ReturnTo;
use orrery_web::{ApiError, Pairs, Submitted};
use serde_json::json;
use url::Url;

use crate::IdentityService;
use crate::config::{Config, CookieConfig, SameSite};
use crate::flow::{Encoding, Flow, FlowKind, FlowType, Submission, catalogue, form};

/// Longest address that a flow remembers, in bytes.
const MAX_URL: usize = 8 * 1024;
/// Largest `transient_payload`, in bytes of JSON: flows remember it.
const MAX_PAYLOAD: usize = 64 * 1024;

/// Who gets the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// A native app.
    Api,
    /// A page's script.
    Script,
    /// A browser that navigates.
    Browser,
}

impl Client {
    /// Who begins a flow: the path says which type, `Accept` whether a script asks.
    #[must_use]
    pub fn of_init(request: &HttpRequest, flow_type: FlowType) -> Self {
        match (flow_type, preferred(request)) {
            (FlowType::Api, _) => Self::Api,
            (FlowType::Browser, Preferred::Json) => Self::Script,
            (FlowType::Browser, Preferred::Html) => Self::Browser,
        }
    }

    /// The type of the flows that it begins.
    #[must_use]
    pub const fn flow_type(self) -> FlowType {
        match self {
            Self::Api => FlowType::Api,
            Self::Script | Self::Browser => FlowType::Browser,
        }
    }

    /// Who submits a flow.
    #[must_use]
    pub fn of_submit(request: &HttpRequest, flow_type: FlowType) -> Self {
        match (flow_type, wants_json(request)) {
            (FlowType::Api, _) => Self::Api,
            (FlowType::Browser, true) => Self::Script,
            (FlowType::Browser, false) => Self::Browser,
        }
    }
}

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
pub fn csrf(config: &Config) -> Csrf {
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

/// The address in a query parameter, if there is one and it may be returned to.
///
/// # Errors
/// 400 `self_service_flow_return_to_forbidden`.
pub fn return_to(config: &Config, query: &Pairs, name: &str) -> Result<Option<String>, ApiError> {
    let Some(value) = query.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let default = config.default_return_url.clone();
    let (allowed, _) = ReturnTo::new(&config.allowed_return_urls, &config.public_url, default);
    allowed.check(value).map(|url| Some(url.into()))
}

/// The address that a flow begins with and remembers.
///
/// # Errors
/// 400 when it is longer than any that leads here on purpose: it is stored.
pub fn request_url(config: &Config, request: &HttpRequest) -> Result<String, ApiError> {
    let url = orrery_web::context::request_url(&config.public_url, request);
    if url.len() > MAX_URL {
        return Err(ApiError::bad_request(format!("The address of this request is longer than {MAX_URL} bytes.")));
    }
    Ok(url)
}

/// The id in a query parameter.
///
/// # Errors
/// 400 when it is missing or no UUID.
pub fn id<T: std::str::FromStr>(query: &Pairs, name: &'static str) -> Result<T, ApiError> {
    let value = query.get(name).ok_or_else(|| {
        ApiError::bad_request(format!("The query parameter \"{name}\" is missing; it names the flow."))
    })?;
    value.parse().map_err(|_| ApiError::bad_request(format!("The query parameter \"{name}\" is not a UUID.")))
}

/// Refuses everybody but the browser that began a flow, and flows that are over; native flows belong to whoever knows
/// the id. Returns the masked token for the form.
///
/// # Errors
/// 403 `security_csrf_violation`, 410 `self_service_flow_expired`.
pub fn check_reader(
    service: &IdentityService,
    context: &RequestContext,
    config: &Config,
    request: &HttpRequest,
    flow: &Flow,
) -> Result<String, ApiError> {
    let token = match flow.csrf {
        Some(fingerprint) => csrf(config).owner(request, fingerprint)?.masked(&*service.entropy),
        None => String::new(),
    };
    if flow.is_expired(context.now) { Err(expired_on_read(config, flow)) } else { Ok(token) }
}

/// Whether a submit may be evaluated.
#[derive(Debug)]
pub enum Sender {
    /// Whoever began the flow. With the hash of the browser's present anti-CSRF cookie, for a successor.
    Owner(Option<TokenHash>),
    /// A browser on a native flow: told so inside the flow.
    BrowserOnNativeFlow(String),
}

/// Who submits: for browsers, the token must belong to the cookie and the cookie to the flow.
///
/// # Errors
/// 403 `security_csrf_violation`.
pub fn check_sender(
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

/// The masked token for the form of a sender who was checked; empty for native clients.
#[must_use]
pub fn csrf_token(service: &IdentityService, config: &Config, request: &HttpRequest, flow: &Flow) -> String {
    let owner = flow.csrf.and_then(|fingerprint| csrf(config).owner(request, fingerprint).ok());
    owner.map_or_else(String::new, |secret| secret.masked(&*service.entropy))
}

/// The fields of a submit.
///
/// # Errors
/// 400 when the body cannot be read, its fields contradict each other or are too large.
pub fn submission(request: &HttpRequest, body: Result<Submitted, ApiError>) -> Result<Submission, ApiError> {
    if request.method() == actix_web::http::Method::GET {
        // Passwords must not stand in addresses: what a link carries is not a submit.
        return Ok(Submission::new(serde_json::Map::new(), Encoding::Form));
    }
    let body = body?;
    let encoding = match &body {
        Submitted::Json(_) => Encoding::Json,
        Submitted::Form(_) => Encoding::Form,
    };
    let fields = body.into_object()?;
    if fields.get("transient_payload").is_some_and(|payload| payload.to_string().len() > MAX_PAYLOAD) {
        let reason = format!("The member \"transient_payload\" is larger than {MAX_PAYLOAD} bytes.");
        return Err(ApiError::bad_request(reason));
    }
    Ok(Submission::new(fields, encoding))
}

/// The page that shows a flow.
#[must_use]
pub fn page(config: &Config, kind: FlowKind, id: FlowId) -> String {
    form::with_query(config.ui.of(kind), "flow", &id.to_string())
}

/// What a flow says about a request that must not be evaluated.
#[must_use]
pub fn not_evaluated(mut flow: Flow, reason: &str) -> Flow {
    flow.messages = vec![catalogue::INVALID.with([("reason", json!(reason))]).on_form()];
    flow
}

/// Adds cookies to an answer.
///
/// # Errors
/// 500 when a cookie cannot stand in a header, which ours always can.
pub fn with_cookies(
    mut answer: HttpResponse,
    cookies: impl IntoIterator<Item = Cookie<'static>>,
) -> Result<HttpResponse, ApiError> {
    for cookie in cookies {
        answer.add_cookie(&cookie).map_err(ApiError::internal)?;
    }
    Ok(answer)
}

/// Where a browser goes after a flow: what the flow was asked, else what the configuration says.
#[must_use]
pub fn after_url(config: &Config, flow: &Flow, configured: Option<&Url>) -> String {
    match (&flow.return_to, configured) {
        (Some(to), _) => to.clone(),
        (None, Some(url)) => url.to_string(),
        (None, None) => config.default_return_url.to_string(),
    }
}
