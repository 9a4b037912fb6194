//! `GET` and `POST /oauth2/auth`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, Pairs, Submitted, cookie};

use super::page;
use crate::authorize::{self, Next, Parameters, Refused, Step};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

pub(super) async fn by_query(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let step = match parameters(&request) {
        Ok(parameters) => serve(&service, &context, &request, parameters).await,
        Err(error) => Err(Refused::from(error)),
    };
    respond(&service, &context, &request, step)
}

pub(super) async fn by_form(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    form: Submitted,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_form()?;
    let step = match Parameters::new(form.iter().map(|(name, value)| (name.to_owned(), value.to_owned()))) {
        Ok(parameters) => authorize::begin(&service, &context, parameters, &cookie::all(&request)).await,
        Err(error) => Err(Refused::from(error)),
    };
    respond(&service, &context, &request, step)
}

/// The parameters of a query.
pub(super) fn parameters(request: &HttpRequest) -> Result<Parameters, OAuth2Error> {
    let query = Pairs::of_query(request).map_err(|error| {
        let reason = error.reason().unwrap_or("The query is malformed.").to_owned();
        OAuth2Error::new(ErrorCode::InvalidRequest, reason)
    })?;
    Parameters::new(query.iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
}

async fn serve(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    parameters: Parameters,
) -> Result<Step, Refused> {
    let cookies = cookie::all(request);
    if let Some(verifier) = parameters.get("login_verifier") {
        return authorize::login(service, context, verifier, &cookies).await;
    }
    if let Some(verifier) = parameters.get("consent_verifier") {
        return authorize::consent(service, context, verifier, &cookies).await;
    }
    if let Some(challenge) = parameters.get("login_challenge") {
        return authorize::resume(service, context, challenge, &cookies).await;
    }
    authorize::begin(service, context, parameters, &cookies).await
}

/// Sends the browser where the step leads, or says what is wrong.
pub(super) fn respond(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    step: Result<Step, Refused>,
) -> Result<HttpResponse, ApiError> {
    match step {
        Ok(Step { next, cookies }) => {
            let answer = match &next {
                Next::Go(url) => page::go(url)?,
                Next::Answer(answer) => page::answer(answer)?,
            };
            page::with_cookies(answer, &service.config.load().cookies, &cookies)
        }
        Err(refused) => page::refused(service, context, request, refused),
    }
}
