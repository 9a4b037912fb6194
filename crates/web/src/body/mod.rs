//! Request bodies, bounded and checked: typed JSON for APIs, JSON or form for self-service submits.

mod form;
mod json;
mod nested;
mod submitted;

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use futures_util::StreamExt as _;

pub use form::FormBody;
pub use json::{AdminJsonBody, JsonBody};
pub use submitted::Submitted;

use crate::ApiError;

/// Largest request body when the surface sets no other limit, in bytes.
pub const DEFAULT_LIMIT: usize = 5 * 1024 * 1024;
/// How long a whole body may take: who sends a byte now and then must not keep connections for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// Deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 64;

/// A different body limit for a scope: `.app_data(BodyLimit(bytes))`.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimit(pub usize);

/// The whole body, refused as soon as it is known to be too large or has taken too long.
async fn read(request: &HttpRequest, payload: &mut Payload) -> Result<Bytes, ApiError> {
    let read = timeout(PATIENCE, collect(request, payload)).await;
    read.unwrap_or_else(|_| Err(ApiError::of_status(StatusCode::REQUEST_TIMEOUT)))
}

async fn collect(request: &HttpRequest, payload: &mut Payload) -> Result<Bytes, ApiError> {
    let limit = request.app_data::<BodyLimit>().map_or(DEFAULT_LIMIT, |limit| limit.0);
    let announced = request.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(ApiError::too_large(limit));
    }
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(64 * 1024));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::bad_request("The request body ended early or is not well encoded."))?;
        if body.len() + chunk.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The content type without parameters, in lower case; empty when absent.
fn media_type(request: &HttpRequest) -> String {
    let value = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use futures_util::stream;

    use super::*;

    #[actix_web::test]
    async fn a_body_that_never_ends_is_given_up() {
        tokio::time::pause();
        let request = TestRequest::post().to_http_request();
        let trickle = stream::once(async { Ok(Bytes::from_static(b"{")) }).chain(stream::pending());
        let mut payload = Payload::Stream { payload: trickle.boxed_local() };
        let error = read(&request, &mut payload).await.expect_err("given up");
        assert_eq!(error.status().as_u16(), 408);
    }
}
