//! `POST /oauth2/token`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody};

use super::protocol::{allow_origins, answer, proof, receive, refuse, with_nonce};
use crate::endpoint;
use crate::error::OAuth2Error;
use crate::service::OAuth2Service;
use crate::token::response::TokenResponse;

pub(super) async fn token(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    form: Result<FormBody, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let answer = match respond(&service, &context, &request, &form?).await {
        Ok(response) => answer(&response)?,
        Err(error) => refuse(&request, error),
    };
    Ok(with_nonce(&service, &context, answer))
}

async fn respond(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    FormBody(form): &FormBody,
) -> Result<TokenResponse, OAuth2Error> {
    let received = receive(request, form)?;
    allow_origins(service, context, request, &received.presented).await?;
    let proof = proof(request)?;
    endpoint::token(service, context, &received.presented, proof, &received.parameters).await
}
