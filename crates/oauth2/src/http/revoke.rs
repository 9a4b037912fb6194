//! `POST /oauth2/revoke`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody};

use super::protocol::{Received, allow_origins, done, receive, refuse};
use crate::client_auth;
use crate::error::OAuth2Error;
use crate::service::OAuth2Service;
use crate::token::revoke;

pub(super) async fn revoke(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let respond = async {
        let Received { presented, parameters } = receive(&request, &form)?;
        allow_origins(&service, &context, &request, &presented).await?;
        let client = client_auth::authenticate(&service, &context, &presented).await?;
        let token = parameters.required("token")?;
        revoke::revoke(&service, context.project, context.now, &client.client, token).await
    };
    let outcome: Result<(), OAuth2Error> = respond.await;
    Ok(outcome.map_or_else(|error| refuse(&request, error), |()| done()))
}
