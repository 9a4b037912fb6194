//! What the endpoints that clients call have in common.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, PRAGMA, WWW_AUTHENTICATE,
};
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, Origins, Pairs, response};
use serde::Serialize;

use crate::client_auth::Presented;
use crate::dpop;
use crate::error::{ErrorCode, OAuth2Error};
use crate::parameters::Parameters;
use crate::service::OAuth2Service;

/// What a client sent: who it says it is, and what it wants.
pub(super) struct Received {
    pub(super) presented: Presented,
    pub(super) parameters: Parameters,
}

/// Reads a form and the `Authorization` header.
pub(super) fn receive(request: &HttpRequest, form: &Pairs) -> Result<Received, OAuth2Error> {
    let parameters = Parameters::new(form.iter())?;
    let presented = Presented::read(authorization(request)?, &parameters)?;
    Ok(Received { presented, parameters })
}

/// Lets scripts of the origins that the client of this request has registered read the answer, also one that refuses it.
pub(super) async fn allow_origins(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    presented: &Presented,
) -> Result<(), OAuth2Error> {
    if !request.headers().contains_key(ORIGIN) {
        return Ok(());
    }
    let Some(id) = presented.client_id().and_then(|id| id.parse().ok()) else { return Ok(()) };
    if let Some(found) = service.clients.client_by_id(context.project, &id).await? {
        Origins::new(&found.client.allowed_cors_origins).allow_for(request);
    }
    Ok(())
}

/// The `Authorization` header, which may be sent once.
pub(super) fn authorization(request: &HttpRequest) -> Result<Option<&str>, OAuth2Error> {
    let mut sent = request.headers().get_all(AUTHORIZATION);
    let malformed =
        || OAuth2Error::new(ErrorCode::InvalidRequest, "The Authorization header is malformed or repeated.");
    let first = sent.next().map(|value| value.to_str().map_err(|_| malformed())).transpose()?;
    if sent.next().is_some() { Err(malformed()) } else { Ok(first) }
}

/// The `DPoP` header, which may be sent once (RFC 9449 section 4.3, step 1).
pub(super) fn proof(request: &HttpRequest) -> Result<Option<&str>, OAuth2Error> {
    let mut sent = request.headers().get_all("dpop");
    let malformed = || OAuth2Error::new(ErrorCode::InvalidDpopProof, "The DPoP header is malformed or repeated.");
    let first = sent.next().map(|value| value.to_str().map_err(|_| malformed())).transpose()?;
    if sent.next().is_some() { Err(malformed()) } else { Ok(first) }
}

/// Hands out the nonce for the next proof, where proofs need one (RFC 9449 section 8.2).
pub(super) fn with_nonce(service: &OAuth2Service, context: &Context, mut answer: HttpResponse) -> HttpResponse {
    if service.config.load().dpop_nonces {
        let nonce = dpop::nonce(service, context.project, context.now);
        if let Ok(nonce) = HeaderValue::from_str(&nonce) {
            answer.headers_mut().insert(HeaderName::from_static("dpop-nonce"), nonce);
        }
    }
    answer
}

/// A JSON answer that nobody may keep (RFC 6749 section 5.1).
pub(super) fn answer(value: &impl Serialize) -> Result<HttpResponse, ApiError> {
    let mut answer = response::json(StatusCode::OK, value)?;
    forbid_keeping(answer.headers_mut());
    Ok(answer)
}

/// A JWT as the answer, with its media type; nobody may keep it either.
pub(super) fn signed(media_type: &'static str, token: String) -> Result<HttpResponse, ApiError> {
    let mut signed = answer(&())?.set_body(token).map_into_boxed_body();
    signed.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    Ok(signed)
}

/// An empty answer that nobody may keep.
pub(super) fn done() -> HttpResponse {
    let mut answer = HttpResponse::Ok().finish();
    forbid_keeping(answer.headers_mut());
    answer
}

/// The answer to a request that failed. A client that tried HTTP authentication is told so (RFC 6749 section 5.2).
pub(super) fn refuse(request: &HttpRequest, error: OAuth2Error) -> HttpResponse {
    let unauthorized = error.code == ErrorCode::InvalidClient && request.headers().contains_key(AUTHORIZATION);
    let mut answer = HttpResponse::from_error(ApiError::from(error));
    forbid_keeping(answer.headers_mut());
    if unauthorized {
        answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"oauth2\""));
    }
    answer
}

fn forbid_keeping(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
}
