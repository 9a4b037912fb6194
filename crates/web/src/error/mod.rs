//! The error that every handler may return, and the envelope that clients of both generations parse.

mod envelope;
pub(crate) mod flat;
mod kinds;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value};

/// An answer that is not a success: what happened, why, and what the client may do about it.
///
/// Rendered as `{"error":{"id","code","status","request","reason","details","message"}}` with the status in
/// `code`, or flat on routes that say so. The cause, when there is one, is for the log alone; no answer ever carries it.
pub struct ApiError(Box<Parts>);

/// Boxed, so that a `Result` that carries the error stays small.
struct Parts {
    status: StatusCode,
    id: Option<&'static str>,
    message: Cow<'static, str>,
    reason: Option<Cow<'static, str>>,
    details: Map<String, Value>,
    members: Map<String, Value>,
    retry_after: Option<u32>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl ApiError {
    /// The HTTP status, which is also `error.code`.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The machine-readable id, for the errors that have one.
    #[must_use]
    pub fn id(&self) -> Option<&'static str> {
        self.0.id
    }

    /// What happened, in general words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Why it happened this time.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Seconds after which trying again makes sense (`Retry-After`).
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// Gives the error its machine-readable id, also sent as `Ory-Error-Id`.
    #[must_use]
    pub fn with_id(mut self, id: &'static str) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Replaces the general sentence.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Adds a member to `error.details`.
    #[must_use]
    pub fn with_detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a top-level member beside `error`, such as `redirect_browser_to` or `use_flow_id`.
    ///
    /// An error with such members repeats `id`, `code`, `status`, `reason` and `message` at the top level, because
    /// the oldest clients read these errors flat.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when trying again makes sense.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The whole answer, naming the request when its id is known.
    #[must_use]
    pub fn to_response(&self, request_id: Option<&str>) -> HttpResponse {
        envelope::response(self, &envelope::body(self, request_id))
    }

    /// The same in the flat form of the OAuth2 contracts, where the id is the code in `error`. Handlers leave this to
    /// the edge; see [`Routes::flat_errors`](crate::Routes::flat_errors).
    #[must_use]
    pub fn to_flat_response(&self, request_id: Option<&str>) -> HttpResponse {
        envelope::response(self, &flat::body(self, request_id))
    }

    /// The body alone, for answers that embed an error, such as one item of a batch or a stored flow error.
    #[must_use]
    pub fn to_body(&self, request_id: Option<&str>) -> Value {
        envelope::body(self, request_id)
    }

    /// The cause and its causes, one line, for the log.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = StdError::source(self);
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0.status.as_u16(), self.0.message)?;
        self.0.id.map_or(Ok(()), |id| write!(f, " ({id})"))
    }
}

// The reason may repeat what a caller sent, so `Debug` leaves it out.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiError({self})")
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.0.status
    }

    // The edge middleware renders it again with the request id; this is what a test without the edge sees.
    fn error_response(&self) -> HttpResponse {
        self.to_response(None)
    }
}
