//! `/oauth2/register`: clients that register and look after themselves (RFC 7591, RFC 7592).

use actix_web::http::StatusCode;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::response::{no_content, ok};
use orrery_web::{ApiError, Context, JsonBody};

use super::client_answer::{Reader, located, registered, registration_uri, shown};
use crate::OAuth2Service;
use crate::client::{ClientMetadata, register};

pub(super) async fn register(
    service: Data<OAuth2Service>,
    context: Context,
    JsonBody(body): JsonBody<ClientMetadata>,
) -> Result<HttpResponse, ApiError> {
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
    let record = register::read(&service, &context, &path, bearer(&request)).await?;
    ok(&shown(&record.client, Reader::Itself))
}

pub(super) async fn replace(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
    JsonBody(body): JsonBody<ClientMetadata>,
) -> Result<HttpResponse, ApiError> {
    let changed = register::replace(&service, &context, &path, bearer(&request), &body).await?;
    registered(StatusCode::OK, &service.config.load(), &changed, Reader::Itself)
}

pub(super) async fn delete(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    register::delete(&service, &context, &path, bearer(&request)).await?;
    Ok(no_content())
}

/// The bearer token of a request (RFC 6750 section 2.1).
fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
