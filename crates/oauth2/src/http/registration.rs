//! `/oauth2/register`: clients that register and look after themselves (RFC 7591, RFC 7592).

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::response::{no_content, ok};
use orrery_web::{ApiError, Context, JsonBody};

use super::client_answer::{Reader, located, registered, registration_uri, shown};
use crate::OAuth2Service;
use crate::client::{ClientMetadata, register};
use crate::error::{ErrorCode, OAuth2Error};

pub(super) async fn register(
    service: Data<OAuth2Service>,
    context: Context,
    body: Result<JsonBody<ClientMetadata>, ApiError>,
) -> Result<HttpResponse, ApiError> {
    register::enabled(&service)?;
    let JsonBody(body) = body?;
    let made = register::register(&service, &context, body).await?;
    let config = service.config.load();
    let answer = registered(StatusCode::CREATED, &config, &made, Reader::Itself)?;
    located(answer, &registration_uri(&config, &made.record.client.id))
}

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    match register::read(&service, &context, &path, bearer(&request)).await {
        Ok(record) => ok(&shown(&record.client, Reader::Itself)),
        Err(error) => Ok(refuse(error)),
    }
}

pub(super) async fn replace(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
    JsonBody(body): JsonBody<ClientMetadata>,
) -> Result<HttpResponse, ApiError> {
    match register::replace(&service, &context, &path, bearer(&request), &body).await {
        Ok(changed) => registered(StatusCode::OK, &service.config.load(), &changed, Reader::Itself),
        Err(error) => Ok(refuse(error)),
    }
}

pub(super) async fn delete(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    match register::delete(&service, &context, &path, bearer(&request)).await {
        Ok(()) => Ok(no_content()),
        Err(error) => Ok(refuse(error)),
    }
}

/// Whoever brings no good token is told which scheme it is for (RFC 6750 section 3).
fn refuse(error: OAuth2Error) -> HttpResponse {
    let unauthorized = error.code == ErrorCode::RequestUnauthorized;
    let mut refusal = HttpResponse::from_error(ApiError::from(error));
    if unauthorized {
        refusal.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    refusal
}

/// The bearer token of a request (RFC 6750 section 2.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
