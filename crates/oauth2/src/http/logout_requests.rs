//! `/admin/oauth2/auth/requests/logout`: what a logout application reads and decides.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, response};

use super::requests::{challenge, failed, redirect_to};
use super::shown;
use crate::logout;
use crate::service::OAuth2Service;

const NAME: &str = "logout_challenge";

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    match logout::read(&service, &context, &text).await {
        Ok((found, client)) => {
            let life = service.config.load().ttl.login_consent_request;
            response::ok(&shown::logout_request(&text, &found, client.as_ref(), life))
        }
        Err(error) => failed(error),
    }
}

pub(super) async fn accept(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    redirect_to(logout::accept(&service, &context, &text).await)
}

/// Nothing is recorded: the person stays signed in. A body that older clients send is not read.
pub(super) async fn reject(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    match logout::read(&service, &context, &text).await {
        Ok(_) => Ok(response::no_content()),
        Err(error) => failed(error),
    }
}
