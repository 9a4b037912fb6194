//! What the login, consent and logout requests of the admin API have in common.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Pairs, response};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::challenge::{ChallengeError, Rejection};
use crate::error::{ErrorCode, OAuth2Error};

/// The challenge in the query, under its name or, as the oldest clients send it, as `challenge`.
pub(super) fn challenge(request: &HttpRequest, name: &str) -> Result<String, ApiError> {
    let query = Pairs::of_query(request)?;
    let text = query.get(name).or_else(|| query.get("challenge")).filter(|text| !text.is_empty());
    let missing = || OAuth2Error::new(ErrorCode::InvalidRequest, format!("The query parameter '{name}' is missing."));
    Ok(text.ok_or_else(missing)?.to_owned())
}

/// Where the browser goes (`oAuth2RedirectTo`), or why nowhere.
pub(super) fn redirect_to(next: Result<String, ChallengeError>) -> Result<HttpResponse, ApiError> {
    match next {
        Ok(next) => response::ok(&json!({"redirect_to": next})),
        Err(error) => failed(error),
    }
}

/// A challenge that cannot be used.
pub(super) fn failed(error: ChallengeError) -> Result<HttpResponse, ApiError> {
    match error {
        ChallengeError::Unknown => {
            let reason = "The challenge is not one that this server made, or what it names is gone.";
            Err(OAuth2Error::new(ErrorCode::NotFound, reason).into())
        }
        ChallengeError::Expired { restart: None } => {
            let reason = "The challenge has expired. The person has to start again from the application.";
            Err(OAuth2Error::new(ErrorCode::RequestUnauthorized, reason).into())
        }
        ChallengeError::Expired { restart: Some(restart) } => {
            let reason = "The challenge has expired. Send the browser to redirect_to, where it begins again.";
            with_next(StatusCode::UNAUTHORIZED, "request_unauthorized", reason, &restart)
        }
        ChallengeError::Handled(next) => {
            let reason = "Somebody has decided already. Send the browser to redirect_to.";
            with_next(StatusCode::GONE, "gone", reason, &next)
        }
        ChallengeError::Other(error) => Err(error.into()),
    }
}

/// The contracts have one shape for reading and another for deciding; this is both, and where the browser goes.
fn with_next(status: StatusCode, error: &str, reason: &str, next: &str) -> Result<HttpResponse, ApiError> {
    let body = json!({
        "redirect_to": next, "error": error, "error_description": reason, "message": reason, "code": status.as_u16(),
    });
    response::json(status, &body)
}

/// `rejectOAuth2Request`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RejectBody {
    #[serde(deserialize_with = "or_default")]
    error: String,
    #[serde(deserialize_with = "or_default")]
    error_description: String,
    #[serde(deserialize_with = "or_default")]
    error_hint: String,
    #[serde(deserialize_with = "or_default")]
    status_code: i64,
}

impl From<RejectBody> for Rejection {
    /// The hint is part of the description; what is for debugging never leaves.
    fn from(body: RejectBody) -> Self {
        let RejectBody { error, error_description, error_hint, status_code } = body;
        let error_description = format!("{error_description} {error_hint}").trim().to_owned();
        let status_code = u16::try_from(status_code).ok().filter(|status| (400..600).contains(status)).unwrap_or(400);
        Self { error, error_description, status_code }
    }
}

/// `null` is what some generated clients send for what they leave out.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Seconds, which may not be negative.
pub(super) fn seconds(value: i64) -> Result<u64, ApiError> {
    u64::try_from(value).map_err(|_| {
        OAuth2Error::new(ErrorCode::InvalidRequest, "The member 'remember_for' must not be negative.").into()
    })
}
