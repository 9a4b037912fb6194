//! `GET` and `POST /oauth2/sessions/logout`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, Submitted, cookie};

use super::authorize::parameters;
use super::page;
use crate::authorize::Parameters;
use crate::error::OAuth2Error;
use crate::logout::{self, LoggedOut};
use crate::service::OAuth2Service;

pub(super) async fn by_query(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let outcome = match parameters(&request) {
        Err(error) => Err(error),
        Ok(parameters) => match parameters.get("logout_verifier") {
            Some(verifier) => logout::finish(&service, &context, verifier, &cookie::all(&request)).await,
            None => logout::begin(&service, &context, &parameters, &cookie::all(&request)).await,
        },
    };
    respond(&service, &context, &request, outcome)
}

pub(super) async fn by_form(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    form: Submitted,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_form()?;
    let outcome = match Parameters::new(form.iter().map(|(name, value)| (name.to_owned(), value.to_owned()))) {
        Ok(parameters) => logout::begin(&service, &context, &parameters, &cookie::all(&request)).await,
        Err(error) => Err(error),
    };
    respond(&service, &context, &request, outcome)
}

fn respond(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    outcome: Result<LoggedOut, OAuth2Error>,
) -> Result<HttpResponse, ApiError> {
    match outcome {
        Ok(LoggedOut { target, frames, cookies }) => {
            let answer = if frames.is_empty() { page::go(&target)? } else { page::frames(&frames, &target)? };
            page::with_cookies(answer, &service.config.load().cookies, &cookies)
        }
        Err(error) => page::to_person(service, context, request, error),
    }
}
