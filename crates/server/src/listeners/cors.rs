//! Which scripts may read answers (Fetch standard, CORS): those of the configured origins and, where OAuth2 clients call, those of
//! the origins that the calling client has registered.

use actix_cors::Cors;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName,
    HeaderValue, ORIGIN,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpResponse};
use orrery_web::Origins;

use crate::config::serve;

/// Where the calling client says which origins may read. A preflight does not tell who will call: it is answered for all, and the
/// answer to the call itself is what a script may then read or not.
const BY_CLIENT: [&str; 7] = [
    "/oauth2/token",
    "/oauth2/par",
    "/oauth2/device/auth",
    "/oauth2/revoke",
    "/oauth2/introspect",
    "/userinfo",
    "/credentials",
];

/// What is the same for everybody, and what every client has to read before it can call.
const FOR_ALL: [&str; 3] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"];

/// Where browsers go and scripts have nothing to read: the authorization endpoint (RFC 9700 section 2.6) and what belongs to it,
/// and the pages.
fn is_for_browsers(path: &str) -> bool {
    matches!(path, "/" | "/ui" | "/oauth2/auth" | "/oauth2/sessions/logout" | "/oauth2/device/verify")
        || path.starts_with("/ui/")
}

/// The configured rules.
#[derive(Clone)]
pub(super) struct CrossOrigin {
    config: serve::Cors,
    configured: Configured,
}

/// Origins of the configuration; `None` when every origin is allowed.
#[derive(Clone)]
pub(super) struct Configured(Option<Origins>);

impl Configured {
    fn allow(&self, origin: &HeaderValue) -> bool {
        self.0.as_ref().is_none_or(|origins| origins.allow(origin))
    }
}

impl CrossOrigin {
    pub(super) fn new(config: &serve::Cors) -> Self {
        let everyone = config.allowed_origins.iter().any(|origin| origin == "*");
        let configured = Configured((!everyone).then(|| Origins::new(&config.allowed_origins)));
        Self { config: config.clone(), configured }
    }

    pub(super) const fn is_enabled(&self) -> bool {
        self.config.enabled
    }

    /// For [`by_client`].
    pub(super) fn origins(&self) -> Data<Configured> {
        Data::new(self.configured.clone())
    }

    pub(super) fn rules(&self) -> Cors {
        let config = &self.config;
        let everyone = self.configured.0.is_none();
        let mut cors = Cors::default();
        if everyone {
            cors = cors.allow_any_origin().send_wildcard();
        } else {
            let configured = self.configured.clone();
            cors = cors.allowed_origin_fn(move |origin, request| {
                let path = request.uri.path();
                BY_CLIENT.contains(&path) || FOR_ALL.contains(&path) || configured.allow(origin)
            });
        }
        let methods = config.allowed_methods.iter().filter_map(|name| Method::from_bytes(name.as_bytes()).ok());
        let headers = |names: &[String]| -> Vec<HeaderName> {
            names.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect()
        };
        cors = cors
            .allowed_methods(methods)
            .allowed_headers(headers(&config.allowed_headers))
            .expose_headers(headers(&config.exposed_headers));
        // Cookies for every origin would let any page act as the person in front of it.
        if config.allow_credentials && !everyone {
            cors = cors.supports_credentials();
        }
        if config.max_age > 0 {
            cors = cors.max_age(usize::try_from(config.max_age).unwrap_or(usize::MAX));
        }
        cors
    }
}

/// Takes the permission back from scripts of origins that neither the configuration nor the calling client allows, and from all
/// where only browsers go. A refusal everybody may read: it holds nothing of anybody's, and a script must be able to tell it from
/// an outage.
pub(super) async fn by_client(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_for_browsers(request.match_info().as_str()) {
        let mut response = next.call(request).await?;
        response.headers_mut().retain(|name, _| !name.as_str().starts_with("access-control-"));
        return Ok(response);
    }
    let judged = BY_CLIENT.contains(&request.path()) && request.method() != Method::OPTIONS;
    let origin = request.headers().get(ORIGIN).filter(|_| judged).cloned();
    let configured = request.app_data::<Data<Configured>>().cloned();
    let mut response = next.call(request).await?;
    let Some(origin) = origin else { return Ok(response) };
    let allowed = configured.is_some_and(|configured| configured.allow(&origin))
        || response.request().extensions().get::<Origins>().is_some_and(|origins| origins.allow(&origin));
    if !allowed && response.status().is_success() {
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS] {
            response.headers_mut().remove(name);
        }
    }
    Ok(response)
}

/// Without rules: what clients call answers a preflight, and allows nothing.
pub(super) async fn none<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let path = request.path();
    if request.method() == Method::OPTIONS && (BY_CLIENT.contains(&path) || FOR_ALL.contains(&path)) {
        return Ok(request.into_response(HttpResponse::Ok()).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}
