//! What failures of this surface become: the flat error of RFC 6749 section 5.2.

use orrery_web::ApiError;

use crate::error::{ErrorCode, OAuth2Error};

impl From<OAuth2Error> for ApiError {
    fn from(error: OAuth2Error) -> Self {
        let (code, status) = error.code.parts();
        if error.code == ErrorCode::ServerError {
            let chain = error.chain();
            return Self::internal(error.source.unwrap_or_else(|| chain.into())).with_id(code);
        }
        let mut answer = Self::of_protocol(status, code, error.description);
        if let Some(seconds) = error.retry_after {
            answer = answer.with_retry_after(seconds);
        }
        match error.source {
            Some(source) => answer.with_source(source),
            None => answer,
        }
    }
}
