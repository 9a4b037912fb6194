//! The flat error of the OAuth2 contracts (`errorOAuth2`, `oAuth2ApiError`).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use orrery_core::StoreError;
use orrery_core::error::Conflict;
use orrery_web::ApiError;
use orrery_web::response::forbid_storing;
use serde_json::json;

use crate::error::KeyError;

/// An [`ApiError`] in the flat form: `error` is a code, `error_description` says what happened and why.
#[derive(Debug)]
pub(super) struct FlatError {
    error: ApiError,
    request_id: String,
}

impl FlatError {
    pub(super) fn new(error: impl Into<ApiError>, request_id: &str) -> Self {
        Self { error: error.into(), request_id: request_id.to_owned() }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Invalid(invalid) => {
                Self::bad_request(format!("The member \"{}\" {}.", invalid.member, invalid.reason))
            }
            KeyError::NotFound => Self::not_found("There is no such key or key set. Create it first."),
            KeyError::Store(StoreError::Conflict(Conflict::Key)) => {
                Self::conflict("The set already has a key with this kid. Choose another kid, or replace it with PUT.")
            }
            KeyError::Store(error) => error.into(),
            KeyError::NoSigningKey | KeyError::Unreadable | KeyError::Crypto => Self::internal(error),
        }
    }
}

fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "not_found",
        409 => "conflict",
        400..500 => "invalid_request",
        503 => "temporarily_unavailable",
        _ => "server_error",
    }
}

impl fmt::Display for FlatError {
    /// For the log: with causes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.chain())
    }
}

impl ResponseError for FlatError {
    fn status_code(&self) -> StatusCode {
        self.error.status()
    }

    fn error_response(&self) -> HttpResponse {
        let Self { error, request_id } = self;
        let status = error.status();
        let reason = error.reason().unwrap_or_default();
        let body = json!({
            "error": code(status),
            "error_description": format!("{} {reason}", error.message()).trim_end(),
            "status_code": status.as_u16(),
            "request_id": request_id,
        });
        let mut response = HttpResponse::new(status).set_body(body.to_string());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        forbid_storing(headers);
        response.map_into_boxed_body()
    }
}
