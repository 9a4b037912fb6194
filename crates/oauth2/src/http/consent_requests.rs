//! `/admin/oauth2/auth/requests/consent`: what a consent application reads and decides.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{AdminJsonBody, ApiError, Context, response};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::requests::{RejectBody, challenge, failed, or_default, redirect_to, seconds};
use super::shown;
use crate::consent::{self, AcceptConsent};
use crate::grant::SessionClaims;
use crate::service::OAuth2Service;

const NAME: &str = "consent_challenge";

/// `acceptOAuth2ConsentRequest`.
#[derive(Deserialize)]
pub(super) struct AcceptBody {
    #[serde(default, deserialize_with = "or_default")]
    grant_scope: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    grant_access_token_audience: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    session: SessionBody,
    #[serde(default, deserialize_with = "or_default")]
    remember: bool,
    #[serde(default, deserialize_with = "or_default")]
    remember_for: i64,
    #[serde(default)]
    context: Option<Value>,
}

/// `acceptOAuth2ConsentRequestSession`.
#[derive(Deserialize, Default)]
struct SessionBody {
    #[serde(default, deserialize_with = "or_default")]
    access_token: Map<String, Value>,
    #[serde(default, deserialize_with = "or_default")]
    id_token: Map<String, Value>,
}

pub(super) async fn read(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    match consent::read(&service, &context, &text).await {
        Ok(found) => response::ok(&shown::consent_request(&text, &found)),
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
    let accept = AcceptConsent {
        scope: body.grant_scope,
        audience: body.grant_access_token_audience,
        session: SessionClaims {
            access_token: body.session.access_token,
            id_token: body.session.id_token,
            ..SessionClaims::default()
        },
        remember: body.remember,
        remember_for: seconds(body.remember_for)?,
        context: body.context,
    };
    redirect_to(consent::accept(&service, &context, &text, accept).await)
}

pub(super) async fn reject(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    AdminJsonBody(body): AdminJsonBody<RejectBody>,
) -> Result<HttpResponse, ApiError> {
    let text = challenge(&request, NAME)?;
    redirect_to(consent::reject(&service, &context, &text, body.into()).await)
}
