//! `GET` and `POST /userinfo` (OpenID Connect Core section 5.3, RFC 6750).

use actix_web::http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody, Pairs};

use super::protocol::{answer, authorization, proof};
use crate::dpop::{self, Target};
use crate::error::{ErrorCode, OAuth2Error};
use crate::service::OAuth2Service;
use crate::userinfo::{Userinfo, userinfo};

pub(super) async fn by_query(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let query = Pairs::of_query(&request)?;
    respond(&service, &context, &request, query.get("access_token")).await
}

pub(super) async fn by_form(
    service: Data<OAuth2Service>,
    context: Context,
    request: HttpRequest,
    form: Result<FormBody, ApiError>,
) -> Result<HttpResponse, ApiError> {
    // The body may be empty: the token is in the header then.
    let form = form.map(|form| form.0).unwrap_or_default();
    respond(&service, &context, &request, form.get("access_token")).await
}

async fn respond(
    service: &OAuth2Service,
    context: &Context,
    request: &HttpRequest,
    parameter: Option<&str>,
) -> Result<HttpResponse, ApiError> {
    let found = async {
        let header = authorization(request)?.and_then(|header| header.split_once(' '));
        let of =
            |name: &str| header.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(name)).map(|(_, token)| token.trim());
        if let Some(token) = of("dpop") {
            let url = service.config.load().endpoint("/userinfo");
            let target = Target { method: request.method().as_str(), url: &url, access_token: Some(token) };
            let missing = || OAuth2Error::new(ErrorCode::InvalidDpopProof, "The DPoP header is missing.");
            let proof = proof(request)?.ok_or_else(missing)?;
            let jkt = dpop::check(service, context.project, context.now, proof, target).await?;
            return userinfo(service, context.project, context.now, token, Some(&jkt)).await;
        }
        let bearer = of("bearer");
        if bearer.is_some() && parameter.is_some() {
            let description = "The access token is sent twice. Send it in the Authorization header alone.";
            return Err(OAuth2Error::new(ErrorCode::InvalidRequest, description));
        }
        userinfo(service, context.project, context.now, bearer.or(parameter).unwrap_or_default(), None).await
    };
    match found.await {
        Ok(Userinfo::Plain(claims)) => answer(&claims),
        Ok(Userinfo::Signed(token)) => {
            let mut signed = answer(&())?.set_body(token).map_into_boxed_body();
            signed.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/jwt"));
            Ok(signed)
        }
        Err(error) => Ok(refuse(error)),
    }
}

/// RFC 6750 section 3: what was wrong stands in the header too.
fn refuse(error: OAuth2Error) -> HttpResponse {
    let (code, status) = error.code.parts();
    let challenge = format!("Bearer error=\"{code}\", error_description=\"{}\"", error.description);
    let mut refusal = HttpResponse::from_error(ApiError::from(error));
    if let Ok(challenge) = HeaderValue::from_str(&challenge)
        && matches!(status, 401 | 403)
    {
        refusal.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    refusal
}
