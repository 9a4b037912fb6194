//! Successful JSON answers and the headers that every answer carries.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, VARY, X_CONTENT_TYPE_OPTIONS,
};
use serde::Serialize;

use crate::ApiError;

/// An answer in JSON.
///
/// # Errors
/// 500 when the value cannot be written as JSON, which is a defect of its `Serialize` implementation.
pub fn json(status: StatusCode, value: &(impl Serialize + ?Sized)) -> Result<HttpResponse, ApiError> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    let mut response = HttpResponse::new(status).set_body(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    Ok(response.map_into_boxed_body())
}

/// 200 in JSON.
///
/// # Errors
/// As [`json`].
pub fn ok(value: &(impl Serialize + ?Sized)) -> Result<HttpResponse, ApiError> {
    json(StatusCode::OK, value)
}

/// 204 without a body.
#[must_use]
pub fn no_content() -> HttpResponse {
    HttpResponse::new(StatusCode::NO_CONTENT)
}

/// 303 to another address: the browser follows with GET.
///
/// # Errors
/// 500 when the address cannot stand in a header. A parsed `Url` always can.
pub fn see_other(location: &str) -> Result<HttpResponse, ApiError> {
    redirect(StatusCode::SEE_OTHER, location)
}

/// 302 to another address, where a contract has it.
///
/// # Errors
/// As [`see_other`].
pub fn found(location: &str) -> Result<HttpResponse, ApiError> {
    redirect(StatusCode::FOUND, location)
}

fn redirect(status: StatusCode, location: &str) -> Result<HttpResponse, ApiError> {
    let mut response = HttpResponse::new(status);
    response.headers_mut().insert(LOCATION, HeaderValue::from_str(location).map_err(ApiError::internal)?);
    Ok(response)
}

/// An answer with cookies.
///
/// # Errors
/// 500 when a cookie cannot stand in a header, which ours always can.
pub fn with_cookies(
    mut answer: HttpResponse,
    cookies: impl IntoIterator<Item = Cookie<'static>>,
) -> Result<HttpResponse, ApiError> {
    for cookie in cookies {
        answer.add_cookie(&cookie).map_err(ApiError::internal)?;
    }
    Ok(answer)
}

/// Tells every cache to keep nothing of this answer.
pub fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache, no-store, must-revalidate"));
}

/// Fills in what a handler did not decide: answers are private to the caller's cookie, and never sniffed.
pub(crate) fn default_headers(headers: &mut HeaderMap) {
    if !headers.contains_key(CACHE_CONTROL) {
        forbid_storing(headers);
    }
    if !headers.contains_key(VARY) {
        headers.insert(VARY, HeaderValue::from_static("Cookie"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}
