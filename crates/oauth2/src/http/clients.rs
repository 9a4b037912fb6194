//! `/admin/clients` and what is below it.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use json_patch::PatchOperation;
use orrery_web::response::no_content;
use orrery_web::{AdminJsonBody, ApiError, Context};
use serde_json::{Map, Value};

use super::client_answer::{self, Reader, located, meant_for, registered, segment};
use crate::OAuth2Service;
use crate::client::edit::unknown;
use crate::client::{ClientId, ClientMetadata, change, create, delete, patch, rotate, set_lifespans};
use crate::error::OAuth2Error;

pub(super) async fn create(
    service: Data<OAuth2Service>,
    context: Context,
    AdminJsonBody(body): AdminJsonBody<ClientMetadata>,
) -> Result<HttpResponse, ApiError> {
    let made = create::create(&service, &context, body).await?;
    let answer = registered(StatusCode::CREATED, &service.config.load(), &made, Reader::Administrator)?;
    located(answer, &format!("/admin/clients/{}", segment(&made.record.client.id)))
}

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let found = service.clients.client_by_id(context.project, &id(&path)?).await?.ok_or_else(unknown)?;
    client_answer::read(&found)
}

pub(super) async fn replace(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
    AdminJsonBody(body): AdminJsonBody<ClientMetadata>,
) -> Result<HttpResponse, ApiError> {
    let changed = change::replace(&service, &context, &id(&path)?, &meant_for(&request), &body).await?;
    registered(StatusCode::OK, &service.config.load(), &changed, Reader::Administrator)
}

pub(super) async fn patch(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
    AdminJsonBody(operations): AdminJsonBody<Vec<PatchOperation>>,
) -> Result<HttpResponse, ApiError> {
    let changed = patch::patch(&service, &context, &id(&path)?, &meant_for(&request), &operations).await?;
    registered(StatusCode::OK, &service.config.load(), &changed, Reader::Administrator)
}

pub(super) async fn delete(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    delete::delete(&service, &context, &id(&path)?, &meant_for(&request)).await?;
    Ok(no_content())
}

pub(super) async fn set_lifespans(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
    AdminJsonBody(members): AdminJsonBody<Map<String, Value>>,
) -> Result<HttpResponse, ApiError> {
    let changed = set_lifespans::set_lifespans(&service, &context, &id(&path)?, &meant_for(&request), &members).await?;
    client_answer::read(&changed)
}

pub(super) async fn rotate(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let rotated = rotate::rotate(&service, &context, &id(&path)?, &meant_for(&request)).await?;
    registered(StatusCode::OK, &service.config.load(), &rotated, Reader::Administrator)
}

pub(super) async fn forget_rotated(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let changed = rotate::forget_rotated(&service, &context, &id(&path)?, &meant_for(&request)).await?;
    client_answer::read(&changed)
}

/// A text that cannot be an id names no client.
fn id(path: &str) -> Result<ClientId, OAuth2Error> {
    path.parse().map_err(|_| unknown())
}
