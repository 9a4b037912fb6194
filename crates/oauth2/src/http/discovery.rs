//! `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, VARY};
use actix_web::web::Data;
use orrery_web::{ApiError, Context, response};

use crate::discovery;
use crate::service::OAuth2Service;

pub(super) async fn show(service: Data<OAuth2Service>, context: Context) -> Result<HttpResponse, ApiError> {
    let document = discovery::document(&service, context.project, context.now).await?;
    let mut answer = response::ok(&document)?;
    // The same for everybody.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    Ok(answer)
}
