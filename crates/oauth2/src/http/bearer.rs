//! Access tokens that are presented to this server's own resources, `/userinfo` and `/credentials` (RFC 6750, RFC 9449).

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpRequest, HttpResponse};
use orrery_keys::SigningAlgorithm;
use orrery_web::{ApiError, Context, Origins};

use super::protocol::{authorization, proof};
use crate::assertion::ASYMMETRIC;
use crate::dpop::{self, Target};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::token::TokenKind;
use crate::token::lookup::{self, LiveToken};

/// An access token that is good.
pub(super) struct Presented {
    /// As it was sent.
    pub(super) text: String,
    /// What it stands for.
    pub(super) live: LiveToken,
}

/// The access token of a request to `path`. Scripts of the origins that its client has registered may read the answer.
pub(super) async fn presented(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    path: &str,
    parameter: Option<&str>,
) -> Result<Presented, OAuth2Error> {
    let (text, jkt) = read(service, context, request, path, parameter).await?;
    let found = lookup::find_with_grant(service, context.project, context.now, &text).await?;
    if let Some(live) = &found {
        Origins::new(&live.client.allowed_cors_origins).allow_for(request);
    }
    // A token that is bound to a key is good only with a proof of that key, and one that is not needs none.
    let good = found.filter(|live| live.token.kind == TokenKind::Access && live.token.jkt == jkt);
    let live = good.ok_or_else(|| {
        OAuth2Error::new(ErrorCode::InvalidToken, "The access token is missing, unknown, expired or revoked.")
    })?;
    Ok(Presented { text, live })
}

/// The token as it was sent, in the `Authorization` header or, where a specification allows that, in `parameter`; and the key
/// that the caller proved to have.
async fn read(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    path: &str,
    parameter: Option<&str>,
) -> Result<(String, Option<String>), OAuth2Error> {
    let header = authorization(request)?.and_then(|header| header.split_once(' '));
    let of = |name: &str| header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, token)| token.trim());
    if let Some(token) = of("dpop") {
        let addresses = service.config.load().addresses(path);
        let target = Target { method: request.method().as_str(), addresses: &addresses, access_token: Some(token) };
        let missing = || OAuth2Error::new(ErrorCode::InvalidDpopProof, "The DPoP header is missing.");
        let proof = proof(request)?.ok_or_else(missing)?;
        let jkt = dpop::check(service, context.project, context.now, proof, target).await?;
        return Ok((token.to_owned(), Some(jkt)));
    }
    let bearer = of("bearer");
    if bearer.is_some() && parameter.is_some() {
        let description = "The access token is sent twice. Send it in the Authorization header alone.";
        return Err(OAuth2Error::new(ErrorCode::InvalidRequest, description));
    }
    Ok((bearer.or(parameter).unwrap_or_default().to_owned(), None))
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
