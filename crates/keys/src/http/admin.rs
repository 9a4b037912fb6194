//! `/admin/keys/{set}` and `/admin/keys/{set}/{kid}`.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::web::{Data, Path};
use orrery_web::response::{json, no_content};
use orrery_web::{AdminJsonBody, ApiError, Context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jwk::{Jwk, RawJwk};
use crate::manager::{KeyManager, NewKey};

/// What a path segment may contain unescaped (RFC 3986 section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Schema `jsonWebKeySet` in a request.
#[derive(Deserialize)]
pub(super) struct SetBody {
    keys: Vec<RawJwk>,
}

/// Schema `createJsonWebKeySet`. An empty text counts as missing.
#[derive(Deserialize)]
pub(super) struct CreateBody {
    #[serde(default)]
    alg: Option<String>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    kid: Option<String>,
}

/// Schema `jsonWebKeySet` in an answer.
#[derive(Serialize)]
struct SetAnswer {
    keys: Vec<Value>,
}

pub(super) async fn read_set(
    manager: Data<KeyManager>,
    context: Context,
    set: Path<String>,
) -> Result<HttpResponse, ApiError> {
    let keys = manager.read_set(context.project, &set).await?;
    answer_set(StatusCode::OK, &keys)
}

pub(super) async fn create_key(
    manager: Data<KeyManager>,
    context: Context,
    set: Path<String>,
    AdminJsonBody(body): AdminJsonBody<CreateBody>,
) -> Result<HttpResponse, ApiError> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let new = NewKey { algorithm: body.alg.unwrap_or_default(), usage: given(body.usage), kid: given(body.kid) };
    let key = manager.create_key(context.project, context.now, &set, new).await?;
    let mut response = answer_set(StatusCode::CREATED, &[key])?;
    let location = format!("/admin/keys/{}", utf8_percent_encode(&set, SEGMENT));
    let location = HeaderValue::from_str(&location).map_err(ApiError::internal)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

pub(super) async fn replace_set(
    manager: Data<KeyManager>,
    context: Context,
    set: Path<String>,
    AdminJsonBody(body): AdminJsonBody<SetBody>,
) -> Result<HttpResponse, ApiError> {
    let keys = manager.replace_set(context.project, context.now, &set, body.keys).await?;
    answer_set(StatusCode::OK, &keys)
}

pub(super) async fn delete_set(
    manager: Data<KeyManager>,
    context: Context,
    set: Path<String>,
) -> Result<HttpResponse, ApiError> {
    manager.delete_set(context.project, &set).await?;
    Ok(no_content())
}

pub(super) async fn read_key(
    manager: Data<KeyManager>,
    context: Context,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (set, kid) = &*path;
    let key = manager.read_key(context.project, set, kid).await?;
    answer_set(StatusCode::OK, &[key])
}

pub(super) async fn put_key(
    manager: Data<KeyManager>,
    context: Context,
    path: Path<(String, String)>,
    AdminJsonBody(body): AdminJsonBody<RawJwk>,
) -> Result<HttpResponse, ApiError> {
    let (set, kid) = &*path;
    let key = manager.put_key(context.project, context.now, set, kid, body).await?;
    let value = key.to_value().map_err(ApiError::internal)?;
    json(StatusCode::OK, &value)
}

pub(super) async fn delete_key(
    manager: Data<KeyManager>,
    context: Context,
    path: Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (set, kid) = &*path;
    manager.delete_key(context.project, set, kid).await?;
    Ok(no_content())
}

fn answer_set(status: StatusCode, keys: &[Jwk]) -> Result<HttpResponse, ApiError> {
    let keys: Result<Vec<_>, _> = keys.iter().map(Jwk::to_value).collect();
    let keys = keys.map_err(ApiError::internal)?;
    json(status, &SetAnswer { keys })
}
