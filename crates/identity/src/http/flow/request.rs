//! What requests to flows carry: addresses to return to, ids, and the fields of a submit.

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::HttpRequest;
use orrery_core::RequestContext;
use orrery_web::return_to::ReturnTo;
use orrery_web::{ApiError, Pairs, Submitted};
use serde_json::Map;

use crate::IdentityService;
use crate::config::Config;
use crate::flow::{Encoding, Submission};
use crate::hooks::Seen;

/// Longest address that a flow remembers, in bytes.
const MAX_URL: usize = 8 * 1024;
/// Largest `transient_payload`, in bytes of JSON: flows remember it.
const MAX_PAYLOAD: usize = 64 * 1024;

/// The address in a query parameter, if there is one and it may be returned to.
///
/// # Errors
/// 400 `self_service_flow_return_to_forbidden`.
pub(in crate::http) fn return_to(config: &Config, query: &Pairs, name: &str) -> Result<Option<String>, ApiError> {
    let Some(value) = query.get(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let default = config.default_return_url.clone();
    let (allowed, _) = ReturnTo::new(&config.allowed_return_urls, &config.public_url, default);
    allowed.check(value).map(|url| Some(url.into()))
}

/// The address that a flow begins with and remembers.
///
/// # Errors
/// 400 when it is longer than any that leads here on purpose: it is stored.
pub(in crate::http) fn request_url(config: &Config, request: &HttpRequest) -> Result<String, ApiError> {
    let url = orrery_web::context::request_url(&config.public_url, request);
    if url.len() > MAX_URL {
        return Err(ApiError::bad_request(format!("The address of this request is longer than {MAX_URL} bytes.")));
    }
    Ok(url)
}

/// The context of a request, with what others may know of it if there are any.
pub(super) fn seen<'c>(
    service: &IdentityService,
    context: &'c RequestContext,
    request: &HttpRequest,
) -> Cow<'c, RequestContext> {
    let config = service.config.load();
    if !config.web_hooks.heard {
        return Cow::Borrowed(context);
    }
    let url = orrery_web::context::request_url(&config.public_url, request);
    let mut seen = Seen::new(&config, request.method().as_str(), url);
    for (name, value) in request.headers() {
        if let Ok(value) = value.to_str() {
            seen.header(name.as_str(), value);
        }
    }
    for cookie in request.cookies().iter().flat_map(|cookies| cookies.iter()) {
        seen.cookie(cookie.name(), cookie.value());
    }
    Cow::Owned(RequestContext { caused_by: Some(Arc::new(seen.finish())), ..context.clone() })
}

/// The id in a query parameter.
///
/// # Errors
/// 400 when it is missing or no UUID.
pub(in crate::http) fn id<T: std::str::FromStr>(query: &Pairs, name: &'static str) -> Result<T, ApiError> {
    let value = query.get(name).ok_or_else(|| {
        ApiError::bad_request(format!("The query parameter \"{name}\" is missing; it names the flow."))
    })?;
    value.parse().map_err(|_| ApiError::bad_request(format!("The query parameter \"{name}\" is not a UUID.")))
}

/// The fields of a submit.
///
/// # Errors
/// 400 when the body cannot be read, its fields contradict each other or are too large.
pub(super) fn submission(request: &HttpRequest, body: Result<Submitted, ApiError>) -> Result<Submission, ApiError> {
    if request.method() == actix_web::http::Method::GET {
        // Passwords must not stand in addresses: what a link carries is not a submit.
        return Ok(Submission::new(Map::new(), Encoding::Form));
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
