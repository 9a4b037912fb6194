//! `/admin/oauth2/auth/requests/login`: what a login application reads and decides.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{AdminJsonBody, ApiError, Context, response};
use serde::Deserialize;
use serde_json::Value;

use super::requests::{RejectBody, challenge, failed, or_default, redirect_to, seconds};
use super::shown;
use crate::challenge::{self, AcceptLogin};
use crate::service::OAuth2Service;

const NAME: &str = "login_challenge";

/// `acceptOAuth2LoginRequest`.
#[derive(Deserialize)]
pub(super) struct AcceptBody {
    #[serde(default, deserialize_with = "or_default")]
    subject: String,
    #[serde(default, deserialize_with = "or_default")]
    remember: bool,
    #[serde(default, deserialize_with = "or_default")]
    remember_for: i64,
    #[serde(default, deserialize_with = "or_default")]
    extend_session_lifespan: bool,
    #[serde(default, deserialize_with = "or_default")]
    acr: String,
    #[serde(default, deserialize_with = "or_default")]
    amr: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    identity_provider_session_id: String,
    #[serde(default, deserialize_with = "or_default")]
    force_subject_identifier: String,
    #[serde(default)]
    context: Value,
}

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    match challenge::read_login(&service, &context, &text).await {
        Ok(found) => response::ok(&shown::login_request(&text, &found)),
        Err(error) => failed(error),
    }
}

pub(super) async fn accept(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    AdminJsonBody(body): AdminJsonBody<AcceptBody>,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    let accept = AcceptLogin {
        subject: body.subject,
        remember: body.remember,
        remember_for: seconds(body.remember_for)?,
        extend_session_lifespan: body.extend_session_lifespan,
        acr: body.acr,
        amr: body.amr,
        identity_session: body.identity_provider_session_id.parse().ok(),
        force_subject_identifier: Some(body.force_subject_identifier),
        context: body.context,
    };
    redirect_to(challenge::accept_login(&service, &context, &text, accept).await)
}

pub(super) async fn reject(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    AdminJsonBody(body): AdminJsonBody<RejectBody>,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    redirect_to(challenge::reject_login(&service, &context, &text, body.into()).await)
}
