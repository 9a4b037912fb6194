//! `POST /oauth2/par` (RFC 9126).

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody, response};
use serde_json::json;

use super::protocol::{allow_origins, proof, receive, refuse, with_nonce};
use crate::authorize::{self, Parameters, Pushed};
use crate::client_auth;
use crate::service::OAuth2Service;

pub(super) async fn push(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    FormBody(form): FormBody,
) -> Result<HttpResponse, ApiError> {
    let pushed = async {
        let presented = receive(&request, &form)?.presented;
        allow_origins(&service, &context, &request, &presented).await?;
        let client = client_auth::authenticate(&service, &context, &presented).await?;
        let parameters = Parameters::new(form.iter().map(|(name, value)| (name.to_owned(), value.to_owned())))?;
        authorize::push(&service, &context, &client.client, proof(&request)?, &parameters).await
    };
    let answer = match pushed.await {
        Ok(Pushed { request_uri, expires_in }) => {
            let body = json!({"request_uri": request_uri, "expires_in": expires_in.as_secs()});
            let mut answer = response::json(StatusCode::CREATED, &body)?;
            answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            answer
        }
        Err(error) => refuse(&request, error),
    };
    Ok(with_nonce(&service, &context, answer))
}
