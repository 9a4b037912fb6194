//! `POST /credentials`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, JsonBody, response};
use serde_json::json;

use super::bearer::{Presented, presented, refuse};
use super::protocol::{answer, with_nonce};
use crate::credential::{self, Credential, CredentialNonce, CredentialRequest};
use crate::error::ErrorCode;
use crate::service::OAuth2Service;

pub(super) async fn issue(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    body: Result<JsonBody<CredentialRequest>, ApiError>,
) -> Result<HttpResponse, ApiError> {
    let (body, malformed) = match body {
        Ok(JsonBody(body)) => (body, None),
        Err(error) => (CredentialRequest::default(), Some(error)),
    };
    let outcome = async {
        let Presented { text, live } = presented(&service, &context, &request, "/credentials", None).await?;
        credential::issue(&service, &context, &text, live, &body).await
    };
    let answer = match outcome.await {
        Ok(Credential::Issued(credential)) => {
            answer(&json!({"format": credential::FORMAT, "credential_draft_00": credential}))?
        }
        Ok(Credential::Priming(CredentialNonce { nonce, expires_in })) => response::json(
            StatusCode::BAD_REQUEST,
            &json!({
                "format": "jwt_vc",
                "c_nonce": nonce,
                "c_nonce_expires_in": expires_in,
                "error": "missing_proof",
                "error_description": "Send a proof of your key, made with this c_nonce.",
            }),
        )?,
        Err(error) => match malformed {
            // Only now: whoever may not ask at all is told that first.
            Some(malformed) if error.code == ErrorCode::InvalidRequest => return Err(malformed),
            Some(_) | None => refuse(&request, error),
        },
    };
    Ok(with_nonce(&service, &context, answer))
}
