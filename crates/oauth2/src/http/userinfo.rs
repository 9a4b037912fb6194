//! `GET` and `POST /userinfo` (OpenID Connect Core section 5.3, RFC 6750).

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use orrery_web::{ApiError, Context, FormBody, Pairs};

use super::bearer::{Presented, presented, refuse};
use super::protocol::{answer, signed, with_nonce};
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
    // What is no form holds no token: the one in the header counts, or the caller is told that it is missing.
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
        let Presented { live, .. } = presented(service, context, request, "/userinfo", parameter).await?;
        userinfo(service, context.project, context.now, live).await
    };
    let answer = match found.await {
        Ok(Userinfo::Plain(claims)) => answer(&claims)?,
        Ok(Userinfo::Signed(token)) => signed("application/jwt", token)?,
        Err(error) => refuse(request, error),
    };
    Ok(with_nonce(service, context, answer))
}
