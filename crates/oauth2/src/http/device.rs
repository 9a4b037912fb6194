//! `POST /oauth2/device/auth`, where a device begins, and `/oauth2/device/verify`, where somebody approves it.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_core::Timestamp;
use orrery_web::negotiate::{Preferred, preferred};
use orrery_web::{AdminJsonBody, ApiError, Context, FormBody, Submitted, cookie, response};
use serde::Deserialize;

use super::authorize::{parameters, respond};
use super::page;
use super::protocol::{Received, allow_origins, answer, receive, refuse};
use super::requests::{challenge, failed, or_default, redirect_to};
use crate::authorize::{self as authorizing, Refused};
use crate::challenge::ChallengeError;
use crate::client_auth;
use crate::device::authorize;
use crate::device::verify::{self, CodeError};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;

const CHALLENGE: &str = "device_challenge";

pub(super) async fn authorize(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let respond = async {
        let Received { presented, parameters } = receive(&request, &form)?;
        allow_origins(&service, &context, &request, &presented).await?;
        let client = client_auth::authenticate(&service, &context, &presented).await?;
        authorize::authorize(&service, context.project, context.now, &client.client, &parameters).await
    };
    match respond.await {
        Ok(begun) => answer(&begun),
        Err(error) => Ok(refuse(&request, error)),
    }
}

/// A browser comes to approve a device, or comes back with a code that was found right.
pub(super) async fn verify(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let cookies = cookie::all(&request);
    let step = match parameters(&request) {
        Err(error) => Err(Refused::from(error)),
        Ok(sent) => match sent.get("device_verifier") {
            Some(verifier) => authorizing::device(&service, &context, verifier, &cookies).await,
            None => verify::begin(&service, &context, sent.get("user_code"), &cookies).map_err(Refused::from),
        },
    };
    respond(&service, &context, &request, step)
}

/// A form with a code: from the page that got the challenge, or from anywhere, to begin.
pub(super) async fn submit(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    form: Submitted,
) -> Result<HttpResponse, ApiError> {
    let form = form.into_form()?;
    let cookies = cookie::all(&request);
    let typed = form.get("user_code").unwrap_or_default();
    let Some(text) = form.get(CHALLENGE) else {
        let step = verify::begin(&service, &context, Some(typed), &cookies).map_err(Refused::from);
        return respond(&service, &context, &request, step);
    };
    let accepted = match verify::read_for_browser(&service, &context, text, &cookies) {
        Ok(_) => verify::accept(&service, &context, text, typed).await,
        Err(error) => Err(error.into()),
    };
    let problem = match accepted {
        Ok(next) => return response::see_other(&next),
        Err(CodeError::Challenge(error)) => return page::to_person(&service, &context, &request, told(error)),
        Err(error) if preferred(&request) == Preferred::Json => return refused(error, context.now),
        Err(CodeError::Unknown) => "invalid_user_code",
        Err(CodeError::TooMany { .. }) => "too_many_requests",
    };
    response::see_other(&verify::page(&service, text, Some(typed), Some(problem))?)
}

/// `acceptDeviceUserCodeRequest`.
#[derive(Deserialize)]
pub(super) struct AcceptBody {
    #[serde(default, deserialize_with = "or_default")]
    user_code: String,
}

/// An application of the operator has had a code typed.
pub(super) async fn accept(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    AdminJsonBody(body): AdminJsonBody<AcceptBody>,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, CHALLENGE)?;
    match verify::accept(&service, &context, &text, typed(&body)?).await {
        Ok(next) => redirect_to(Ok(next)),
        Err(error) => refused(error, context.now),
    }
}

/// An application of the operator has had a code typed, and somebody wants nothing of that device.
pub(super) async fn reject(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    AdminJsonBody(body): AdminJsonBody<AcceptBody>,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, CHALLENGE)?;
    match verify::reject(&service, &context, &text, typed(&body)?).await {
        Ok(next) => redirect_to(Ok(next)),
        Err(error) => refused(error, context.now),
    }
}

fn typed(body: &AcceptBody) -> Result<&str, OAuth2Error> {
    let missing = || OAuth2Error::new(ErrorCode::InvalidRequest, "The member 'user_code' is missing.");
    Some(body.user_code.as_str()).filter(|typed| !typed.is_empty()).ok_or_else(missing)
}

fn refused(error: CodeError, now: Timestamp) -> Result<HttpResponse, ApiError> {
    let error = match error {
        CodeError::Challenge(error) => return failed(error),
        CodeError::Unknown => {
            let reason = "The member 'user_code' is not the code of a device that waits: it is mistyped, was used or has \
                          expired. Compare it with the device, or have that show another one.";
            OAuth2Error::new(ErrorCode::InvalidRequest, reason)
        }
        CodeError::TooMany { until } => OAuth2Error {
            retry_after: Some(u32::try_from(until.since(now).as_secs()).unwrap_or(u32::MAX).max(1)),
            ..OAuth2Error::new(
                ErrorCode::TooManyRequests,
                "Too many wrong codes came from this network. Wait before the next one.",
            )
        },
    };
    Err(error.into())
}

/// A challenge that cannot be used, as the person is told.
fn told(error: ChallengeError) -> OAuth2Error {
    match error {
        ChallengeError::Other(error) => error,
        ChallengeError::Unknown | ChallengeError::Handled(_) => {
            OAuth2Error::new(ErrorCode::InvalidRequest, "This page is no longer valid. Begin again.")
        }
        ChallengeError::Expired { .. } => {
            OAuth2Error::new(ErrorCode::RequestUnauthorized, "This page was open for too long. Begin again.")
        }
    }
}
