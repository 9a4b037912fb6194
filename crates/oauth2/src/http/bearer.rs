//! Access tokens that are presented to this server's own resources, `/userinfo` and `/credentials` (RFC 6750, RFC 9449).

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use orrery_keys::SigningAlgorithm;
use orrery_web::{ApiError, Context, Origins};

use super::protocol::{authorization, proof};
use crate::assertion::ASYMMETRIC;
use crate::dpop::{self, Target};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::token::lookup;

/// What was presented.
pub(super) struct Presented {
    /// The token; empty for none.
    pub(super) token: String,
    /// The key that the caller proved to have.
    pub(super) jkt: Option<String>,
}

/// Reads the token of a request to `path`: from the `Authorization` header or, where a specification allows that, from
/// `parameter`.
pub(super) async fn presented(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    path: &str,
    parameter: Option<&str>,
) -> Result<Presented, OAuth2Error> {
    let header = authorization(request)?.and_then(|header| header.split_once(' '));
    let of = |name: &str| header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, token)| token.trim());
    if let Some(token) = of("dpop") {
        let url = service.config.load().endpoint(path);
        let target = Target { method: request.method().as_str(), url: &url, access_token: Some(token) };
        let missing = || OAuth2Error::new(ErrorCode::InvalidDpopProof, "The DPoP header is missing.");
        let proof = proof(request)?.ok_or_else(missing)?;
        let jkt = dpop::check(service, context.project, context.now, proof, target).await?;
        allow_origins(service, context, request, token).await?;
        return Ok(Presented { token: token.to_owned(), jkt: Some(jkt) });
    }
    let bearer = of("bearer");
    if bearer.is_some() && parameter.is_some() {
        let description = "The access token is sent twice. Send it in the Authorization header alone.";
        return Err(OAuth2Error::new(ErrorCode::InvalidRequest, description));
    }
    let token = bearer.or(parameter).unwrap_or_default();
    allow_origins(service, context, request, token).await?;
    Ok(Presented { token: token.to_owned(), jkt: None })
}

/// Lets scripts of the origins that the token's client has registered read the answer.
async fn allow_origins(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    token: &str,
) -> Result<(), OAuth2Error> {
    if request.headers().contains_key(ORIGIN)
        && let Some(live) = lookup::find(service, context.project, context.now, token).await?
    {
        Origins::new(&live.client.allowed_cors_origins).allow_for(request);
    }
    Ok(())
}

/// What was wrong stands in a header too (RFC 6750 section 3), in the scheme that the caller used (RFC 9449 section 7.1). A
/// proof that is not good is a failure to authenticate here.
pub(super) fn refuse(request: &HttpRequest, error: OAuth2Error) -> HttpResponse {
    let (code, _) = error.code.parts();
    let of_proof = matches!(error.code, ErrorCode::InvalidDpopProof | ErrorCode::UseDpopNonce);
    let scheme = if of_proof || request.headers().contains_key("dpop") { "DPoP" } else { "Bearer" };
    let mut challenge = format!("{scheme} error=\"{code}\", error_description=\"{}\"", error.description);
    if scheme == "DPoP" {
        let algorithms = ASYMMETRIC.map(SigningAlgorithm::name).join(" ");
        // Writing to a text cannot fail.
        let _: std::fmt::Result = write!(challenge, ", algs=\"{algorithms}\"");
    }
    let mut refusal = if of_proof {
        let description = error.description.clone().into_owned();
        HttpResponse::from_error(ApiError::of_protocol(401, code, description))
    } else {
        HttpResponse::from_error(ApiError::from(error))
    };
    if let Ok(challenge) = HeaderValue::from_str(&challenge)
        && matches!(refusal.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    {
        refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    refusal
}
