//! One constructor per kind of error, and what storage failures become.

use std::borrow::Cow;
use std::error::Error as StdError;

use actix_web::http::StatusCode;
use orrery_core::StoreError;
use serde_json::Map;

use super::{ApiError, Parts};

/// Seconds to wait before trying again when storage is unavailable: a restart or fail-over is over by then.
const STORAGE_RETRY_SECONDS: u32 = 2;

impl ApiError {
    /// 400: the request is malformed or breaks a rule outside a flow. The reason names the field.
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::BAD_REQUEST, "The request was malformed or contained invalid values.", reason)
    }

    /// 401: no valid credentials came with the request.
    pub fn unauthorized(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::UNAUTHORIZED, "The request could not be authenticated.", reason)
    }

    /// 403: the caller is known, or does not matter, and may not do this.
    pub fn forbidden(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::FORBIDDEN, "The requested action is not allowed.", reason)
    }

    /// 404: nothing is there.
    pub fn not_found(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::NOT_FOUND, "The requested resource does not exist.", reason)
    }

    /// 405: the path exists, the method does not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::because(
            StatusCode::METHOD_NOT_ALLOWED,
            "The method is not supported here.",
            "Use one of the methods that the Allow header lists.",
        )
    }

    /// 409: a unique value is taken or somebody else changed the resource first.
    pub fn conflict(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::CONFLICT, "The request conflicts with an existing resource.", reason)
    }

    /// 410: it was there and is over.
    pub fn gone(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::because(StatusCode::GONE, "The resource is no longer available.", reason)
    }

    /// 413: the body is larger than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let reason = format!("Send at most {limit} bytes.");
        Self::because(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.", reason)
    }

    /// 415: the body has a type that this endpoint does not read.
    #[must_use]
    pub fn unsupported_media_type(accepted: &'static str) -> Self {
        let reason = format!("Send the body as {accepted} and say so in the Content-Type header.");
        Self::because(StatusCode::UNSUPPORTED_MEDIA_TYPE, "The type of the request body is not supported.", reason)
    }

    /// 422 `browser_location_change_required`: a script asked, but the browser itself has to go to `url`.
    #[must_use]
    pub fn browser_location_change(url: &str) -> Self {
        Self::because(
            StatusCode::UNPROCESSABLE_ENTITY,
            "The browser has to leave this page to continue.",
            "Send the browser to the address in redirect_browser_to.",
        )
        .with_id("browser_location_change_required")
        .with_member("redirect_browser_to", url)
    }

    /// 429: too many attempts; try again after `retry_after` seconds.
    #[must_use]
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self::because(
            StatusCode::TOO_MANY_REQUESTS,
            "There were too many attempts.",
            "Wait for the time that the Retry-After header gives, then try again.",
        )
        .with_retry_after(retry_after)
    }

    /// 500: a defect of ours. The answer says only that, and the request id; the cause goes to the log.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::because(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The server could not complete the request.",
            "The cause has been logged under the id of this request.",
        )
        .with_source(source)
    }

    /// 500 `invalid_configuration`: the operator's settings cannot work, found out only now.
    pub fn misconfigured(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::internal(source).with_id("invalid_configuration")
    }

    /// 502 `upstream_error`: another server that we need gave no usable answer.
    pub fn upstream(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::because(
            StatusCode::BAD_GATEWAY,
            "A service that this request depends on failed.",
            "Try again later; the cause has been logged under the id of this request.",
        )
        .with_id("upstream_error")
        .with_source(source)
    }

    /// 504 `upstream_error`: another server that we need did not answer in time.
    pub fn upstream_timeout(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::because(
            StatusCode::GATEWAY_TIMEOUT,
            "A service that this request depends on did not answer in time.",
            "Try again later; the cause has been logged under the id of this request.",
        )
        .with_id("upstream_error")
        .with_source(source)
    }

    /// 503: storage or another part of ours cannot be used just now.
    #[must_use]
    pub fn unavailable(retry_after: u32) -> Self {
        Self::because(
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is temporarily unavailable.",
            "Nothing was changed. Try again shortly.",
        )
        .with_retry_after(retry_after)
    }

    /// An error of a protocol with a code of its own, such as those of RFC 6749 section 5.2: the description is all that is
    /// said. A status that is none becomes 500.
    pub fn of_protocol(status: u16, code: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::because(status, "", "").with_message(description).with_id(code)
    }

    /// Any other status, in the words of the HTTP standard.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let message = status.canonical_reason().unwrap_or("Unknown status");
        Self::because(status, message, "The request could not be processed.")
    }

    fn because(status: StatusCode, message: &'static str, reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            status,
            id: None,
            message: Cow::Borrowed(message),
            reason: Some(reason.into()),
            details: Map::new(),
            members: Map::new(),
            retry_after: None,
            source: None,
        }))
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable(_) => Self::unavailable(STORAGE_RETRY_SECONDS).with_source(error),
            StoreError::Conflict(what) => {
                Self::conflict(format!("The {what} is already in use. Choose another value.")).with_source(error)
            }
            StoreError::Internal(_) => Self::internal(error),
        }
    }
}
