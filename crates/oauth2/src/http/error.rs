//! What failures become. Errors of this surface are flat, see [`orrery_web::Routes::flat_errors`].

use orrery_web::ApiError;

use crate::error::{ErrorCode, OAuth2Error};

/// Seconds to wait when nobody says how long.
const RETRY_AFTER: u32 = 1;

impl From<OAuth2Error> for ApiError {
    fn from(error: OAuth2Error) -> Self {
        let OAuth2Error { code, description, retry_after, source } = error;
        let (id, status) = code.parts();
        let answer = match (code, status) {
            (ErrorCode::ServerError, _) => {
                // The cause is for the log; the client learns the id of its request.
                return Self::internal(source.unwrap_or_else(|| description.into())).with_id(id);
            }
            (_, 401) => Self::unauthorized(description),
            (_, 403) => Self::forbidden(description),
            (_, 404) => Self::not_found(description),
            (_, 409) => Self::conflict(description),
            (_, 410) => Self::gone(description),
            (_, 503) => Self::unavailable(retry_after.unwrap_or(RETRY_AFTER)),
            (_, _) => Self::bad_request(description),
        };
        let answer = answer.with_id(id);
        match source {
            Some(source) => answer.with_source(source),
            None => answer,
        }
    }
}
