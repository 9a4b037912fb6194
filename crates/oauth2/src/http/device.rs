//! `POST /oauth2/device/auth`.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody};

use super::protocol::{Received, answer, receive, refuse};
use crate::client_auth;
use crate::device::authorize;
use crate::service::OAuth2Service;

pub(super) async fn authorize(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let respond = async {
        let Received { presented, parameters } = receive(&request, &form)?;
        let client = client_auth::authenticate(&service, context.project, context.now, &presented).await?;
        authorize::authorize(&service, context.project, context.now, &client, &parameters).await
    };
    match respond.await {
        Ok(begun) => answer(&begun),
        Err(error) => Ok(refuse(&request, error)),
    }
}
